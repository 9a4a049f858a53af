"""Format → its reader, imported when a source of that format is met."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from defender_indicators.sources.observed import Dropped, Observed
    from defender_indicators.sources.piece import Piece
    from defender_indicators.sources.row import Row

    Found: TypeAlias = Row | Observed | Dropped
    Reader: TypeAlias = Callable[[BinaryIO, str], Iterator[Found]]

_READERS = {
    "json": ("json_rows", "read_json"),
    "ndjson": ("json_rows", "read_ndjson"),
    "portal-csv": ("portal_csv", "read_portal_csv"),
    "values": ("values", "read_values"),
    "stix": ("stix", "read_stix"),
    "misp": ("misp", "read_misp"),
    "csv": ("table_csv", "read_csv"),
    "openioc": ("openioc", "read_openioc"),
    "text": ("text", "read_text"),
}


def reader_of(name: str, columns: Mapping[str, str]) -> Reader:
    """Return the reader of a format; ``columns`` (field → column) are for tables."""
    module, function = _READERS[name]
    reader: Callable[..., Iterator[Found]] = getattr(import_module(f"defender_indicators.sources.{module}"), function)
    return partial(reader, columns=columns) if name == "csv" else reader


def notices_of(name: str, piece: Piece, columns: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a user should know about how the columns of a piece are read.

    Raises:
        InputError: its header cannot be used.
    """
    if name == "portal-csv":
        from defender_indicators.sources.portal_csv import columns_not_sent  # noqa: PLC0415  # only for this format

        return columns_not_sent(piece.head(), piece.name)
    if name == "csv":
        from defender_indicators.sources.table_csv import csv_notices  # noqa: PLC0415  # only for this format

        return csv_notices(piece.head(), piece.name, columns)
    return ()
