"""Fixtures that several areas share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from defender_indicators.emulator import Emulator, Settings


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
