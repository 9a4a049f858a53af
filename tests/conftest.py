"""Fixtures that several areas share."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from defender_indicators.emulator import Emulator, Settings


@pytest.fixture(scope="session")
def load_module() -> Callable[[str], ModuleType]:
    """Return a function that imports a module that lies beside tests: ``load_module("delivery/virtual.py")``."""

    def load(place: str) -> ModuleType:
        name = "tests_" + place.removesuffix(".py").replace("/", "_")
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / place)
        assert spec, place
        assert spec.loader, place
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., Emulator]]:
    """Return a function that starts emulators; all are stopped when the test ends.

    ``start_emulator(faults=[…], state=…, directory=…, clock=…, **settings)``: the rest are fields of ``Settings``.
    """
    with ExitStack() as stack:

        def start(**arguments: Any) -> Emulator:
            own = {name: arguments.pop(name) for name in ("faults", "state", "directory", "clock") if name in arguments}
            return stack.enter_context(Emulator(Settings(**arguments), **own))

        yield start


@pytest.fixture
def emulator(start_emulator: Callable[..., Emulator]) -> Emulator:
    """Return a running emulator as documented, without faults."""
    return start_emulator()
