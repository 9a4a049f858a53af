"""Indicators from OpenIOC 1.0 and 1.1: one XML document with a tree of conditions.

Source: the OpenIOC 1.1 schema and the list of terms (``github.com/fireeye/OpenIOC_1.1``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from defender_indicators.delivery import BadRow
from defender_indicators.errors import InputError
from defender_indicators.sources.kinds import HASHES, foreign_scheme, meaning, with_port
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.row import bad_row, excerpt
from defender_indicators.sources.vocabulary import moment
from defender_indicators.sources.whole import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_HASH_TERM = re.compile(
    r"(?:file|driver|task|filedownloadhistory)item/(md5|sha1|sha256)sum|serviceitem/(?:path|servicedll)(md5|sha1|sha256)sum"
).fullmatch
_TERMS = {
    **dict.fromkeys(("network/dns", "dnsentryitem/host", "dnsentryitem/recordname"), "DomainName"),
    **dict.fromkeys(
        ("dnsentryitem/recorddata/host", "urlhistoryitem/hostname", "formhistoryitem/hostname"), "DomainName"
    ),
    **dict.fromkeys(("portitem/remoteip", "processitem/portlist/portitem/remoteip"), "IpAddress"),
    **dict.fromkeys(("routeentryitem/destination", "dnsentryitem/recorddata/ipv4address"), "IpAddress"),
    **dict.fromkeys(("urlhistoryitem/url", "filedownloadhistoryitem/sourceurl", "network/uri"), "Url"),
}
_MAX_DEPTH = 50
_NARROWER = ("narrower than Defender can express", "it counts only together with other conditions")
_SAID = ("said by the hash", "the hash of the same group says which file it is")
_WEAKER = ("weaker hash of one file", "the same group has a stronger hash")

_Result = Observed | Dropped | BadRow


class _Item(NamedTuple):
    """One condition: its term in lower case, its operator, its value and whether it is turned round."""

    id: str
    term: str
    condition: str
    value: str
    negated: bool


class _Group(NamedTuple):
    """Conditions and groups that hold all together (``every``) or each for itself."""

    every: bool
    parts: list[_Item | _Group]


def read_openioc(stream: BinaryIO, place: str) -> Iterator[Observed | Dropped | BadRow]:
    """Yield the indicators of one OpenIOC document.

    Of conditions joined by OR each is one. Joined by AND, the strongest hash of the file says all that the others
    say; without a hash the group is narrower than anything Defender can express, and is dropped. Only the condition
    ``is`` can be expressed.

    Raises:
        InputError: larger than 64 MiB, not XML, with a DTD or entities (which no such file needs), or not OpenIOC.
    """
    root = _parsed(read_whole(stream, place), place)
    definition = next((part for part in root if _name(part) in ("definition", "criteria")), None)
    if _name(root) not in ("ioc", "openioc") or definition is None:
        raise InputError(f"{place}: XML, but no OpenIOC document (ioc with a definition, or OpenIOC with criteria)")
    reader = _Reader(place, _facts(root))
    for part in definition:
        if _name(part) == "indicator":
            yield from reader.group(_group(part, place, _MAX_DEPTH))


def _parsed(raw: bytes, place: str) -> Element:
    from xml.etree.ElementTree import ParseError  # noqa: PLC0415  # the error's name only; nobody else reads XML

    from defusedxml import DefusedXmlException  # noqa: PLC0415  # nobody else reads XML
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415  # nobody else reads XML

    try:
        return fromstring(raw, forbid_dtd=True)
    except DefusedXmlException:
        raise InputError(
            f"{place}: has a DTD or entities, which no OpenIOC file needs; nothing of it is read"
        ) from None
    except (ParseError, LookupError, ValueError) as error:
        raise InputError(f"{place}: not XML: {error}; export the document again") from None


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower()


def _text(element: Element, name: str) -> str:
    """Return the text of the first element of this name, wherever it is."""
    return next(((part.text or "").strip() for part in element.iter() if _name(part) == name), "")


def _facts(root: Element) -> Facts:
    try:
        modified = moment(root.get("last-modified", ""))
    except ValueError:
        modified = ""
    return Facts(
        title=_text(root, "short_description"),
        description=_text(root, "description"),
        tags=tuple(_text(root, "keywords").split()),
        modified=modified,
    )


def _group(element: Element, place: str, depth: int) -> _Group:
    if not depth:
        raise InputError(f"{place}: more than {_MAX_DEPTH} groups within each other; no OpenIOC file needs that")
    parts: list[_Item | _Group] = []
    for part in element:
        if _name(part) == "indicator":
            parts.append(_group(part, place, depth - 1))
        elif _name(part) == "indicatoritem":
            parts.append(_item(part))
    return _Group(element.get("operator", "AND").upper() != "OR" and len(parts) > 1, parts)


def _item(element: Element) -> _Item:
    context = next((part for part in element if _name(part) == "context"), None)
    term = context.get("search", "") if context is not None else ""
    negated = element.get("negate", "").lower() == "true"
    return _Item(
        element.get("id", ""), term.strip(), element.get("condition", "").lower(), _text(element, "content"), negated
    )


def _hash(part: _Item | _Group) -> str:
    """Return the type of the file's hash that a condition asks for, ``""`` where it asks for anything else."""
    if isinstance(part, _Group) or part.negated or part.condition != "is":
        return ""
    found = _HASH_TERM(part.term.lower())
    return f"File{(found[1] or found[2]).capitalize()}" if found else ""


