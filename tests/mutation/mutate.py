"""Change the delivery core in one place at a time and see whether a unit test notices.

    python tests/mutation/mutate.py [MODULE …]

Works on a copy. Prints what survived and the share that was noticed; ends with 1 when that share is below the target.
"""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = Path("src/defender_indicators/delivery")
TESTS = {
    "outcome": ["outcome"],
    "limiter": ["limiter"],
    "health": ["health"],
    "classify": ["classify"],
    "settle": ["settle", "machine", "reconcile"],
}
COPIED = ["src", "schemas", "actions", "connectors", "playbooks", "plugin.yaml", "pyproject.toml", "tests"]
TARGET = 0.9
WORKERS = 2
SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip


def changes(tree):
    """Yield (line, undo) with the tree changed; calling undo puts it back."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from swapped(node, node.ops, 0)
        elif isinstance(node, (ast.BoolOp, ast.BinOp, ast.AugAssign)) and type(node.op) in SWAPS:
            yield from replaced(node, "op", SWAPS[type(node.op)]())
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
            yield from replaced(node, "value", not node.value if isinstance(node.value, bool) else node.value + 1)
        elif isinstance(node, ast.Name) and node.id in ("min", "max", "any", "all"):
            opposite = {"min": "max", "max": "min", "any": "all", "all": "any"}
            yield from replaced(node, "id", opposite[node.id])
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
            yield from replaced(node, "test", ast.UnaryOp(ast.Not(), node.test))


def swapped(node, operators, place):
    old = operators[place]
    operators[place] = SWAPS[type(old)]()
    yield node.lineno, ast.unparse(node)
    operators[place] = old


def replaced(node, name, new):
    old = getattr(node, name)
    setattr(node, name, new)
    yield node.lineno, ast.unparse(node).partition("\n")[0]
    setattr(node, name, old)


def mutants(module):
    tree = ast.parse((ROOT / CORE / f"{module}.py").read_text(encoding="utf-8"))
    return [(module, line, what, ast.unparse(tree)) for line, what in changes(tree)]


def survives(place, mutant):
    """Run the tests of one mutant in a copy of the project."""
    module, _, _, text = mutant
    file = place / CORE / f"{module}.py"
    sound = file.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    tests = [f"tests/delivery/test_{name}.py" for name in TESTS[module]]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout", "20", *tests]
    environment = os.environ | {"PYTHONPATH": str(place / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False).returncode == 0
    finally:
        file.write_text(sound, encoding="utf-8")


def copied(place):
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)
    return place


def tried(share):
    """Return how many of a share survive; name them."""
    place, some = share
    alive = [mutant for mutant in some if survives(place, mutant) and tell(mutant)]
    return len(alive)


def tell(mutant):
    module, line, what, _ = mutant
    return sys.stdout.write(f"{CORE / module}.py:{line}: survived: {what}\n")


def run(modules):
    with tempfile.TemporaryDirectory() as folder:
        places = [copied(Path(folder) / str(number)) for number in range(WORKERS)]
        every = [mutant for module in modules for mutant in mutants(module)]
        if survives(places[0], (modules[0], 0, "", (ROOT / CORE / f"{modules[0]}.py").read_text("utf-8"))) is False:
            raise SystemExit("the tests fail without any change")
        with ThreadPoolExecutor(WORKERS) as pool:
            shares = [(place, every[number::WORKERS]) for number, place in enumerate(places)]
            alive = sum(pool.map(tried, shares))
    score = 1 - alive / len(every)
    sys.stdout.write(f"{len(every) - alive} of {len(every)} noticed ({score:.1%})\n")
    return int(score < TARGET)


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:] or list(TESTS)))
