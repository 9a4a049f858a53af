import ast

import pytest

CONTENT = {"actions", "connectors", "schemas", "playbooks"}
TOP_LEVEL = CONTENT | {
    "plugin.yaml", "src", "tests", "docs", "examples", "bench", "requirements",
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE",
    "pyproject.toml", "Makefile", "Containerfile", ".containerignore", ".pre-commit-config.yaml", ".ci", ".gitignore",
}  # fmt: skip
SHAPELESS = {"utils", "helpers", "common", "core", "lib", "misc"}


@pytest.fixture(scope="module")
def modules(root, files):
    sources = [file for file in files if file.suffix == ".py"]
    return {file: (root / file).read_text(encoding="utf-8") for file in sources}


def test_the_top_level_holds_what_the_layout_names_and_nothing_else(files):
    assert {file.parts[0] for file in files} == TOP_LEVEL


def test_content_folders_are_not_packages(files):
    assert [file for file in files if file.name == "__init__.py" and file.parts[0] != "src"] == []


def test_the_runtime_is_the_only_import_package(files):
    assert {file.parts[1] for file in files if file.parts[0] == "src"} == {"defender_indicators"}


def test_nothing_imports_content(modules):
    found = [
        (str(file), name)
        for file, source in modules.items()
        for name in imported_names(source)
        if name.partition(".")[0] in CONTENT
    ]
    assert found == []


def test_names_say_what_a_module_is_for(files):
    assert [file for file in files if SHAPELESS & {file.stem, *file.parts[:-1]}] == []


def test_every_action_has_a_manifest_and_a_handler_of_the_same_name(files):
    actions = [file for file in files if file.parts[0] == "actions"]
    manifests = {file.stem for file in actions if file.suffix == ".yaml"}
    handlers = {file.stem for file in actions if file.suffix == ".py"}
    assert manifests == handlers != set()


def test_modules_outside_the_tests_are_short(modules):
    lengths = {str(file): source.count("\n") for file, source in modules.items() if file.parts[0] != "tests"}
    assert {file: length for file, length in lengths.items() if length > 300} == {}


def test_functions_outside_the_tests_are_short(modules):
    long = {
        f"{file}:{function.lineno} {function.name}": length
        for file, source in modules.items()
        if file.parts[0] != "tests"
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := length_without_docstring(function)) > 45
    }
    assert long == {}


def imported_names(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def length_without_docstring(function):
    lines = function.end_lineno - function.lineno + 1
    return lines - (
        (ast.get_docstring(function, clean=False) or "").count("\n") + 1 if ast.get_docstring(function) else 0
    )
