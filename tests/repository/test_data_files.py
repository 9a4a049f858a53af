import json

import pytest

from defender_indicators.configuration import load_configuration
from defender_indicators.pack import validate
from defender_indicators.pack.strict_yaml import load


def refuse_repeats(pairs):
    assert len(dict(pairs)) == len(pairs), "a key stands twice"
    return dict(pairs)


def valid(files, *suffixes):
    return [file for file in files if file.suffix in suffixes and "data" not in file.parts]


def test_every_yaml_file_is_strict_yaml(root, files):
    for file in valid(files, ".yaml", ".yml"):
        assert load(root / file).data, file


def test_every_json_file_is_strict_json(root, files):
    for file in valid(files, ".json"):
        assert json.loads((root / file).read_text(encoding="utf-8"), object_pairs_hook=refuse_repeats), file


def test_the_pack_is_valid(root):
    assert validate(root) == []


@pytest.mark.parametrize("page", ["README.md", "docs/configuration.md"])
def test_yaml_that_a_page_shows_is_strict_yaml(root, tmp_path, page):
    text = (root / page).read_text(encoding="utf-8")
    blocks = [block.partition("\n```")[0] for block in text.split("```yaml\n")[1:]]
    assert blocks
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block + "\n", encoding="utf-8")
        assert load(file).data
        if "schema_version" in block:
            assert load_configuration(file, {}).profile().name == "north"
