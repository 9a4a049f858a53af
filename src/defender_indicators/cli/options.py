"""Options that several commands share, and the values that they accept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")

ACTIONS = ("Allowed", "Audit", "Warn", "Block", "BlockAndRemediate", "Alert", "AlertAndBlock")
SEVERITIES = ("Informational", "Low", "Medium", "High")
FORMAT_NAMES = ("json", "ndjson", "portal-csv", "values", "stix", "misp", "csv", "openioc", "text")
TYPES = ("FileSha256", "FileSha1", "FileMd5", "CertificateThumbprint", "IpAddress", "DomainName", "Url")


class AnyCase(click.Choice[str]):
    """A choice in any case; what it returns and what it offers is spelt as the service spells it."""

    def __init__(self, choices: tuple[str, ...]) -> None:
        super().__init__(choices, case_sensitive=False)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002  # click's signature
        """Return why a value is not taken."""
        return f"{value!r} is not one of {', '.join(self.choices)}."


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user may say to every command that works on a tenant."""

    tenant: str = ""
    config: Path | None = None
    ca_bundle: Path | None = None
    as_json: bool = False
    log_format: str = "text"
    verbose: bool = False
    no_wait: bool = False


_TENANT = (
    click.option("--tenant", default="", metavar="NAME", help="Profile of the configuration; default: 'default'."),
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="DEFENDER_INDICATORS_CONFIG",
        help="Configuration file.",
    ),
    click.option(
        "--ca-bundle",
        type=click.Path(path_type=Path, dir_okay=False),
        help="PEM file of the authorities to trust instead of the public ones.",
    ),
)
_OUTPUT = (
    click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document on standard output."),
    click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Form of the log lines."),
    click.option("--verbose", is_flag=True, help="Log every step to standard error."),
)
_SENDING = (
    click.option("--no-wait", is_flag=True, help="Exit with 3 when another run is sending, instead of waiting."),
)
_ROW_DEFAULTS = (
    click.option("--title", default="", help="Title of rows that have none."),
    click.option("--description", default="", help="Description of rows that have none; default: the title."),
    click.option(
        "--severity",
        type=AnyCase(SEVERITIES),
        metavar="LEVEL",
        help="Severity of rows that have none: Informational, Low, Medium or High.",
    ),
    click.option(
        "--generate-alert/--no-generate-alert",
        default=None,
        help="Whether rows that do not say raise an alert; default: with --action Audit, else Defender's.",
    ),
)


_SOURCE = (
    click.option(
        "--format", "chosen", type=click.Choice(FORMAT_NAMES), default=None, help="Default: found in the content."
    ),
    click.option(
        "--policy",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Policy file: what indicators get; default: Audit for 90 days at most.",
    ),
    click.option(
        "--column", "columns", multiple=True, metavar="FIELD=NAME", help="Column of a CSV, as in value=IOC; repeatable."
    ),
    click.option("--feed", default="", metavar="NAME", help="Name of the feed, for the policy and for titles."),
)


_FILTER = (
    click.option(
        "--type", "kinds", multiple=True, type=AnyCase(TYPES), metavar="TYPE", help="Only this type; repeatable."
    ),
    click.option(
        "--action", "chosen_actions", multiple=True, type=AnyCase(ACTIONS), metavar="ACTION", help="Only this action."
    ),
    click.option("--owner", default="", metavar="own|foreign|TEXT", help="Ours, others', or part of a creator's name."),
    click.option("--set", "set_name", default="", metavar="NAME", help="Only rows of this set."),
    click.option(
        "--application", default="", metavar="PATTERN", help="Application that wrote the row; * for anything."
    ),
    click.option("--title", default="", metavar="PATTERN", help="Title; * for anything."),
    click.option("--value", default="", metavar="PATTERN", help="Value; * for anything."),
    click.option("--text", default="", metavar="TEXT", help="Part of value, title or description."),
    click.option(
        "--expires-within", type=click.IntRange(0, 36500), default=0, metavar="DAYS", help="Only what ends soon."
    ),
)
_WHY = (click.option("--why", default="", metavar="TEXT", help="The reason, for the audit log."),)


def filter_options(command: _Command) -> _Command:
    """Add the options that choose rows of the tenant."""
    return _with(command, _FILTER)


def why_option(command: _Command) -> _Command:
    """Add ``--why``."""
    return _with(command, _WHY)


def source_options(command: _Command) -> _Command:
    """Add the options of every command that reads indicators."""
    return _with(command, _SOURCE)


def column_map(given: tuple[str, ...]) -> dict[str, str]:
    """Return field → column of ``--column``.

    Raises:
        click.BadParameter: one is not FIELD=NAME.
    """
    pairs = [item.partition("=") for item in given]
    if wrong := next((item for item, (field, _, name) in zip(given, pairs, strict=True) if not field or not name), ""):
        raise click.BadParameter(f"{wrong!r} is not FIELD=NAME, as in value=IOC", param_hint="'--column'")
    return {field: name for field, _, name in pairs}


def output_options(command: _Command) -> _Command:
    """Add ``--json``, ``--log-format`` and ``--verbose``."""
    return _with(command, _OUTPUT)


def tenant_options(command: _Command) -> _Command:
    """Add the options of every command that works on a tenant or its ledger."""
    return _with(command, (*_TENANT, *_OUTPUT))


def sending_options(command: _Command) -> _Command:
    """Add the options of every command that sends."""
    return _with(command, (*_SENDING, *_TENANT, *_OUTPUT))


def row_defaults(command: _Command) -> _Command:
    """Add the options that fill fields of rows which lack them."""
    return _with(command, _ROW_DEFAULTS)


def _with(command: _Command, options: tuple[Callable[[_Command], _Command], ...]) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command
