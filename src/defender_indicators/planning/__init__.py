"""Planning: what would have to change in a tenant, decided from plain data before anything is sent.

A snapshot of the tenant and the rows that are wanted go in; a list of changes comes out, each with its reason, judged
by the guard and fitted into the room there is. Nothing here opens a socket, a file or a clock.
"""

from defender_indicators.planning.changes import Change, Wanted
from defender_indicators.planning.plan_file import PlanFile
from defender_indicators.planning.prepared import Prepared
from defender_indicators.planning.snapshot import Snapshot

__all__ = ["Change", "PlanFile", "Prepared", "Snapshot", "Wanted"]
