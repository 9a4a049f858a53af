"""Where callers come in: a context out of a caller's wishes, closed when the caller is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from defender_indicators.configuration import Profile, load_configuration
from defender_indicators.context import Context
from defender_indicators.guard import GuardSettings


@contextmanager
def open_context(  # noqa: PLR0913 - the wishes of a caller, each with a default
    *,
    environ: Mapping[str, str],
    tenant: str = "",
    config: Path | None = None,
    ca_bundle: str = "",
    wait: bool = True,
    dry_run: bool = False,
    prompt: Callable[[str], None] | None = None,
    why: str = "",
    unattended: bool = False,
) -> Iterator[Context]:
    """Yield the context of one caller and close it afterwards.

    Args:
        environ: the environment; for the default tenant it wins over the file.
        tenant: a profile of the configuration; ``""`` is the default one.
        config: the configuration file; None is the environment's, or none.
        ca_bundle: PEM file that wins over the profile's.
        wait: whether to wait while another process sends for the same tenant.
        dry_run: plan and report, send nothing.
        prompt: shows a person the text of a device-code sign-in.
        why: the reason, for the record.
        unattended: nobody watches, so that fewer new blocks pass at once.
    """

    def guarding() -> tuple[GuardSettings, Path]:
        found = load_configuration(config, environ)
        return found.guard(tenant), found.home

    def profile() -> Profile:
        found = load_configuration(config, environ).profile(tenant)
        return replace(found, network=replace(found.network, ca_bundle=ca_bundle)) if ca_bundle else found

    context = Context(
        profile, wait=wait, dry_run=dry_run, prompt=prompt, why=why, unattended=unattended, guarding=guarding
    )
    try:
        yield context
    finally:
        context.close()
