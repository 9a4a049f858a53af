"""Indicators from MISP: events, exports, answers of ``restSearch`` and the events of a feed.

Source: the MISP core format (``datatracker.ietf.org/doc/draft-dulaunoy-misp-core-format``) and the object templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from defender_indicators.delivery import BadRow
from defender_indicators.sources.kinds import HASHES, Meaning, foreign_scheme, meaning, with_port
from defender_indicators.sources.misp_documents import events_of
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.row import bad_row, excerpt
from defender_indicators.sources.vocabulary import epoch, tagged_confidence, tagged_tlp
from defender_indicators.sources.whole import entries_of, load_whole, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH_TYPES = {"md5": "FileMd5", "sha1": "FileSha1", "sha256": "FileSha256"}
_TYPES = {
    **_HASH_TYPES,
    **{f"filename|{kind}": found for kind, found in _HASH_TYPES.items()},
    **dict.fromkeys(("ip-dst", "ip-src", "ip-dst|port", "ip-src|port"), "IpAddress"),
    **dict.fromkeys(("domain", "hostname", "hostname|port", "domain|ip"), "DomainName"),
    **dict.fromkeys(("url", "uri", "link"), "Url"),
    "x509-fingerprint-sha1": "CertificateThumbprint",
}
_NETWORK = ("IpAddress", "DomainName", "Url")
_REFERENCES = ("External analysis", "Internal reference", "Support Tool")
_SEVERITIES = {"1": "High", "2": "Medium", "3": "Low", "4": "Informational"}
_TRUE = (True, "1", "true")
_TAKES_WEB = "Defender takes http:// and https:// only"

_Result = Observed | Dropped | BadRow
_Fields = dict[str, Any]
_Why = tuple[str, str]
"""The kind by which what is left out is counted, and the reason."""


class _About(NamedTuple):
    """What an event says of all its attributes; ``flagged`` is whether it says which of them are for detection."""

    title: str
    tags: tuple[str, ...]
    tlp: str
    confidence: int | None
    severity: str
    flagged: bool


def read_misp(stream: BinaryIO, place: str) -> Iterator[Observed | Dropped | BadRow]:
    """Yield the indicators of one event, of a list or export of events, or of a list of attributes.

    ``to_ids`` false means "not for detection". Many events are written without ever setting it, so it is obeyed in
    the events in which at least one attribute that Defender takes has it; in the others all are read, except links
    and addresses given as a reference (category External analysis). Of the hashes in one ``file`` object the
    strongest is kept. Proposals (``ShadowAttribute``) are no part of an event and are not read; drafts are.

    Raises:
        InputError: larger than 64 MiB, not JSON, or nothing of MISP's.
    """
    for event in events_of(load_whole(stream, place), place):
        objects = [each if isinstance(each, dict) else {"Attribute": [each]} for each in entries_of(event, "Object")]
        parts = [({}, entries_of(event, "Attribute")), *((each, entries_of(each, "Attribute")) for each in objects)]
        about = _about(event, parts)
        number = 0
        for fields, attributes in parts:
            holder = _Holder(about, fields, attributes)
            for attribute in attributes:
                number += 1
                if _is_attribute(attribute):
                    yield from holder.read(attribute, f"{place}: attribute {attribute.get('uuid') or number}")
                else:
                    reason = "no attribute with a type and a value as text"
                    yield bad_row(f"{place}: attribute {number}", "bad_entry", reason, str(attribute))


def _about(event: _Fields, parts: list[tuple[_Fields, list[Any]]]) -> _About:
    tags = _tags(event)
    flagged = any(
        fields.get("to_ids") in _TRUE and fields["type"] in _TYPES and fields.get("deleted") not in _TRUE
        for holder, attributes in parts
        if holder.get("deleted") not in _TRUE
        for fields in filter(_is_attribute, attributes)
    )
    level = _SEVERITIES.get(str(event.get("threat_level_id")), "")
    return _About(text_of(event, "info"), tags, tagged_tlp(tags), tagged_confidence(tags), level, flagged)


def _is_attribute(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("type"), str) and isinstance(entry.get("value"), str)


def _tags(holder: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the tags and of the galaxies' clusters, each once."""
    names = {text_of(tag, "name"): None for tag in entries_of(holder, "Tag") if isinstance(tag, dict)}
    for galaxy in entries_of(holder, "Galaxy"):
        clusters = entries_of(galaxy, "GalaxyCluster") if isinstance(galaxy, dict) else []
        names |= {text_of(cluster, "value"): None for cluster in clusters if isinstance(cluster, dict)}
    return tuple(name for name in names if name)


