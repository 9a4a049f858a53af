"""Indicators from any table: comma, semicolon, tab or bar between the columns, with a header or without."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from defender_indicators.delivery import BadRow
from defender_indicators.sources.kinds import foreign_scheme, meaning, with_port
from defender_indicators.sources.observed import Dropped, Facts, Observed
from defender_indicators.sources.row import bad_row, excerpt
from defender_indicators.sources.table_columns import shown_columns, simple
from defender_indicators.sources.table_opening import open_table
from defender_indicators.sources.vocabulary import confidence, moment, severity, tlp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TYPES = {
    **dict.fromkeys(("ip", "ipv4", "ipv6", "ipaddress", "ipaddr", "ipv4addr", "ipv6addr", "ipv4address"), "IpAddress"),
    **dict.fromkeys(("ipv6address", "ipdst", "ipsrc", "ipport", "ipdstport", "address"), "IpAddress"),
    **dict.fromkeys(("domain", "domainname", "hostname", "host", "fqdn", "dns"), "DomainName"),
    **dict.fromkeys(("url", "uri", "link"), "Url"),
    **dict.fromkeys(("md5", "filemd5", "md5hash", "filehashmd5", "hashmd5"), "FileMd5"),
    **dict.fromkeys(("sha1", "filesha1", "sha1hash", "filehashsha1", "hashsha1"), "FileSha1"),
    **dict.fromkeys(("sha256", "filesha256", "sha256hash", "filehashsha256", "hashsha256"), "FileSha256"),
    **dict.fromkeys(("certificatethumbprint", "thumbprint", "x509fingerprintsha1"), "CertificateThumbprint"),
}
_VAGUE = ("", "file", "hash", "filehash", "ioc", "indicator", "observable", "network", "artifact", "other", "unknown")
_OTHERS = (
    *("mail", "filename", "filepath", "mutex", "regist", "cve", "useragent", "ja3", "btc", "wallet", "yara", "sigma"),
    *("ssdeep", "imphash", "authentihash", "sha512", "process", "commandline"),
)
_SPLIT_TAGS = str.maketrans(";|", ",,")


class _Cells:
    """The cells of one record by our fields; a field without a column is empty."""

    def __init__(self, columns: Mapping[str, int], cells: list[str]) -> None:
        self._columns, self._cells = columns, cells

    def __getitem__(self, field: str) -> str:
        position = self._columns.get(field)
        return "" if position is None else self._cells[position].strip()


def read_csv(
    stream: BinaryIO, place: str, columns: Mapping[str, str] | None = None
) -> Iterator[Observed | Dropped | BadRow]:
    """Yield the indicators of a table, one a record, in constant memory; a broken record costs only itself.

    ``columns`` says which column holds which field (``value``, ``type``, ``title``, ``description``, ``severity``,
    ``confidence``, ``tags``, ``expires``, ``tlp``), by its header or its number from 1; the others are guessed (see
    ``csv_notices``). A word for the type that is vague, missing or contradicted by the value is ignored. Of
    ``192.0.2.7:443`` the address is taken and the port goes into the description: the service has none for addresses.

    Raises:
        InputError: a named column is not there, or no column holds indicators.
    """
    table = open_table(stream, place, columns or {})
    for record in table.records:
        if isinstance(record, BadRow):
            yield record
        elif any(map(str.strip, record.cells)):
            yield _read(_Cells(table.columns, record.cells), f"{place}:{record.number}")


def csv_notices(head: bytes, place: str, columns: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what each column of a table is read as, given its first bytes: ``column 1 'value' → value``.

    Raises:
        InputError: as ``read_csv``.
    """
    table = open_table(io.BytesIO(head), place, columns or {})
    return shown_columns(table.header, table.columns)


def _read(cells: _Cells, place: str) -> Observed | Dropped | BadRow:
    value, kind = cells["value"], cells["type"]
    word = simple(kind)
    declared = _TYPES.get(word, "")
    meant = meaning(declared, value)
    if unwanted := _unwanted(value, kind, known=bool(declared or meant.type or word in _VAGUE)):
        return Dropped(place, unwanted[0], excerpt(value), unwanted[1])
    if not meant.type:
        reason = "no hash, IP address, URL or domain" if value else "no value in the column of values"
        return bad_row(place, "type_not_recognised" if value else "bad_entry", reason, value)
    try:
        return Observed(meant.type, meant.value, place, _facts(cells, meant.port))
    except ValueError as error:
        return bad_row(place, "bad_entry", f"expires: {error}", value)


def _unwanted(value: str, kind: str, *, known: bool) -> tuple[str, str] | None:
    """Return why a record is left out (its kind and the reason): a type or a scheme that Defender does not take."""
    word = simple(kind)
    if word not in _TYPES and (not known or any(part in word for part in _OTHERS)):
        return (excerpt(kind, 60), "Defender has no indicator of this type")
    scheme = foreign_scheme(value) if "//" in value else ""
    return (f"{scheme} URL", "Defender takes http:// and https:// only") if scheme else None


def _facts(cells: _Cells, port: str) -> Facts:
    tags = cells["tags"].translate(_SPLIT_TAGS).split(",")
    return Facts(
        title=cells["title"],
        description=with_port(cells["description"], port),
        confidence=confidence(cells["confidence"]),
        tags=tuple(tag for part in tags if (tag := part.strip())),
        tlp=tlp(cells["tlp"]),
        severity=severity(cells["severity"]),
        valid_until=moment(cells["expires"]),
        kind=cells["type"],
    )
