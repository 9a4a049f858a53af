import json
from collections.abc import Callable

import pytest

from defender_indicators.guard import Guard, GuardSettings, Warninglists, lists
from defender_indicators.indicators import Indicator, infer_type

PRODUCT_HOSTS = ("api.security.microsoft.com", "login.microsoftonline.us")


@pytest.fixture(scope="session")
def shipped(tmp_path_factory) -> Warninglists:
    """The default lists of the installed package, indexed once."""
    return Warninglists(tmp_path_factory.mktemp("guard"), GuardSettings(), lambda _: None)


@pytest.fixture
def guard(shipped) -> Guard:
    return Guard(GuardSettings(), shipped, PRODUCT_HOSTS)


@pytest.fixture
def publish(tmp_path, monkeypatch) -> Callable[..., None]:
    """Replace the installed package by lists of the test: ``publish(microsoft=["example.com"], akamai=[...])``."""
    root = tmp_path / "lists"
    monkeypatch.setattr(lists, "folder_of_lists", lambda: root)

    def publish(**entries: list[str]) -> None:
        for folder, listed in entries.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            content = {"name": f"List {folder}", "version": 7, "type": "hostname", "list": listed}
            (root / folder / "list.json").write_text(json.dumps(content), encoding="utf-8")

    return publish


@pytest.fixture
def own_lists(publish, tmp_path) -> Callable[..., Warninglists]:
    """Return a function that indexes lists of the test."""

    def make(**entries: list[str]) -> Warninglists:
        publish(**entries)
        return Warninglists(tmp_path / "guard", GuardSettings(), lambda _: None)

    return make


@pytest.fixture
def block() -> Callable[..., Indicator]:
    """Return a function that makes the canonical row of a block: ``block("host.example.com")``."""

    def make(value: str, action: str = "Block", scope: str = "", kind: str = "") -> Indicator:
        return Indicator(kind or infer_type(value), value, action, scope, b"{}", ())

    return make
