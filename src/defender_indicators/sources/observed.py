"""What a reader of an intelligence format hands on: what was observed, or why it was left out."""

from __future__ import annotations

from typing import NamedTuple

from defender_indicators.errors import InputError


class Facts(NamedTuple):
    """What a source says beside the value; empty (None for the confidence) where it says nothing.

    ``confidence`` is 0 to 100; ``tags`` are labels, tags, galaxy names and indicator types as written; ``tlp`` is
    ``clear``, ``green``, ``amber``, ``amber+strict`` or ``red`` (``white`` is given as ``clear``); ``severity`` is one
    of Microsoft's words where the source has one for it; ``valid_until`` and ``modified`` are ISO moments with their
    zone; ``kind`` is the source's own type (``ipv4-addr``, ``sha256``, ``hostname``).
    """

    title: str = ""
    description: str = ""
    confidence: int | None = None
    tags: tuple[str, ...] = ()
    tlp: str = ""
    severity: str = ""
    valid_until: str = ""
    modified: str = ""
    external_id: str = ""
    kind: str = ""


class Observed(NamedTuple):
    """One indicator as a source gives it: ``type`` is Microsoft's indicatorType, ``value`` may still be defanged."""

    type: str
    value: str
    place: str
    facts: Facts


class Dropped(NamedTuple):
    """Understood, but nothing that Defender takes or that is wanted.

    ``kind`` counts alike things together (``email``, ``mutex``, ``revoked``, ``expired``); ``value`` is cut to 200
    printable characters.
    """

    place: str
    kind: str
    value: str
    reason: str


class SourceCutOff(InputError):  # noqa: N818  # what happened, not a fault of ours
    """A source that ended before its end: what was read so far is good, that something is missing is certain."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place
