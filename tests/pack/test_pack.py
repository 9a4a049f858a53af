import shutil

import pytest

from defender_indicators.errors import InputError, ManifestError
from defender_indicators.pack import Pack, content_root, validate

A = "actions/block_value.yaml"


def test_reads_a_good_pack_from_any_folder(make_pack):
    pack = Pack(make_pack())
    assert (pack.name, pack.version) == ("sample_pack", "1.0.0")
    assert list(pack.actions) == ["block_value"]
    action = pack.action("block_value")
    assert (action.title, action.effects, action.permissions) == ("Block a value", "write", ("Ti.ReadWrite",))
    assert action.examples[0]["expect"] == {"ok": True}
    assert pack.connector.product["title"]
    assert pack.connector.load().host == "api.example.com"


def test_no_code_runs_while_a_pack_is_checked(make_pack):
    assert validate(make_pack({"actions/block_value.py": "def run(inputs, context): ...\nraise SystemExit\n"})) == []


def test_an_action_can_be_asked_for_by_its_qualified_name(make_pack):
    pack = Pack(make_pack())
    assert pack.action("sample_pack.block_value") is pack.action("block_value")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("block_valeu", "'block_valeu': there is no such action; did you mean block_value?"),
        ("zzz", "'zzz': there is no such action; known: block_value"),
        ("other_pack.block_value", "did you mean block_value?"),
        ("../block_value", "there is no such action"),
        ("", "'': there is no such action; known: block_value"),
    ],
)
def test_an_unknown_action_is_refused_with_the_closest_names(make_pack, name, told):
    with pytest.raises(InputError) as refused:
        Pack(make_pack()).action(name)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"plugin.yaml": None}, "plugin.yaml:1: $: cannot be read (No such file or directory); check"),
        ({"plugin.yaml": "[]\n"}, 'plugin.yaml:1: $: must be a mapping; write a mapping, as in {"name": "value"}'),
        ({A: None}, "plugin.yaml:10: $.actions[0]: actions/block_value.yaml is missing; add it"),
        ({A: "- x\n"}, f'{A}:1: $: must be a mapping; write a mapping, as in {{"name": "value"}}'),
        (
            {A: [("name: block_value", "name: allow_value")]},
            f"{A}:2: $.name: differs from the file's name; write",
        ),
        (
            {A: [("actions.block_value:run", "actions.allow_value:run")]},
            f"{A}:6: $.handler: is another file's code; name something in actions/block_value.py",
        ),
        (
            {"actions/block_value.py": None},
            f"{A}:6: $.handler: actions/block_value.py is missing; write def run(inputs, context) in",
        ),
        (
            {"actions/block_value.py": "def start(inputs, context): ...\n"},
            f"{A}:6: $.handler: actions/block_value.py has no function run; write def run(inputs, context)",
        ),
        (
            {"actions/allow_value.yaml": "x: y\n"},
            "plugin.yaml:10: $.actions: actions/allow_value.yaml is not listed; list it, or remove the file",
        ),
        (
            {"actions/allow_value.py": "\n"},
            "plugin.yaml:10: $.actions: actions/allow_value.py is not listed; list it, or remove the file",
        ),
        (
            {"actions/block_value.yml": "\n"},
            "plugin.yaml:10: $.actions: actions/block_value.yml is not listed; list it, or remove the file",
        ),
        (
            {"plugin.yaml": [("playbooks: []", "playbooks: [nightly]")]},
            "plugin.yaml:11: $.playbooks[0]: playbooks/nightly.yaml is missing; add it",
        ),
        (
            {"playbooks/nightly.yaml": "x: y\n"},
            "plugin.yaml:11: $.playbooks: playbooks/nightly.yaml is not listed; list it, or remove the file",
        ),
        (
            {"connectors/defender.yaml": None},
            "connectors/defender.yaml:1: $: cannot be read (No such file or directory)",
        ),
        ({"connectors/defender.yaml": "- x\n"}, "connectors/defender.yaml:1: $: must be a mapping"),
        (
            {"connectors/defender.py": "x = 1\n"},
            "connectors/defender.py has no class Defender; write class Defender in connectors/defender.py",
        ),
        (
            {"connectors/defender.yaml": [("connectors.defender:Defender", "connectors.other:Defender")]},
            "$.handler: is another file's code; name something in connectors/defender.py",
        ),
        (
            {"schemas/configuration.schema.json": None},
            "plugin.yaml:9: $.configuration: the schema is missing; name a file below schemas/",
        ),
        (
            {"schemas/configuration.schema.json": '{"type": "objekt"}'},
            "schemas/configuration.schema.json:1: $.type: is not one of the allowed values",
        ),
        ({"schemas/configuration.schema.json": "{"}, "schemas/configuration.schema.json:2: $: is not YAML"),
        (
            {"schemas/blocked.schema.json": '{"type": "object",\n"properties": {"ok": {"type": ["string", "null"]}}}'},
            "schemas/blocked.schema.json:2: $.properties.ok: outputs need exactly one type",
        ),
    ],
)
def test_refuses_a_pack_whose_files_do_not_fit_together(make_pack, changes, told):
    root = make_pack(changes)
    problems = validate(root)
    assert [problem for problem in problems if told in problem], problems
    with pytest.raises(ManifestError) as refused:
        Pack(root)
    assert refused.value.problems == problems


def test_reports_all_problems_of_all_files_at_once(make_pack):
    root = make_pack(
        {
            "plugin.yaml": [("license: Apache-2.0\n", ""), ("A sample", "~")],
            A: [("effects: write", "effects: wreck"), ("maxLength: 100", "maxLenght: 100"), ("days: {", "days: &d {")],
            "connectors/defender.yaml": [("title:", "titel:")],
            "schemas/blocked.schema.json": [('"type": "boolean"', '"typ": "boolean"')],
            "actions/block_value.py": "",
        }
    )
    files = [problem.partition(":")[0] for problem in validate(root)]
    assert len(files) >= 9
    assert files == sorted(files)
    assert {"plugin.yaml", A, "connectors/defender.yaml", "schemas/blocked.schema.json"} == set(files)


def test_case_118_manifests_behind_links_out_of_the_pack_are_not_read(make_pack, tmp_path):
    root = make_pack()
    shutil.move(root / A, tmp_path / "outside.yaml")
    (root / A).symlink_to(tmp_path / "outside.yaml")
    assert f"{A}:1: $: leads out of the pack; put the file itself there, not a link" in validate(root)


def test_the_shipped_pack_is_sound():
    assert validate(content_root()) == []


def test_the_shipped_pack_can_be_used_from_where_it_was_unpacked(tmp_path):
    for folder in ("actions", "connectors", "schemas", "playbooks"):
        shutil.copytree(content_root() / folder, tmp_path / folder)
    shutil.copy(content_root() / "plugin.yaml", tmp_path)
    assert list(Pack(tmp_path).actions) == list(Pack(content_root()).actions)


def test_a_single_file_can_be_checked(make_pack):
    root = make_pack()
    shipped = content_root()
    assert validate(root / "plugin.yaml") == []
    assert validate(root / "connectors" / "defender.yaml") == []
    assert validate(root / "schemas" / "blocked.schema.json") == []
    assert validate(shipped / "actions" / "import_indicators.yaml") == []
