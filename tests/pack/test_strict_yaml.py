import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.errors import ManifestError
from defender_indicators.pack import strict_yaml
from defender_indicators.pack.strict_yaml import load, loads, parse, read


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _with_and_without_libyaml(request, monkeypatch):
    monkeypatch.setattr(strict_yaml, "_LOADER", getattr(yaml, request.param))


def _problems(text):
    return [str(problem) for problem in parse(text, "f.yaml").problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("999999999999999", 999999999999999),
        ("0.5", 0.5),
        ("-10.25", -10.25),
        ("'true'", "true"),
        ('"12"', "12"),
        ("'~'", "~"),
        ("''", ""),
    ],
)
def test_reads_what_json_would_read(text, value):
    data = loads(f"a: {text}", "f.yaml").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "No",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "1:30",
        "190:20:30",
        "2021-12-12",
        "2001-12-14t21:59:43.10-05:00",
        "10.0.0.1",
        "0abc",
        "12ab34",
        "1.2.3",
        "=",
        "nothing",
        "e1234",
        "=1+1",
    ],
)
def test_reads_every_other_plain_word_as_text(text):
    assert loads(f"a: {text}", "f.yaml").data == {"a": text}


@pytest.mark.parametrize(
    "text",
    [
        "0123",
        "+1",
        "-0",
        "1_000",
        "0x1F",
        "0o17",
        "0b11",
        "1e5",
        "1E5",
        "12345e67",
        ".5",
        "1.",
        ".inf",
        "-.Inf",
        ".NaN",
        "1234567890123456",
        "1234567890" * 4,
        "True",
        "FALSE",
        "Null",
        "~",
    ],
)
def test_case_095_refuses_what_other_readers_would_coerce(text):
    (problem,) = _problems(f"a: {text}\n")
    assert problem.startswith("f.yaml:1: $.a: may be text or a ")
    assert "quote it" in problem


def test_case_095_quoted_hashes_stay_text():
    hashes = ["1234567890" * 4, "12345e67" * 5, "0" * 32]
    text = "".join(f'- "{value}"\n' for value in hashes)
    assert loads(text, "f.yaml").data == hashes


def test_never_quotes_a_value():
    secret = "1234567890123456789"
    assert not any(secret in problem for problem in _problems(f"a: {secret}\nb: !!str {secret}\nc: &x {secret}\n"))


def test_reports_every_problem_of_a_file_at_once_and_in_order():
    text = "a: 0123\nb: !!int 3\nc: &x 1\nd: *x\na: 2\n<<: {}\n1: 2\n? [k]\n: v\ne:\nf: {g: [1, 1_0]}\n"
    places = [problem.split(": ")[:2] for problem in _problems(text)]
    lines = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]
    paths = ["$.a", "$.b", "$.c", "$.d", "$.a", '$["<<"]', '$["1"]', "$", "$.e", "$.f.g[1]"]
    assert places == [[f"f.yaml:{line}", path] for line, path in zip(lines, paths, strict=True)]


