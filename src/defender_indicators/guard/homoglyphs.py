"""Look-alikes of domains: two names with one skeleton look the same to a hasty reader.

The table holds the letters of Cyrillic and Greek that pass for Latin ones, and the digits and pairs that pass for
letters; accents are dropped.

Source: Unicode Technical Standard 39, section 4 (skeletons).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

_LOOKS_LIKE: Final = {
    "a": "аαɑ", "b": "Ььвβ", "c": "сϲ", "d": "ԁđ", "e": "еε3", "f": "ғ", "g": "ɡԍ", "h": "һнħ", "j": "јϳ", "k": "кκ",  # noqa: RUF001  # look-alikes are the point
    "l": "iıɩӏіιłⅼ1", "m": "мϻ", "n": "пηո", "o": "оοσøօ0", "p": "рρ", "q": "ԛ", "r": "гя", "s": "ѕ5", "t": "тτ",  # noqa: RUF001  # look-alikes are the point
    "u": "υսц", "v": "ѵν", "w": "ԝωшѡ", "x": "хχ", "y": "уγүʏ", "z": "ᴢʐ",  # noqa: RUF001  # look-alikes are the point
}  # fmt: skip
_TABLE: Final = str.maketrans({sign: letter for letter, signs in _LOOKS_LIKE.items() for sign in signs})
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))


@cache
def _readable(label: str) -> str:
    """Return a label as it is shown: ``xn--`` undone where it can be."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label


def skeleton(name: str) -> str:
    """Return what a canonical domain name looks like, in plain letters."""
    shown = ".".join(map(_readable, name.split("."))) if "xn--" in name else name
    if not shown.isascii():
        import unicodedata  # noqa: PLC0415  # only for international names

        shown = "".join(sign for sign in unicodedata.normalize("NFKD", shown) if not unicodedata.combining(sign))
    shown = shown.translate(_TABLE)
    for pair, single in _PAIRS:
        shown = shown.replace(pair, single)
    return shown


class LookAlikes:
    """Finds names that look like, or lie below one that looks like, one of ours."""

    def __init__(self, domains: Iterable[str]) -> None:
        self._own = {skeleton(name): name for name in domains}
        self._labels = sorted({name.count(".") + 1 for name in self._own.values()})

    def of(self, name: str) -> str:
        """Return our domain that ``name`` looks like without being it or lying below it, else ``""``."""
        if not self._own:
            return ""
        labels = skeleton(name).split(".")
        for count in self._labels:
            own = self._own.get(".".join(labels[-count:]), "")
            if own and name != own and not name.endswith("." + own):
                return own
        return ""
