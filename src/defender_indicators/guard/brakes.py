"""Brakes: how much one run may change. Figures in, a hold or None out.

A poisoned feed, an empty one and one that was cut off all look like a large change. Whoever knows better approves it.
"""

from __future__ import annotations

from typing import Final

from defender_indicators.guard.codes import Hold
from defender_indicators.guard.settings import GuardSettings

LEAST_DELETES: Final = 20
"""So many deletions are no mass deletion, however few indicators there are."""
LEAST_ACTIVE: Final = 1000
"""From so many of our own indicators on, a share of them says more than a number."""


def new_blocks(count: int, settings: GuardSettings, *, unattended: bool = False) -> Hold | None:
    """Return the hold of all new blocks of a run that would bring ``count`` of them."""
    limit = settings.new_blocks_unattended if unattended else settings.new_blocks
    if count <= limit:
        return None
    which = "guard.new_blocks_unattended" if unattended else "guard.new_blocks"
    return Hold("too_many_blocks", f"{count:,} new blocks, more than {limit:,} ({which})")


def sync_blocks(count: int, own_active: int, settings: GuardSettings, *, unattended: bool = False) -> Hold | None:
    """Return the hold of all new blocks of a sync: as `new_blocks`, or as a share of what we have in the tenant."""
    allowed = _share(own_active, settings)
    if own_active >= LEAST_ACTIVE and count > allowed:
        reason = f"{count:,} new blocks, more than {settings.deletes_percent:g} % of our {own_active:,} indicators"
        return Hold("too_many_blocks", f"{reason} (guard.deletes_percent)")
    return new_blocks(count, settings, unattended=unattended)


def deletes(count: int, own_active: int, settings: GuardSettings, *, complete: bool = True) -> Hold | None:
    """Return the hold of all deletions of a sync.

    Args:
        count: indicators that would be deleted.
        own_active: indicators of ours in the tenant.
        settings: the share that may go.
        complete: whether the source was read to its end; absence from half a source proves nothing.
    """
    if not count:
        return None
    if not complete:
        return Hold("incomplete_source", f"{count:,} deletions wait for a source that is read to its end")
    if count >= own_active:
        return Hold("too_many_deletes", f"all {own_active:,} of our indicators would be deleted")
    if count > max(LEAST_DELETES, _share(own_active, settings)):
        reason = f"{count:,} deletions, more than {settings.deletes_percent:g} % of our {own_active:,} indicators"
        return Hold("too_many_deletes", f"{reason} (guard.deletes_percent)")
    return None


def _share(own_active: int, settings: GuardSettings) -> float:
    return own_active * settings.deletes_percent / 100