def _leaves(part: _Item | _Group) -> Iterator[_Item]:
    if isinstance(part, _Item):
        yield part
    else:
        for inner in part.parts:
            yield from _leaves(inner)


def _is_hashes(group: _Group) -> bool:
    return all(map(_hash, _leaves(group))) and any(_leaves(group))


class _Reader:
    """Turns groups of conditions into indicators, with what the document says of all of them."""

    def __init__(self, place: str, facts: Facts) -> None:
        self._place, self._facts = place, facts

    def group(self, group: _Group) -> Iterator[_Result]:
        if group.every:
            yield from self._together(group)
        else:
            for part in group.parts:
                yield from self.group(part) if isinstance(part, _Group) else (self._single(part),)

    def _together(self, group: _Group) -> Iterator[_Result]:
        """Yield what is left of conditions that hold only together: a hash, or a choice of hashes, or nothing."""
        types = [found for part in group.parts if (found := _hash(part))]
        strongest = min(types, key=HASHES.index, default="")
        choices = (part for part in group.parts if isinstance(part, _Group) and _is_hashes(part))
        choice = None if strongest else next(choices, None)
        for part in group.parts:
            if part is choice:
                yield from self.group(choice)
            elif isinstance(part, _Item) and strongest and _hash(part) == strongest:
                yield self._single(part)
            elif _hash(part):
                yield from self._dropped(part, _WEAKER)
            else:
                yield from self._dropped(part, _SAID if strongest or choice else _NARROWER)

    def _dropped(self, part: _Item | _Group, why: tuple[str, str]) -> Iterator[Dropped]:
        for item in _leaves(part):
            yield Dropped(self._at(item), why[0], excerpt(item.value), why[1])

    def _single(self, item: _Item) -> _Result:
        at, value = self._at(item), excerpt(item.value)
        declared = _hash(item) or _TERMS.get(item.term.lower(), "")
        if item.negated or item.condition != "is":
            kind = f"condition {'not ' * item.negated}{excerpt(item.condition, 40)}"
            return Dropped(at, kind, value, "Defender compares whole values only")
        if not declared:
            return Dropped(at, excerpt(item.term, 60), value, "Defender has no indicator for this term")
        if scheme := foreign_scheme(item.value):
            return Dropped(at, f"{scheme} URL", value, "Defender takes http:// and https:// only")
        if declared == "Url" and item.value.startswith("/"):
            return Dropped(at, "path of a URL", value, "a path without its host")
        meant = meaning(declared, item.value)
        if not meant.type:
            return bad_row(at, "type_not_recognised", f"not what {excerpt(item.term, 60)} names", item.value)
        said = with_port(self._facts.description, meant.port)
        facts = self._facts._replace(description=said, external_id=item.id, kind=item.term)
        return Observed(meant.type, meant.value, at, facts)

    def _at(self, item: _Item) -> str:
        return f"{self._place}: item {item.id}".rstrip()
