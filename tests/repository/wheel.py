"""Run by ``make wheel`` with the interpreter that holds the wheel; the ordinary suite does not collect it."""

import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import defender_indicators
from defender_indicators.pack import content_root

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names():
    (wheel,) = (ROOT / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_tests_run_against_the_wheel_and_not_against_the_checkout():
    assert ROOT / "src" not in Path(defender_indicators.__file__).parents


def test_one_package_lands_in_site_packages(names):
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"defender_indicators"}


@pytest.mark.parametrize("folder", ["actions", "connectors", "schemas", "playbooks"])
def test_the_content_is_in_the_wheel_file_by_file(names, folder):
    inside = {name.removeprefix("defender_indicators/content/") for name in names if "/content/" in name}
    outside = {
        str(file.relative_to(ROOT))
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in inside if name.startswith(f"{folder}/")} == outside != set()


def test_nothing_compiled_or_foreign_is_in_the_wheel(names):
    assert [name for name in names if "__pycache__" in name or name.startswith(("tests", "docs"))] == []


def test_the_runtime_finds_the_content_that_was_installed():
    assert content_root() == Path(defender_indicators.__file__).parent / "content"
    assert (content_root() / "plugin.yaml").is_file()


def test_types_and_licence_come_along(names):
    assert "defender_indicators/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert metadata.version("defender-indicators") == defender_indicators.__version__
