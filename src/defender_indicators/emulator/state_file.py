"""The emulator's memory across restarts: one JSON file, replaced in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from defender_indicators.errors import ConfigurationError

_VERSION = 2


def read(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return the state of every tenant; nothing when there is no file yet.

    Raises:
        ConfigurationError: the file is not a state file of this version, or cannot be written later.
    """
    if path is None:
        return {}
    try:
        if not path.exists():
            write(path, {})
        state = orjson.loads(path.read_bytes())
        if state["schema_version"] == _VERSION:
            return dict(state["tenants"])
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be used for the state: {error.strerror}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise ConfigurationError(f"{path}: not a state file of this emulator; remove it or name another one")


def write(path: Path, tenants: dict[str, dict[str, Any]]) -> None:
    """Replace the file: a reader sees the old state or the new one."""
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_bytes(orjson.dumps({"schema_version": _VERSION, "tenants": tenants}))
    scratch.replace(path)
