"""Makes the simulated world importable beside its tests."""

import pytest


@pytest.fixture(scope="session")
def world(load_module):
    return load_module("simulation/world.py")


@pytest.fixture(scope="session")
def replacing(load_module):
    return load_module("simulation/replacing.py")
