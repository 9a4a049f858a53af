"""Where in a line of a report something stands that may be an indicator, and where it ends.

Every quantifier that could meet the same characters twice is possessive: a line is walked once, whatever is in it.
"""

from __future__ import annotations

import re
from typing import Final

_DOT: Final = r"(?:\.|[\[({]\s?(?:\.|dot)\s?[\])}]|[\[({]\.|\.[\])}]|\\\.)"
_AT: Final = r"(?:[\[({]\s?(?:@|at)\s?[\])}]|@\[?)"
_COLON: Final = r"(?::|[\[({]:[\])}])"
_WORD: Final = r"[\w+*-]"
_END: Final = "\\s<>\"'`|\u00ab\u00bb\u2018-\u201d\u3001\u3002\u300c-\u300f\uff08\uff09\uff0c"

FIND: Final = re.compile(
    rf"""
    (?<![a-z0-9]) (?P<scheme>h\*\*ps?|[a-z][a-z0-9+]{{1,11}}+) (?:{_COLON}//\]?|[\[({{]://[\])}}])
        (?P<rest>(?:[^{_END},;\\\]]++|\\(?=\.)|\](?!\()|[,;](?!h(?:tt|xx|\*\*)p))++)
    | (?<!\w) (?<!\w-) (?P<digest>[0-9a-f]{{32,}}+) (?!-?\w|{_DOT}\w|{_AT})
    | (?<![\w:.]) (?P<six>(?:[0-9a-f]{{0,4}}+{_COLON}){{2,}}+[0-9a-f.]{{0,15}}+) (?!\w)
    | (?<![\w+*@-]) (?P<name>{_WORD}*+(?:(?:{_DOT}(?=\w)|{_AT}){_WORD}++)++)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A web address, a digest, an IPv6 address, or words joined by dots and at signs; whichever comes first."""

DEFANGED: Final = re.compile(
    r"\bhxxps?\b|\bh\*\*ps?:|(?<=\w)(?:[\[({]\s?(?:\.|dot)\s?[\])}]|[\[({]\.(?=\w)|\.[\])}](?=\w))\w|[\[({]:(?://)?[\])}]",
    re.IGNORECASE,
)
"""A value written so that nobody clicks on it."""

PORT: Final = re.compile(rf"\]?{_COLON}([0-9]{{1,5}})(?![\w.:])")
"""A port right behind a host."""
NETWORK: Final = re.compile(r"/([0-9]{1,3})(?![\w./-])")
"""A prefix length right behind an address."""
PATH: Final = re.compile(rf"/(?![\w-]{{0,63}}[\[({{\\]|[0-9]{{1,3}}{_DOT}[0-9])[^{_END},;\\]*+")
"""A path right behind a host; ``a[.]example/b[.]example`` and ``203.0.113.1/203.0.113.2`` are two values."""

_CLOSERS: Final = {")": "(", "]": "[", "}": "{"}
_BRACKET: Final = re.compile(r"[\[({]\s?(?:[.:@]|dot)\s?[\])}]|[\[({]\.|\.[\])}](?=\w)|[][(){}]", re.IGNORECASE)
_PUNCTUATION: Final = ".,;:!?*_~'\""


def without_surroundings(text: str) -> str:
    """Return an address without what the sentence put around its end: a bracket never opened, a full stop."""
    opened: list[str] = []
    for found in _BRACKET.finditer(text):
        sign = found[0]
        if sign in _CLOSERS:
            if not opened or opened.pop() != _CLOSERS[sign]:
                text = text[: found.start()]
                break
        elif len(sign) == 1:
            opened.append(sign)
    return text.rstrip(_PUNCTUATION)
