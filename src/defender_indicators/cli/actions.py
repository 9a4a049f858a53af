"""``run``, ``actions`` and ``test-connection``: the pack's actions by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from defender_indicators.cli import console
from defender_indicators.cli.options import Options, output_options, sending_options, tenant_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.pack import Action, Pack


@click.command("run")
@click.argument("action")
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="FILE|-|KEY=VALUE",
    help="A JSON object with inputs, or one input; may be repeated, later ones win.",
)
@click.option("--dry-run", is_flag=True, help="Plan and report, send nothing.")
@sending_options
def run_command(action: str, *, given: tuple[str, ...], dry_run: bool, **common: Any) -> int:
    """Run ACTION of the pack with inputs and show its outputs.

    An input that is a text is taken as it is written; any other is JSON, as in --input generate_alert=true.
    """
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    def inputs(pack: Pack) -> dict[str, Any]:
        wanted = pack.action(action).inputs.get("properties", {})
        return {name: value for item in given for name, value in _inputs(item, wanted).items()}

    return act(Options(**common), action, inputs, dry_run=dry_run)


@click.command("actions")
@click.argument("name", default="")
@output_options
def actions_command(name: str, **common: Any) -> int:
    """List the actions of the pack, or describe the inputs of one."""
    from defender_indicators.cli.session import load_pack  # noqa: PLC0415  # slow to import

    pack = load_pack()
    as_json = Options(**common).as_json
    if as_json:
        chosen = [pack.action(name)] if name else pack.actions.values()
        console.show_json([_described(action) for action in chosen])
    elif name:
        _show_action(pack.action(name))
    else:
        rows: list[list[object]] = [[each.name, each.effects, each.title] for each in pack.actions.values()]
        console.show_table(["action", "effects", "title"], rows)
    return 0


@click.command("test-connection")
@tenant_options
def test_connection_command(**common: Any) -> int:
    """Prove that sign-in and permission work: sign in, look at the roles, list once. Spends no import call."""
    from defender_indicators.cli.session import act  # noqa: PLC0415  # slow to import

    return act(Options(**common), "test_connection", lambda _: {})


def _inputs(item: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    key, is_pair, text = item.partition("=")
    if not is_pair or not key.isidentifier():
        return _document(item)
    if wanted.get(key, {}).get("type") == "string":
        return {key: text}
    return {key: _json(text, f"--input {key}")}


def _document(location: str) -> dict[str, Any]:
    from defender_indicators.errors import InputError  # noqa: PLC0415  # slow to import
    from defender_indicators.sources.json_rows import read_document  # noqa: PLC0415  # slow to import

    try:
        if location == "-":
            document = read_document(sys.stdin.buffer, "standard input")
        else:
            with Path(location).open("rb") as stream:
                document = read_document(stream, location)
    except (OSError, ValueError) as error:
        raise InputError(f"{location}: cannot be read: {getattr(error, 'strerror', error)}") from None
    if not isinstance(document, dict):
        raise InputError(f"{location}: must be one JSON object, from input name to value")
    return document


def _json(text: str, place: str) -> Any:
    from defender_indicators.strict_json import loads_marked, spoiled_in  # noqa: PLC0415  # slow to import

    try:
        value = loads_marked(text)
    except ValueError as error:
        raise click.UsageError(f"{place}: not JSON: {error}") from None
    if reason := spoiled_in(value):
        raise click.UsageError(f"{place}: {reason}")
    return value


def _described(action: Action) -> dict[str, Any]:
    names = ("name", "title", "description", "doc_url", "effects", "permissions", "inputs", "outputs")
    return {name: getattr(action, name) for name in names}


def _show_action(action: Action) -> None:
    console.show(f"{action.name}: {action.title}\n\n{action.description}\n\n{action.doc_url}")
    required = action.inputs.get("required", [])
    rows: list[list[object]] = [
        [name, rule.get("type", ""), "yes" if name in required else "", rule.get("description", "")]
        for name, rule in action.inputs.get("properties", {}).items()
    ]
    console.show_table(["input", "type", "required", "description"], rows)