def test_keeps_the_first_of_two_equal_keys_and_names_its_line():
    document = parse("a: 1\nb: 2\na: 3\n", "f.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert "first in line 1" in str(document.problems[0])


@pytest.mark.parametrize("key", ["true", "null", "~", "12", "0x1", "1.5", "!!str a", "&x a"])
def test_refuses_plain_keys_that_are_not_text(key):
    assert _problems(f"{key}: 1\n")


@pytest.mark.parametrize("key", ["no", "on", "1:30", "a b", "'1'", '"<<"', "x-y"])
def test_takes_every_key_that_is_text(key):
    assert not _problems(f"{key}: v\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "f.yaml:1: $: the file is empty"),
        ("# only a remark\n", "f.yaml:1: $: the file is empty"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: $: a second document starts here"),
        ("%YAML 1.2\n---\na: 1\n", "f.yaml:1: $: directives are not allowed"),
        ("%TAG ! x:\n---\na: 1\n", "f.yaml:1: $: directives are not allowed"),
        ("a: [1\n", "f.yaml:2: $: is not YAML: "),
        ("a: 'x\n", "f.yaml:2: $: is not YAML: "),
        ("a: 1\n b: 2\n", "f.yaml:2: $: is not YAML: "),
        ("ä: 1\nb: \x07\n", "f.yaml:2: $: holds a character that YAML does not allow"),
        ("a: 1\nb: \ud800\n", "f.yaml:2: $: holds half a character"),
    ],
)
def test_says_why_it_had_to_stop(text, told):
    (problem,) = _problems(text)
    assert problem.startswith(told)


@pytest.mark.parametrize("bomb", ["[" * 3000, "{a: " * 3000, "- " * 3000, "? " * 3000], ids=["[", "{", "-", "?"])
def test_case_101_stops_at_fifty_levels(bomb):
    assert _problems(bomb) == ["f.yaml:1: $: is nested deeper than 50; make the structure flatter"]


def test_case_101_fifty_levels_are_fine():
    assert loads("[" * 50 + "]" * 50, "f.yaml").data
    assert _problems("[" * 51 + "]" * 51)


def test_case_101_an_alias_bomb_costs_nothing():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    started = time.perf_counter()
    problems = _problems("\n".join(lines))
    assert time.perf_counter() - started < 1
    assert len(problems) == 9 + 8 * 9


def test_case_101_refuses_more_than_a_megabyte(tmp_path):
    big = tmp_path / "big.yaml"
    big.write_text("# " + "x" * 1_000_000, encoding="utf-8")
    assert [str(problem) for problem in read(big, "big.yaml").problems] == [
        "big.yaml:1: $: is larger than 1,000,000 bytes; split the file"
    ]
    assert _problems("ä" * 500_001) == ["f.yaml:1: $: is larger than 1,000,000 bytes; split the file"]


def test_case_101_a_megabyte_is_read():
    assert len(loads("- abcdefg\n" * 100_000, "f.yaml").data) == 100_000


def test_a_missing_file_is_a_problem_of_that_file(tmp_path):
    with pytest.raises(ManifestError, match=r"x\.yaml:1: \$: cannot be read \(No such file or directory\); check"):
        load(tmp_path / "x.yaml")


def test_a_folder_is_not_read(tmp_path):
    with pytest.raises(ManifestError, match="is not a regular file"):
        load(tmp_path, "folder")


def test_text_that_is_not_utf_8_is_a_problem_at_its_line(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: \xfc\n")
    with pytest.raises(ManifestError, match=r"^latin\.yaml:2: \$: is not UTF-8 text"):
        load(file, "latin.yaml")


def test_a_byte_order_mark_is_skipped(tmp_path):
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load(file).data == {"a": 1}
    assert load(file).name == str(file)


def test_knows_the_line_of_every_value_and_of_the_nearest_one_around_a_missing_value():
    document = loads("a:\n  b:\n    - 1\n    - {c: 2}\n\nd: 3\n", "f.yaml")
    assert document.position() == 1
    assert document.position(("a", "b")) == 2
    assert document.position(("a", "b", 1, "c")) == 4
    assert document.position(("a", "b", 1, "missing", "deeper")) == 4
    assert document.position(("d",)) == 6


def test_json_is_read_by_the_same_rules():
    assert loads('{"a": [1, 0.5, true, null, "x\\u00e9\\n"]}', "f.json").data == {"a": [1, 0.5, True, None, "xé\n"]}


@given(st.text())
def test_never_raises_for_any_text(text):
    document = parse(text, "f.yaml")
    assert document.problems or document.lines


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**14), 10**14) | st.text(st.characters(codec="ascii")),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc~1<:-", min_size=1), inner, max_size=4),
        max_leaves=12,
    )
)
def test_reads_back_what_pyyaml_writes_with_everything_quoted(data):
    written = yaml.safe_dump(data, default_style='"', allow_unicode=True)
    plain = written.replace("!!int ", "").replace("!!bool ", "").replace("!!null ", "")
    assert strip(parse(plain, "f.yaml").data) == strip(data)


def strip(data):
    """Take the types out: a quoted number is text."""
    if isinstance(data, list):
        return [strip(item) for item in data]
    if isinstance(data, dict):
        return {key: strip(value) for key, value in data.items()}
    return data if isinstance(data, str) else str(data).lower().replace("none", "null")
