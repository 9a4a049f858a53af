"""Domain names: lower case, IDNA 2008, no trailing dot, never a public suffix alone.

Source: indicators-overview.md (a domain covers all its subdomains).
"""

from __future__ import annotations

import re

from defender_indicators.indicators.codes import Refused, shown
from defender_indicators.indicators.public_suffixes import is_public_suffix
from defender_indicators.indicators.refang import fold, refang, trim

TRAILING_DOT = "trailing dot dropped"
PUNYCODED = "international name written in its ASCII form"

_PLAIN = re.compile(r"[a-z0-9.-]*[a-z0-9]").fullmatch
_LONGEST = 254  # with a trailing dot; IDNA takes time that grows faster than the name


def domain(value: str, notes: list[str]) -> str:
    """Return the canonical name; what cannot be one is returned for the schema to refuse.

    Raises:
        Refused: ``public_suffix``, ``bad_domain`` (IDNA), ``bad_characters``, ``too_long``.
    """
    if not _PLAIN(value) or "xn--" in value:
        value = host_name(refang(fold(trim(value, notes), notes), notes), notes)
    if is_public_suffix(value):
        raise Refused("public_suffix", f"indicatorValue: '{shown(value)}' is a public suffix")
    return value


def host_name(text: str, notes: list[str]) -> str:
    """Return a host name in lower case, without a trailing dot, its labels in ASCII.

    Raises:
        Refused: ``bad_domain`` when IDNA 2008 has no ASCII form for it, ``too_long``.
    """
    name = text.lower()
    if not name.isascii() or "xn--" in name:
        name = _ascii(name, notes)
    if name.endswith(".") and not name.endswith(".."):
        notes.append(TRAILING_DOT)
        name = name[:-1]
    return name


def _ascii(name: str, notes: list[str]) -> str:
    import idna  # noqa: PLC0415 - only international names need it

    if len(name) > _LONGEST:
        raise Refused("too_long", f"indicatorValue: a name of {len(name)} characters")
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
        labels = [_label(label) for label in mapped.split(".")]
    except UnicodeError as error:
        raise Refused("bad_domain", f"indicatorValue: '{shown(name)}' is no IDNA 2008 name") from error
    if not name.isascii():
        notes.append(PUNYCODED)
    return ".".join(labels)


def _label(label: str) -> str:
    import idna  # noqa: PLC0415 - only international names need it

    if label.startswith("xn--"):
        return idna.alabel(idna.ulabel(label)).decode("ascii")
    return label if label.isascii() else idna.alabel(label).decode("ascii")
