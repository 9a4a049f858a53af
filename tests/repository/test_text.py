import re

import pytest

LEFTOVER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)/")
REGISTRY = re.compile(r"pypi\.org|pythonhosted|docker\.io|ghcr\.io|quay\.io|npmjs", re.IGNORECASE)
FROM_AN_INDEX = re.compile(r"install [^\n]*['\" ]defender[-_]indicators(?:\[|['\"\s]|$)")
SILENCED = re.compile(
    r"#\s*(?:noqa|type: ignore|pragma: no cover)(?:: ?[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*|\[[\w-]+(?:, ?[\w-]+)*\])?(.*)$"
)


@pytest.fixture(scope="module")
def texts(root, files):
    found = {}
    for file in files:
        data = (root / file).read_bytes()
        if b"\0" not in data:
            found[str(file)] = data.decode("utf-8", "replace")
    return found


def places(texts, pattern):
    return [
        f"{file}:{number} {line.strip()[:100]}"
        for file, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("pattern", [LEFTOVER, MACHINE_PATH], ids=["leftover", "machine path"])
def test_no_leftover_and_no_path_of_a_machine(texts, pattern):
    tests_of_it = {"tests/repository/test_text.py"}
    assert places({file: text for file, text in texts.items() if file not in tests_of_it}, pattern) == []


def test_no_registry_is_named(texts):
    assert (
        places({file: text for file, text in texts.items() if file != "tests/repository/test_text.py"}, REGISTRY) == []
    )


def test_nobody_is_told_to_install_the_pack_by_a_name_that_an_index_may_give_to_somebody_else(texts):
    assert FROM_AN_INDEX.search("pip install 'defender-indicators[emulator]'")
    told = {file: text for file, text in texts.items() if not file.startswith("tests/")}
    assert places(told, FROM_AN_INDEX) == []


def test_a_silenced_check_says_why_on_its_line(texts):
    bare = [
        f"{file}:{number}"
        for file, text in texts.items()
        if file.endswith(".py") and file != "tests/repository/test_text.py"
        for number, line in enumerate(text.splitlines(), 1)
        if (match := SILENCED.search(line)) and len(match.group(1).strip(" -#:")) < 3
    ]
    assert bare == []


def test_every_text_ends_with_one_line_break(texts):
    wrong = [file for file, text in texts.items() if text and (not text.endswith("\n") or text.endswith("\n\n"))]
    assert [file for file in wrong if not file.startswith("tests/data/")] == []


def test_the_licence_is_the_whole_apache_licence(texts):
    assert "Version 2.0, January 2004" in texts["LICENSE"]
    assert texts["LICENSE"].count("\n") > 195


def test_the_image_runs_as_an_ordinary_user_with_its_state_in_a_volume(texts):
    last_stage = texts["Containerfile"].rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9][0-9]+", last_stage, re.MULTILINE)
    state = re.search(r"^VOLUME (\S+)$", last_stage, re.MULTILINE).group(1)
    assert f"DEFENDER_INDICATORS_HOME={state}" in last_stage
    assert texts["Containerfile"].count("--require-hashes") == 2
