import ast
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("run", "build", "dev")
IMPORT_NAMES = {"pyyaml": "yaml", "jsonschema-rs": "jsonschema_rs", "pyjwt": "jwt", "stix2-patterns": "stix2patterns"}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(params=LOCKS)
def lock(request, root):
    return (root / "requirements" / f"{request.param}.txt").read_text(encoding="utf-8")


def entries(lock):
    """Map a locked name to its requirement and the number of its hashes."""
    text = re.sub(r"^\s*#.*\n", "", lock, flags=re.MULTILINE).replace("\\\n", " ")
    for line in text.splitlines():
        requirement = Requirement(line.partition(" --hash")[0])
        yield canonicalize_name(requirement.name), requirement, line.count("--hash=sha256:")


def test_every_locked_package_has_one_version_and_its_hashes(lock):
    for name, requirement, hashes in entries(lock):
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), name
        assert hashes, name


def test_locks_name_no_host_and_no_index(lock):
    assert re.findall(r"://|index-url|find-links|@ ", lock) == []


def test_what_the_project_asks_for_is_locked_in_a_version_that_fits(root, project):
    dev = "\n".join(project["dependency-groups"]["dev"] + project["dependency-groups"]["build"])
    extras = "\n".join(line for extra in project["project"]["optional-dependencies"].values() for line in extra)
    run = "\n".join(project["project"]["dependencies"])
    for name, wanted in (("run", run), ("dev", f"{run}\n{extras}\n{dev}")):
        lock = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        locked = {package: requirement for package, requirement, _ in entries(lock)}
        for requirement in map(Requirement, wanted.splitlines()):
            version = str(locked[canonicalize_name(requirement.name)].specifier).removeprefix("==")
            assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_build_backend_of_the_project_is_the_locked_one(project):
    assert set(project["build-system"]["requires"]) <= set(project["dependency-groups"]["build"])


def test_everything_that_the_code_imports_is_declared(root, project):
    declared = declared_names(project["project"]["dependencies"])
    emulator = declared_names(project["project"]["optional-dependencies"]["emulator"])
    keyring = declared_names(project["project"]["optional-dependencies"]["keyring"])
    for folder in ("src", "actions", "connectors"):
        for file in (root / folder).rglob("*.py"):
            allowed = declared | keyring | (emulator if "emulator" in file.parts else set())
            assert third_party(file) <= allowed, file


def test_everything_that_is_declared_is_imported(root, project):
    imported = set().union(
        *(third_party(file) for folder in ("src", "actions", "connectors") for file in (root / folder).rglob("*.py"))
    )
    assert declared_names(project["project"]["dependencies"]) - imported == set()


def declared_names(requirements):
    names = [canonicalize_name(Requirement(line).name) for line in requirements]
    return {IMPORT_NAMES.get(name, name) for name in names}


def third_party(file):
    source = file.read_text(encoding="utf-8")
    found = set(re.findall(r'(?:resources\.files|find_spec)\("(\w+)"\)', source))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"defender_indicators"}
