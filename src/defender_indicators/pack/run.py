"""Run an action: the one door that every caller goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defender_indicators.errors import InputError, ManifestError, PackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from defender_indicators.pack.pack import Pack


def run_action(pack: Pack, name: str, inputs: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
    """Run one action and return its outputs.

    Args:
        pack: where the action is looked up.
        name: the action, plain or qualified.
        inputs: what its manifest asks for; defaults are filled in.
        context: what the handler works with: connector, clock, logger.

    Raises:
        InputError: no such action, or the inputs break its schema; every problem is named.
        ManifestError: the handler cannot be loaded, or its outputs break the manifest's schema.
        PackError: what the handler raises; the message begins with the action's name.
    """
    action = pack.action(name)
    filled = action.filled(inputs)
    problems = action.input_problems(filled)
    if problems:
        raise InputError("\n".join(f"{action.name}: {problem}" for problem in problems))
    try:
        outputs = action.run(filled, context)
    except PackError as error:
        error.args = (f"{action.name}: {error}", *error.args[1:])
        raise
    problems = action.output_problems(outputs)
    if problems:
        raise ManifestError([f"{action.name}: outputs: {problem}" for problem in problems])
    return outputs
