"""Every YAML and JSON file of the repository is read strictly and checked against the schema of its kind."""

import json
import os
from pathlib import Path

import pytest

from defender_indicators.pack import content_root, strict_yaml, validate
from defender_indicators.pack.schemas import runtime_schemas

ROOT = content_root()
SKIPPED = {"invalid_manifests", "node_modules", "build", "dist", "__pycache__"}
KINDS = {"actions": "action", "connectors": "connector", "schemas": None}


def _files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith((".", "venv"))]
        files = (Path(folder, name) for name in names if name.endswith((".yaml", ".yml", ".json")))
        yield from (file.relative_to(ROOT).as_posix() for file in files)


FILES = sorted(_files())


def _refuse_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    return dict(pairs)


@pytest.mark.parametrize("name", FILES)
def test_is_sound(name):
    file = ROOT / name
    if name.startswith("tests/") and name.endswith(".json"):
        json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_refuse_duplicates)
        return
    document = strict_yaml.load(file, name)
    if name == "plugin.yaml" or name.split("/")[0] in KINDS:
        assert validate(file) == []
    if "configuration" in file.name and file.suffix == ".yaml" and not name.startswith("tests/"):
        assert runtime_schemas().named("configuration").findings(document.data) == []


def test_the_content_of_the_pack_is_among_them():
    assert {"plugin.yaml", "connectors/defender.yaml", "actions/import_indicators.yaml"} <= set(FILES)
    assert "schemas/action.schema.json" in FILES
