"""Public suffixes: names under which everybody can register, from the list that `publicsuffixlist` ships.

Only its ICANN section counts: blocking all of a dynamic DNS provider is a decision, not a slip. The package's own
look-up costs more than everything else done to a domain, and a set of rules is all that is needed.

Source: https://publicsuffix.org/list/ (format of the rules).
"""

from __future__ import annotations

from functools import cache
from importlib import resources

_END = "// ===END ICANN DOMAINS==="
# Reserved for documentation and tests (RFC 2606), so the list does not know them.
_RESERVED = frozenset({"example", "test", "invalid"})


@cache
def rules() -> frozenset[str]:
    """Return the rules, in ASCII: ``co.uk``, ``*.ck``, ``!www.ck``; read once, when the first name is met."""
    text = (resources.files("publicsuffixlist") / "public_suffix_list.dat").read_text(encoding="utf-8")
    lines = text.partition(_END)[0].splitlines()
    return frozenset(_ascii(line.strip()) for line in lines if line.strip() and not line.startswith("//"))


def is_public_suffix(name: str) -> bool:
    """Return whether ``name`` (canonical) is a public suffix itself."""
    known = rules()
    return name in known or (f"*.{name.partition('.')[2]}" in known and f"!{name}" not in known) or f"*.{name}" in known


def has_known_suffix(name: str) -> bool:
    """Return whether ``name`` (canonical) is more than one label and its last one is in use or reserved for tests."""
    top = name.rpartition(".")[2]
    return "." in name and (top in _RESERVED or is_public_suffix(top))


def _ascii(rule: str) -> str:
    return rule if rule.isascii() else ".".join(_label(label) for label in rule.split("."))


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
