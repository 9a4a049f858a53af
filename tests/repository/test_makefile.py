import os
import re
import shutil
import subprocess

import pytest

PROMISED = {
    "help", "setup", "demo", "test", "check", "lint", "format", "crash", "simulate", "fuzz", "mutation", "bench",
    "build", "wheel", "lock", "clean",
}  # fmt: skip

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture(scope="module")
def makefile(root):
    return (root / "Makefile").read_text(encoding="utf-8")


def make(root, *arguments):
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    return subprocess.run(["make", *arguments], cwd=root, env=alone, capture_output=True, text=True, check=True).stdout


@needs_make
def test_make_alone_lists_every_target_with_a_purpose(root):
    listed = dict(re.findall(r"^ +make ([a-z]+) +(\S.*)$", make(root), re.MULTILINE))
    assert set(listed) == PROMISED


def test_every_target_is_declared_to_be_no_file(makefile):
    assert set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split()) == PROMISED


@needs_make
def test_setup_installs_dependencies_by_hash_only_and_the_project_without_any(root, makefile):
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert all("--no-build-isolation" in line for line in installs if " -e " in line)


@needs_make
def test_a_python_that_exists_but_does_not_run_is_passed_over(root, tmp_path):
    for name in ("python3.13", "python3.12", "python3.11"):
        broken = tmp_path / name
        broken.write_text("#!/bin/sh\nexit 127\n", encoding="ascii")
        broken.chmod(0o755)
    usable = tmp_path / "python3"
    usable.write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
    usable.chmod(0o755)
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup"], cwd=root, capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    ).stdout  # fmt: skip
    assert f"{usable} -m venv" in shown


@needs_make
def test_a_machine_without_a_new_enough_python_is_told_so(root, tmp_path):
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    run = subprocess.run(
        ["make", "--dry-run", "--always-make", "setup"], cwd=root, capture_output=True, text=True, check=False,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert run.returncode == 2
    assert "no Python 3.11 or newer was found" in run.stderr


@needs_make
def test_continuous_integration_ends_with_the_very_command_of_make_test(root):
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    last = script.read_text(encoding="utf-8").splitlines()[-1]
    assert last == "exec " + make(root, "--dry-run", "test").splitlines()[-1]


@needs_make
def test_mutation_runs_the_script_on_the_modules_that_are_named(root):
    shown = make(root, "--dry-run", "mutation", "MODULES=health limiter").splitlines()[-1]
    assert shown.endswith("tests/mutation/mutate.py health limiter")
    assert (root / "tests" / "mutation" / "mutate.py").is_file()


@needs_make
@pytest.mark.parametrize(("target", "folder"), [("crash", "crash"), ("simulate", "simulation"), ("fuzz", "fuzz")])
def test_the_number_of_rounds_can_be_chosen(root, target, folder):
    shown = make(root, "--dry-run", target, "ROUNDS=7").splitlines()[-1]
    assert shown.startswith("ROUNDS=7 ")
    assert shown.endswith(f"tests/{folder}")
    assert (root / "tests" / folder).is_dir()
