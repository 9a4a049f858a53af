import pytest

from defender_indicators.pack.lint import schema_problems, union_problems
from defender_indicators.pack.schemas import Schemas, read_inside
from defender_indicators.pack.strict_yaml import loads

FILES = {
    "a.schema.json": '{"type": "object", "properties": {"b": {"$ref": "sub/b.schema.json#/$defs/x~1y"}}}',
    "sub/b.schema.json": '{"$defs": {"x/y": {"type": "integer"}}, "allOf": [{"$ref": "../a.schema.json"}]}',
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / "schemas" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def _lint(root, text):
    document = loads(text, "actions/x.yaml")
    return [str(problem) for problem in schema_problems(document, (), document.data, Schemas(root))]


def _unions(root, text):
    document = loads(text, "actions/x.yaml")
    return [str(problem) for problem in union_problems(document, (), document.data, Schemas(root))]


def test_references_are_relative_to_the_file_that_holds_them(root):
    schemas = Schemas(root)
    assert schemas.named("a").findings({"b": 1}) == []
    assert [str(finding) for finding in schemas.named("a").findings({"b": "1"})] == [
        "$.b: must be a whole number; write a whole number"
    ]


def test_a_manifest_refers_to_schemas_as_an_editor_would(root):
    assert _lint(root, "{$ref: ../schemas/a.schema.json}") == []
    assert _lint(root, "{$ref: ../schemas/./sub/../a.schema.json#/properties/b}") == []


@pytest.mark.parametrize(
    "reference",
    [
        "a.schema.json",
        "../a.schema.json",
        "../schemas/c.schema.json",
        "../../schemas/a.schema.json",
        "/etc/passwd",
        "https://example.com/a",
        "file:///etc/passwd",
        "../schemas/a.schema.json#/none",
        "../schemas/a.schema.json#none",
        "../schemas/sub/b.schema.json#/allOf/7",
        "../schemas/sub/b.schema.json#/allOf/x",
        "../schemas/../plugin.yaml",
        "https://json-schema.org/draft/2020-12/schema",
        "#/properties",
        "",
    ],
)
def test_a_reference_that_leaves_the_schemas_is_refused(root, reference):
    (problem,) = _lint(root, f'{{properties: {{a: {{$ref: "{reference}"}}}}}}')
    assert problem.startswith("actions/x.yaml:1: $.properties.a.$ref: leads to no schema of this pack; name a file")


def test_a_reference_into_a_list_counts_its_items(root):
    assert _lint(root, "{$ref: ../schemas/sub/b.schema.json#/allOf/0}") == []


def test_circles_of_references_are_fine(root):
    (root / "schemas" / "c.schema.json").write_text(
        '{"type": "object", "properties": {"c": {"$ref": "#"}}}', encoding="utf-8"
    )
    assert _lint(root, "{$ref: ../schemas/c.schema.json}") == []
    assert _unions(root, "{$ref: ../schemas/c.schema.json}") == []
    assert Schemas(root).named("c").findings({"c": {"c": {"c": 1}}})


def test_a_file_may_name_itself_by_its_own_address(root):
    file = root / "schemas" / "c.schema.json"
    file.write_text('{"$id": "pack:///schemas/c.schema.json", "$ref": "a.schema.json"}', encoding="utf-8")
    schemas = Schemas(root)
    document = schemas.documents["schemas/c.schema.json"]
    assert schema_problems(document, (), document.data, schemas) == []
    assert schemas.named("c").findings({"b": ""})


def test_a_file_that_cannot_be_read_leads_nowhere(root):
    (root / "schemas" / "c.schema.json").write_text("[", encoding="utf-8")
    assert "leads to no schema" in _lint(root, "{$ref: ../schemas/c.schema.json}")[0]


def test_a_pack_without_schemas_has_none(tmp_path):
    assert Schemas(tmp_path).documents == {}


def test_a_link_out_of_the_pack_is_not_read(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    outside.write_text('{"type": "object"}', encoding="utf-8")
    (root / "schemas" / "c.schema.json").symlink_to(outside)
    document = Schemas(root).documents["schemas/c.schema.json"]
    assert document.data is None
    assert str(document.problems[0]).startswith("schemas/c.schema.json:1: $: leads out of the pack; put the file")


def test_a_link_inside_the_pack_is_read(root):
    (root / "schemas" / "c.schema.json").symlink_to("a.schema.json")
    assert read_inside(root, root / "schemas" / "c.schema.json", "c").data["type"] == "object"


@pytest.mark.parametrize(
    "text",
    [
        "{type: object, properties: {a: {type: object, propretis: {}}}}",
        "{items: {propretis: 1}}",
        "{allOf: [{propretis: 1}]}",
        "{$defs: {x: {not: {propretis: 1}}}}",
        "{prefixItems: [true, {propretis: 1}]}",
        "{dependentSchemas: {x: {propretis: 1}}}",
    ],
)
def test_looks_into_every_part_of_a_schema(tmp_path, text):
    (problem,) = _lint(tmp_path, text)
    assert problem.endswith(".propretis: is not a keyword a pack may use; did you mean properties?")


def test_data_inside_a_schema_is_not_taken_for_a_schema(tmp_path):
    text = "{default: {pattern: '(', $ref: x}, enum: [{zzz: 1}], const: {zzz: 1}, examples: [{zz: 1}], x-y: {zzz: 1}}"
    assert _lint(tmp_path, text) == []


def test_a_keyword_nobody_knows_is_refused_with_the_way_to_keep_it(tmp_path):
    assert _lint(tmp_path, "{zzz: 1}") == [
        "actions/x.yaml:1: $.zzz: is not a keyword a pack may use; remove it, or begin its name with x-"
    ]


def test_a_schema_that_is_no_schema_is_refused(tmp_path):
    assert _lint(tmp_path, "{minimum: low}") == ["actions/x.yaml:1: $.minimum: must be a number; write a number"]


def test_unions_are_found_behind_references(root):
    (root / "schemas" / "c.schema.json").write_text(
        '{\n"type": "object",\n"properties": {\n"c": {"type": ["string", "null"]}}}', encoding="utf-8"
    )
    assert _unions(root, "{type: object, properties: {x: {$ref: ../schemas/c.schema.json}}}") == [
        'schemas/c.schema.json:4: $.properties.c: outputs need exactly one type; name one; use "" instead of null'
    ]


@pytest.mark.parametrize("keyword", ["anyOf: [{type: string}]", "oneOf: [{type: string}]", "not: {type: string}"])
def test_outputs_must_not_be_unions(tmp_path, keyword):
    problems = _unions(tmp_path, f"{{type: object, properties: {{a: {{type: string, {keyword}}}}}}}")
    place = f"$.properties.a.{keyword.partition(':')[0]}"
    assert problems == [f"actions/x.yaml:1: {place}: outputs must not be unions; give the value one type"]


def test_what_refers_to_a_broken_schema_cannot_be_compiled(root):
    (root / "schemas" / "c.schema.json").write_text('{"pattern": "("}', encoding="utf-8")
    assert _lint(root, "{$ref: ../schemas/c.schema.json}") == [
        "actions/x.yaml:1: $: cannot be compiled; compare it with JSON Schema 2020-12"
    ]


def test_a_reference_that_leads_nowhere_is_not_a_union(root):
    assert _unions(root, "{$ref: ../schemas/none.schema.json}") == []
