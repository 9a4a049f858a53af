"""A source being read: how its pieces become rows, and what is known of it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from defender_indicators.sources.coverage import Coverage
from defender_indicators.sources.detection import Detected, detect_format, refuse_unreadable
from defender_indicators.sources.observed import Dropped, Observed, SourceCutOff
from defender_indicators.sources.readers import notices_of, reader_of
from defender_indicators.sources.row import ROW_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from defender_indicators.sources.mapping import Mapper
    from defender_indicators.sources.piece import Piece
    from defender_indicators.sources.policy import Policy
    from defender_indicators.sources.readers import Found
    from defender_indicators.sources.row import Row

SHIPPED = "no policy is given, so rows get Audit and 90 days at most; see docs/policy.md"
_SHOWN = 3


@dataclass
class Source:
    """An opened input.

    ``rows`` can be walked once; ``coverage`` fills meanwhile. Where a source ends before its end, ``rows`` ends, too,
    and ``cut_off`` says why: what was read is good, that something is missing is certain. ``notices`` are remarks on
    how it is read; ``policy`` is None where rows pass as they are.
    """

    name: str
    format: str
    detected_by: str
    rows: Iterator[Row]
    notices: tuple[str, ...] = ()
    policy: Policy | None = None
    coverage: Coverage = field(default_factory=Coverage)
    failures: list[SourceCutOff] = field(default_factory=list)

    @property
    def cut_off(self) -> SourceCutOff | None:
        """Why rows are missing, None while nothing is known to be missing."""
        if len(self.failures) <= 1:
            return self.failures[0] if self.failures else None
        shown = [str(failure) for failure in self.failures[:_SHOWN]]
        more = [f"and {len(self.failures) - _SHOWN} more"] if len(self.failures) > _SHOWN else []
        return SourceCutOff("\n".join([*shown, *more]), self.name)


@dataclass(frozen=True)
class Wishes:
    """How a caller wants pieces to be read (see :func:`opening.open_source`)."""

    chosen: str
    policy: Policy | None
    overrides: Mapping[str, object]
    feed: str
    now: datetime
    columns: Mapping[str, str]
    ranked: bool
    unique: bool
    plain_lists: bool

    def policy_for(self, name: str) -> Policy | None:
        """Return the policy for a format, None where its rows pass as they are."""
        if self.policy is None and (name in ROW_FORMATS or (name == "values" and not self.plain_lists)):
            return None
        from defender_indicators.sources.policy import shipped_policy  # noqa: PLC0415  # reads a file, slow to import

        return (self.policy or shipped_policy()).overridden(**self.overrides)

    def source(self, piece: Piece, coverage: Coverage) -> Source:
        """Return one piece as a source of its own, that counts into ``coverage``.

        Raises:
            InputError: nothing can read it.
        """
        detected = _detected(piece, self.chosen)
        notices = notices_of(detected.format, piece, self.columns)
        found = reader_of(detected.format, self.columns)(piece.stream, piece.name)
        return self.source_of(found, piece.name, detected, coverage, notices)

    def source_of(
        self, found: Iterator[Found], name: str, detected: Detected, coverage: Coverage, notices: tuple[str, ...] = ()
    ) -> Source:
        """Return what a reader finds as a source that counts into ``coverage``."""
        policy = self.policy_for(detected.format)
        if policy and not self.policy:
            notices = (*notices, SHIPPED)
        failures: list[SourceCutOff] = []
        items = self._rows(_until_cut_off(found, failures), name, detected.format, policy)
        whole = detected.format in ROW_FORMATS or policy is None
        rows = coverage.count(items, partial(_identity, whole=whole), unique=self.unique)
        return Source(name, detected.format, detected.by, rows, notices, policy, coverage, failures)

    def _rows(
        self, found: Iterator[Found], name: str, source_format: str, policy: Policy | None
    ) -> Iterator[Row | Dropped]:
        if policy is None:
            return found  # type: ignore[return-value]  # readers of rows observe nothing
        from defender_indicators.sources.mapping import Mapper  # noqa: PLC0415  # loads the public suffix list

        mapper = Mapper(policy, self.feed or name, source_format, self.now, ranked=self.ranked)
        return _mapped(found, mapper, name)


def _detected(piece: Piece, chosen: str) -> Detected:
    head = piece.head()
    if not chosen:
        return detect_format(head, piece.extension, piece.name)
    refuse_unreadable(head, piece.name)
    return Detected(chosen, "--format")


def _until_cut_off(items: Iterator[Found], failures: list[SourceCutOff]) -> Iterator[Found]:
    try:
        yield from items
    except SourceCutOff as cut_off:
        failures.append(cut_off)


def _mapped(found: Iterator[Found], mapper: Mapper, place: str) -> Iterator[Row | Dropped]:
    is_list = mapper.format == "values"
    for item in found:
        if isinstance(item, Observed):
            yield mapper.row(item)
        elif isinstance(item, Dropped):
            yield item
        else:
            yield mapper.listed(item, place) if is_list else mapper.filled(item)


def _identity(row: Row, *, whole: bool) -> str:
    from defender_indicators.sources.mapping import identity  # noqa: PLC0415  # loads the public suffix list

    return identity(row, whole=whole)
