"""Every file of tests/data/invalid_manifests has one defect, its name says which, and its first lines what is told."""

import re
from pathlib import Path

import pytest

from defender_indicators.pack import validate

FOLDER = Path(__file__).parent.parent / "data" / "invalid_manifests"
FILES = sorted(FOLDER.iterdir())
REFUSED = re.compile(r'refused"?: "?(?P<line>\d+): (?P<path>\$.*?): (?P<cause>[^"\n]+)')
WORDLESS = {"empty.yaml": (1, "$", "the file is empty"), "not_utf_8.yaml": (3, "$", "is not UTF-8 text")}


def _expected(file):
    if file.name in WORDLESS:
        return WORDLESS[file.name]
    found = REFUSED.search(file.read_text(encoding="utf-8").replace('\\"', "'"))
    assert found, f"{file.name} does not say why it is refused"
    return int(found["line"]), found["path"], found["cause"]


def test_there_is_a_sample_of_every_kind_of_defect():
    assert len(FILES) >= 35


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_refuses_the_sample_with_file_line_path_and_remedy(file):
    line, path, cause = _expected(file)
    problems = validate(file)
    told = [problem for problem in problems if problem.startswith(f"{file}:{line}: {path}: {cause}")]
    assert told, problems
    assert re.fullmatch(r".+: .+; .{4,}", told[0])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_tells_nothing_but_the_defect(file):
    assert len(validate(file)) == (2 if file.stem == "misspelt_key" else 1)  # the right key is missing, too