class _Holder:
    """What attributes belong to: an event itself (no fields) or one of its objects."""

    def __init__(self, about: _About, fields: _Fields, attributes: list[Any]) -> None:
        self._about, self._comment = about, text_of(fields, "comment")
        self._is_deleted = fields.get("deleted") in _TRUE
        self._is_part = text_of(fields, "name").endswith("-section")
        self._strongest = ""
        if fields.get("name") == "file":
            types = [(each, _TYPES.get(each["type"], "")) for each in filter(_is_attribute, attributes)]
            wanted = [found for each, found in types if found in HASHES and not self._unwanted(each, found)]
            self._strongest = min(wanted, key=HASHES.index, default="")

    def read(self, fields: _Fields, place: str) -> list[_Result]:
        """Return what one attribute holds: one indicator, two (``domain|ip``), or why there is none."""
        kind, value = fields["type"], fields["value"].strip()
        found = _TYPES.get(kind, "")
        unwanted = self._unwanted(fields, found)
        if not unwanted and found == "Url" and (scheme := foreign_scheme(value)):
            unwanted = (f"{scheme} URL", _TAKES_WEB)
        if unwanted:
            return [Dropped(place, unwanted[0], excerpt(value), unwanted[1])]
        if "|" not in kind and found != "Url" and value:
            return [Observed(found, value, place, self._facts(fields, ""))]
        meanings = _meanings(kind, found, value)
        if not meanings:
            return [bad_row(place, "bad_entry", f"no {excerpt(kind, 60)}", value)]
        return [Observed(meant.type, meant.value, place, self._facts(fields, meant.port)) for meant in meanings]

    def _unwanted(self, fields: _Fields, found: str) -> _Why | None:
        """Return why an attribute is left out, None where it is read."""
        if self._is_deleted or fields.get("deleted") in _TRUE:
            return ("deleted", "deleted in MISP")
        if not found:
            return (excerpt(fields["type"], 60), "Defender has no indicator of this type")
        if found in HASHES and (self._is_part or fields.get("object_relation") == "richpe"):
            return ("hash of a part of a file", "the hash is not one of a whole file")
        if fields.get("to_ids") not in _TRUE and (why := self._unflagged(fields, found)):
            return why
        if self._strongest and found in HASHES and found != self._strongest:
            return ("weaker hash of one file", "the same file object has a stronger hash")
        return None

    def _unflagged(self, fields: _Fields, found: str) -> _Why | None:
        if fields["type"] == "link" or (found in _NETWORK and fields.get("category") in _REFERENCES):
            return ("reference", "a link to an analysis, and not flagged for detection")
        if self._about.flagged:
            return ("not for detection", "to_ids is false, and other attributes of the event have it")
        return None

    def _facts(self, fields: _Fields, port: str) -> Facts:
        about = self._about
        said = text_of(fields, "comment") or self._comment or text_of(fields, "category")
        own = _tags(fields) if fields.get("Tag") or fields.get("Galaxy") else ()
        if own:
            tags = tuple(dict.fromkeys((*about.tags, *own)))
            sure = tagged_confidence(own)
            sure = about.confidence if sure is None else sure
            about = about._replace(tags=tags, tlp=tagged_tlp(tags), confidence=sure)
        return Facts(
            title=about.title,
            description=with_port(said, port),
            confidence=about.confidence,
            tags=about.tags,
            tlp=about.tlp,
            severity=about.severity,
            modified=epoch(str(fields.get("timestamp"))),
            external_id=text_of(fields, "uuid"),
            kind=fields["type"],
        )


def _meanings(kind: str, found: str, value: str) -> list[Meaning]:
    """Return what a value means that MISP puts together of two or does not check (URLs); nothing where a part lacks."""
    if "|" not in kind:
        meant = meaning(found, value)
        return [meant] if meant.type else []
    first, _, last = value.rpartition("|")
    if not (first and last):
        return []
    if found in HASHES:
        return [Meaning(found, last)]
    if kind == "domain|ip":
        return [Meaning(found, first), Meaning("IpAddress", last)]
    return [Meaning(found, first, last)]
