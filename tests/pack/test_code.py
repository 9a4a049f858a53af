import importlib.util
import py_compile
import sys
import traceback
from pathlib import Path

import pytest

from defender_indicators.errors import ManifestError
from defender_indicators.pack.code import code_fault, load_code, parse_reference

PARAMETERS = ("inputs", "context")


@pytest.fixture
def write(tmp_path):
    def write(text, name="actions/block_value.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def _fault(root, text="actions.block_value:run", parameters=PARAMETERS):
    return code_fault(root, parse_reference(text, text.partition(".")[0]), parameters)


def test_a_reference_names_a_folder_a_module_and_something_in_it():
    reference = parse_reference("actions.block_value:run", "actions")
    assert tuple(reference) == ("actions", "block_value", "run")
    assert reference.file == "actions/block_value.py"


@pytest.mark.parametrize(
    "text",
    [
        "os:system",
        "actions:run",
        "actions.block_value",
        "actions.a.b:run",
        "actions../../x:run",
        "actions.x:run\n",
        "actions.x:run()",
        "actions.x:__class__",
        "/tmp/x.py:run",
        "actions/x.py:run",
        "connectors.x:run",
        "",
        None,
        7,
    ],
)
def test_case_118_nothing_else_is_a_reference(text):
    assert parse_reference(text, "actions") is None


@pytest.mark.parametrize("text", ["os:system", "subprocess.run:call", "tests.x:run", "", "actions..x:run"])
def test_case_118_nothing_else_is_loaded(tmp_path, text):
    with pytest.raises(ManifestError, match="names no code of a pack; name"):
        load_code(tmp_path, text)


def test_loads_what_is_named(write):
    root = write("def run(inputs, context):\n    return 7\n")
    assert _fault(root) == ""
    assert load_code(root, "actions.block_value:run")({}, None) == 7


def test_a_class_can_be_named(write):
    root = write("from dataclasses import dataclass\n@dataclass\nclass Client:\n    x: 'int' = 1\n", "connectors/c.py")
    assert _fault(root, "connectors.c:Client", None) == ""
    assert _fault(root, "connectors.c:Other", None) == "connectors/c.py has no class Other"
    assert load_code(root, "connectors.c:Client")().x == 1


def test_two_packs_with_equal_names_are_kept_apart(tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number) / "actions"
        folder.mkdir(parents=True)
        (folder / "x.py").write_text(f"def run(inputs, context):\n    return {number}\n", encoding="utf-8")
    handlers = [load_code(tmp_path / str(number), "actions.x:run") for number in (1, 2, 1)]
    assert [handler({}, None) for handler in handlers] == [1, 2, 1]
    assert handlers[0] is handlers[2]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def stop(inputs, context): ...", "actions/block_value.py has no function run"),
        ("run = print", "actions/block_value.py has no function run"),
        ("class run: ...", "actions/block_value.py has no function run"),
        ("if True:\n    def run(inputs, context): ...", "actions/block_value.py has no function run"),
        ("async def run(inputs, context): ...", "actions/block_value.py has no function run"),
        ("def run(context, inputs): ...", "run must take (inputs, context)"),
        ("def run(inputs): ...", "run must take (inputs, context)"),
        ("def run(", "actions/block_value.py is not Python"),
        ("x = '\0'", "actions/block_value.py is not Python"),
        ("#" * 1_000_001, "actions/block_value.py is larger than 1,000,000 bytes"),
    ],
)
def test_finds_faults_without_running_the_code(write, text, fault):
    assert _fault(write(text)) == fault


def test_checking_does_not_execute(write):
    root = write("raise SystemExit('executed')\ndef run(inputs, context): ...\n")
    assert _fault(root) == ""


def test_a_missing_file_is_a_fault(tmp_path):
    assert _fault(tmp_path) == "actions/block_value.py is missing"
    with pytest.raises(ManifestError, match=r"^actions/block_value\.py:1: \$: is missing or leads out of the pack; "):
        load_code(tmp_path, "actions.block_value:run")


def test_case_118_a_link_out_of_the_pack_is_not_followed(tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("def run(inputs, context):\n    return 'outside'\n", encoding="utf-8")
    root = tmp_path / "pack"
    (root / "actions").mkdir(parents=True)
    (root / "actions" / "block_value.py").symlink_to(outside)
    assert _fault(root) == "actions/block_value.py leads out of the pack"
    with pytest.raises(ManifestError, match="leads out of the pack"):
        load_code(root, "actions.block_value:run")


def test_case_118_a_linked_folder_out_of_the_pack_is_not_followed(tmp_path):
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "block_value.py").write_text("def run(inputs, context): ...\n", encoding="utf-8")
    root = tmp_path / "pack"
    root.mkdir()
    (root / "actions").symlink_to(tmp_path / "actions")
    assert _fault(root) == "actions/block_value.py leads out of the pack"


def test_case_118_compiled_code_beside_the_file_is_not_run(write, tmp_path):
    root = write("def run(inputs, context):\n    return 'checked'\n", "pack/actions/x.py").joinpath("pack")
    hostile = tmp_path / "hostile.py"
    hostile.write_text("def run(inputs, context):\n    return 'hostile'\n", encoding="utf-8")
    cache = Path(importlib.util.cache_from_source(str(root / "actions" / "x.py")))
    cache.parent.symlink_to(tmp_path / "outside")
    (tmp_path / "outside").mkdir()
    py_compile.compile(hostile, cache, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert load_code(root, "actions.x:run")({}, None) == "checked"


def test_loading_leaves_no_compiled_code_behind(write, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    root = write("def run(inputs, context):\n    return 7\n")
    load_code(root, "actions.block_value:run")
    assert [file.name for file in (root / "actions").iterdir()] == ["block_value.py"]


def test_an_error_of_the_code_shows_its_line(write):
    run = load_code(write("def run(inputs, context):\n    x = 1\n    return x / 0\n"), "actions.block_value:run")
    with pytest.raises(ZeroDivisionError) as caught:
        run({}, None)
    assert traceback.extract_tb(caught.value.__traceback__)[-1][1:] == (3, "run", "return x / 0")


def test_an_error_while_loading_names_its_line(write):
    root = write("x = 1\n\nimport a_module_that_is_not_there\n")
    with pytest.raises(ManifestError, match=r"block_value\.py:3: \$: cannot be loaded \(ModuleNotFoundError\); run"):
        load_code(root, "actions.block_value:run")
    assert not [name for name in sys.modules if name.endswith("block_value") and str(root) in str(sys.modules[name])]


def test_an_error_outside_the_file_names_its_first_line(write):
    with pytest.raises(ManifestError, match=r"block_value\.py:1: \$: cannot be loaded \(SyntaxError\)"):
        load_code(write("def run("), "actions.block_value:run")


def test_a_name_that_is_not_there_is_told(write):
    with pytest.raises(ManifestError, match=r"block_value\.py:1: \$: has no run; "):
        load_code(write("x = 1\n"), "actions.block_value:run")
