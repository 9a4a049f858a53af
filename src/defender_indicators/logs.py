"""Log records for people (one line of text) and for machines (one JSON object a line), free of secrets.

Text from outside can hold line breaks, terminal escapes or marks that reverse the reading direction; they are written
as escapes, so that nobody can forge a line.
"""

from __future__ import annotations

import json
import logging
import unicodedata
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

from defender_indicators.redaction import RedactingFilter, guard_loggers, redact

_STANDARD: Final = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_HIDDEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories that print as nothing or move the cursor."""


def escape(text: str) -> str:
    r"""Return ``text`` with line breaks, control, direction and surrogate characters as escapes (``\x1b``)."""
    if text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _HIDDEN else char
        for char in text
    )


class TextFormatter(logging.Formatter):
    """``LEVEL message``; a traceback follows on its own indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        lines = [f"{record.levelname.lower()}: {escape(record.getMessage())}"]
        if record.exc_text:
            lines += [f"  {escape(line)}" for line in record.exc_text.splitlines()]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object: ``time`` (UTC), ``level``, ``logger``, ``message``, the fields of ``extra``, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON in ASCII."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: _plain(value) for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_text:
            entry["exception"] = record.exc_text
        return json.dumps(entry)


def configure_logging(level: str, format: Literal["text", "json"], stream: TextIO) -> None:  # noqa: A002  # the option's name
    """Send the pack's records, and warnings of the libraries below it, to ``stream``.

    Args:
        level: name of the lowest level to show (``debug``, ``info``, ``warning``, ``error``).
        format: ``text`` for people, ``json`` for machines.
        stream: where to; never standard output when that carries a document.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    for installed in [each for each in root.handlers if getattr(each, "_defender_indicators", False)]:
        root.removeHandler(installed)
    handler._defender_indicators = True  # type: ignore[attr-defined]  # noqa: SLF001  # marks the handler as ours, to be replaced
    root.addHandler(handler)
    root.setLevel(level.upper())
    guard_loggers()


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | None) else redact(str(value))
