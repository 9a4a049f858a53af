"""Public suffixes: names under which everybody can register, from the list that `publicsuffixlist` ships.

Only its ICANN section counts: blocking all of a dynamic DNS provider is a decision, not a slip. The package's own
look-up costs more than everything else done to a domain, and a set of rules is all that is needed.

Source: https://publicsuffix.org/list/ (format of the rules).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

_END = "// ===END ICANN DOMAINS==="
# Reserved for documentation and tests (RFC 2606), so the list does not know them.
_RESERVED = frozenset({"example", "test", "invalid"})


@cache
def rules() -> frozenset[str]:
    """Return the rules, in ASCII: ``co.uk``, ``*.ck``, ``!www.ck``; read once, when the first name is met."""
    return _rules(_text().partition(_END)[0])


def private_rules() -> frozenset[str]:
    """Return the rules of the private section, in ASCII: names below which a company lets strangers have their own."""
    return _rules(_text().partition(_END)[2])


def suffix_file() -> Path:
    """Return where the list is."""
    return Path(str(resources.files("publicsuffixlist") / "public_suffix_list.dat"))


def _text() -> str:
    return suffix_file().read_text(encoding="utf-8")


def _rules(section: str) -> frozenset[str]:
    lines = (line.strip() for line in section.splitlines())
    return frozenset(_ascii(line) for line in lines if line and not line.startswith("//"))


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
