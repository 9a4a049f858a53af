"""Everything that a source holds, as one document: the indicators, and what became of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.delivery import BadRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from defender_indicators.sources.source import Source


def indicators_of(source: Source) -> Iterator[dict[str, Any]]:
    """Yield the rows of a source that are indicators; what is unreadable only counts."""
    return (row for row in source.rows if not isinstance(row, BadRow) and isinstance(row, dict))


def extracted(source: Source) -> dict[str, Any]:
    """Return what a source holds: its indicators in Microsoft's spelling, the coverage, and what is left out and why.

    The first 1,000 of what is dropped and of what is unreadable are listed, all are counted. ``complete`` is false
    where the source ended before its end; then ``cut_off`` says why.
    """
    indicators = list(indicators_of(source))
    cut_off = source.cut_off
    return {
        "schema_version": 1,
        "source": source.name,
        "format": source.format,
        "complete": cut_off is None,
        "cut_off": str(cut_off or ""),
        "notices": list(source.notices),
        "coverage": source.coverage.as_dict(),
        "indicators": indicators,
        "dropped": [item._asdict() for item in source.coverage.first_dropped],
        "bad": [item._asdict() for item in source.coverage.first_bad],
    }
