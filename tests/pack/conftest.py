"""A small pack, good as it is, of which a test can change single files."""

import pytest

PLUGIN = """\
schema_version: 1
name: sample_pack
title: A sample
version: "1.0.0"
description: Blocks values.
license: Apache-2.0
links: {documentation: https://learn.microsoft.com/defender-endpoint/}
connector: defender
configuration: schemas/configuration.schema.json
actions: [block_value]
playbooks: []
"""

ACTION = """\
schema_version: 1
name: block_value
title: Block a value
description: Blocks one value.
doc_url: https://learn.microsoft.com/defender-endpoint/api/ti-indicator
handler: actions.block_value:run
effects: write
permissions: [Ti.ReadWrite]
inputs:
  type: object
  additionalProperties: false
  required: [value]
  properties:
    value: {type: string, maxLength: 100, description: What to block.}
    days: {type: integer, minimum: 1, default: 30, description: For how long.}
    tags: {type: array, items: {type: string}, default: [], description: Labels.}
    rows: {type: array, items: {type: object}, x-rows: true, description: Rows.}
outputs: {$ref: ../schemas/blocked.schema.json}
examples:
  - title: A domain
    inputs: {value: login.example.com}
    expect: {ok: true}
"""

BLOCKED = """\
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["ok", "inputs"],
  "properties": {
    "ok": {"type": "boolean"},
    "inputs": {"type": "object"},
    "results": {"type": "array", "items": {"$ref": "#/$defs/row"}}
  },
  "$defs": {"row": {"type": "object", "properties": {"index": {"type": "integer"}}}}
}
"""

HANDLER = """\
def run(inputs, context):
    return context(inputs)
"""

CONNECTOR = """\
class Defender:
    host = "api.example.com"
"""


@pytest.fixture
def make_pack(tmp_path, request):
    """Return a function that writes the pack, changed as told, and returns its root.

    ``changes`` maps a file's name to its whole new text, to None (no such file), or to (old, new) replacements.
    """
    shipped = request.config.rootpath / "connectors" / "defender.yaml"
    files = {
        "plugin.yaml": PLUGIN,
        "actions/block_value.yaml": ACTION,
        "actions/block_value.py": HANDLER,
        "connectors/defender.yaml": shipped.read_text(encoding="utf-8"),
        "connectors/defender.py": CONNECTOR,
        "schemas/blocked.schema.json": BLOCKED,
        "schemas/configuration.schema.json": '{"type": "object"}\n',
    }

    def write(changes=()):
        for name, change in {**dict.fromkeys(files, ()), **dict(changes)}.items():
            text = files.get(name, "")
            if change is None:
                continue
            for old, new in [] if isinstance(change, str) else change:
                assert old in text
                text = text.replace(old, new, 1)
            path = tmp_path / "pack" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(change if isinstance(change, str) else text, encoding="utf-8")
        return tmp_path / "pack"

    return write
