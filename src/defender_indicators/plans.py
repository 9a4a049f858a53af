"""What a context plans with: the tenant as it is, the guard, the room, and the ledger's memory of earlier runs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import closing
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from defender_indicators.delivery import Ledger, Limits, Plan, events
from defender_indicators.delivery.records import Run
from defender_indicators.delivery.report import DRY_RUN
from defender_indicators.errors import ConnectorError, InputError
from defender_indicators.guard import CODES, Hold, brakes
from defender_indicators.indicators import Canonicaliser, Indicator, Policy
from defender_indicators.indicators.codes import shown
from defender_indicators.planning.capacity import Room
from defender_indicators.planning.changes import Change, Wanted
from defender_indicators.planning.conflicts import conflicts_of, repair_of
from defender_indicators.planning.diff import Goal
from defender_indicators.planning.guarding import Brakes
from defender_indicators.planning.plan_file import PlanFile, require_applicable
from defender_indicators.planning.planner import Planner, state_of
from defender_indicators.planning.prepared import Prepared
from defender_indicators.planning.rollback import Done, inverse
from defender_indicators.planning.snapshot import APPLICATION, Row, Snapshot, tag
from defender_indicators.planning.wanted import Ranked, wanted_of

if TYPE_CHECKING:
    from defender_indicators.context import Context

_GROUPS = "/api/exposureScore/ByMachineGroups"
"""Source: get-machine-group-exposure-scores.md."""
PLAN_HOURS = 24.0
"""For so long a plan file may be applied."""


class Plans:
    """Plans for the tenant of a context; nothing here sends anything but listings."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @cached_property
    def snapshot(self) -> Snapshot:
        """The whole tenant, listed when it is first asked for.

        Raises:
            ConnectorError: it could not be listed to the end.
        """
        context = self._context
        pages = context.delivery.listing(context.sender())
        execute = context.delivery.ledger.database.execute
        adopted = dict(execute("SELECT id, owner FROM adopted").fetchall())
        rows = chain.from_iterable(pages)
        return Snapshot(rows, context.connector.identity().app, adopted)

    @property
    def tenant(self) -> str:
        """The tenant's name in a plan: ``cloud/tenant/application``."""
        return "/".join(self._context.connector.identity())

    @property
    def room(self) -> Room:
        """How many rows the tenant may hold, and what is kept free of them."""
        profile = self._context.profile
        return Room(self._context.product.capacity, **profile.capacity)

    def planner(self, *, guarded: bool = True) -> Planner:
        """Return a planner for the tenant as it is now, and as it stays until we are done.

        Other runs of this machine wait from now on: a plan on what they change meanwhile would be stale. A plan that
        is only to be looked at holds nobody up.
        """
        context = self._context
        if guarded and not context.dry_run and context.delivery.hold():
            self.__dict__.pop("snapshot", None)
        limits = Limits(context.product.batch_rows, context.product.batch_bytes)
        judge, brakes = (self._judge, self._brakes) if guarded else (_passed, _never_braked)
        return Planner(self.snapshot, judge, brakes, self.room, limits, author=context.author, why=context.why)

    def sync(  # noqa: PLR0913 - the wishes of a caller, each with a default
        self,
        rows: Iterable[object],
        *,
        set_name: str,
        defaults: Mapping[str, object] | None = None,
        lifetime_days: int = 90,
        keep_missing: bool = False,
        source: Any = None,
        guarded: bool = True,
    ) -> Prepared:
        """Plan that a set of the tenant becomes equal to rows.

        Args:
            rows: dicts in Microsoft's spelling (``x-rank`` and ``x-lifetime`` as readers add them), or bad rows.
            set_name: the set; only its rows are replaced or deleted.
            defaults: fields for rows that lack them.
            lifetime_days: after how many days rows end that name no end; 0 for never.
            keep_missing: delete nothing.
            source: what the rows are read from (``sources.Source``); it knows how the reading ended.
            guarded: ask the guard; a plan without it is only to be looked at.

        Raises:
            InputError: too many rows, or the set has no name.
            ConnectorError: the tenant could not be listed to the end.
        """
        if not set_name:
            raise InputError("$.set: a sync needs the name of its set; rows of other sets are never deleted")
        wanted, stopped, known = self._wanted(rows, tag(set_name), defaults or {}, lifetime_days)
        goal = Goal(set_name, self._context.clock.now(), keep=keep_missing, known=known)
        facts: dict[str, Any] = {}
        cut_off = ""
        if source is not None:
            cut_off = str(source.cut_off or "") or _unreadable(stopped)
            facts = {"source": source.name, "coverage": {**source.coverage.as_dict(), "line": str(source.coverage)}}
        return self.planner(guarded=guarded).sync(wanted, stopped, goal, cut_off=cut_off, facts=facts)

    def delete(self, rows: Iterable[Row], missing: Iterable[str] = (), *, foreign: bool = False) -> Prepared:
        """Plan that rows go; ``missing`` are ids or values that no row has."""
        stopped = [
            Change("rejected", number, name, "", "", status="rejected", code="not_in_tenant", reason=_ABSENT)
            for number, name in enumerate(missing)
        ]
        planner = self.planner()
        there = (planner.snapshot.by_id(row["id"]) for row in rows)
        return planner.delete(filter(None, there), stopped, foreign=foreign)

    def replace(self, rows: Iterable[object], *, set_name: str = "", lifetime_days: int = 90) -> Prepared:
        """Plan that values get the action, scope and fields of these rows, in place of the rows that the set has."""
        application = tag(set_name) if set_name else APPLICATION
        wanted, stopped, _ = self._wanted(rows, application, {}, lifetime_days)
        return self.planner().replace(wanted, stopped, Goal(set_name, self._context.clock.now()))

    def repair(self, kinds: Container[str]) -> Prepared:
        """Plan what mends the conflicts of these kinds; empty: of all."""
        planner = self.planner()
        found = [one for one in conflicts_of(planner.snapshot) if not kinds or one.kind in kinds]
        return planner.repair("repair", repair_of(found))

    def rollback(self, run_id: str) -> Prepared:
        """Plan the inverse of a run.

        Raises:
            InputError: there is no such run, or it changed nothing that can be undone.
        """
        ledger = self._context.delivery.ledger
        run = ledger.run(run_id)
        planner = self.planner()
        changes = inverse(list(_done(ledger, run)), _sent_before(ledger, run), planner.snapshot, run.created)
        if not changes:
            raise InputError(f"run {run.id}: nothing of it is left in the tenant that could be undone")
        return planner.repair("rollback", changes)

    def adopt(self, rows: Iterable[Row], owner: str) -> int:
        """Take rows that others made over into a set; nothing is sent. Returns how many are new to it."""
        context = self._context
        database, at = context.delivery.ledger.database, context.clock.now().isoformat(timespec="seconds")
        ids = [row["id"] for row in rows]
        with database.transaction():
            database.executemany(
                "INSERT INTO adopted (id, owner, at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET owner ="
                " excluded.owner, at = excluded.at",
                ((identifier, owner, at) for identifier in ids),
            )
            details = {"set": owner, "ids": ids}
            events.record(database, at, context.author, "rows adopted", why=context.why, details=details)
        self.__dict__.pop("snapshot", None)
        return len(ids)

    def file(self, plan: Prepared) -> PlanFile:
        """Return a plan as a file."""
        return PlanFile.of(plan, self.tenant, self._context.clock.now(), PLAN_HOURS)

    def applicable(self, found: PlanFile, place: str) -> Prepared:
        """Return what is to be delivered of a plan file: exactly what it says, or less where the guard says so.

        Raises:
            InputError: it is for another tenant, expired, or the tenant has changed since.
        """
        require_applicable(found, self.tenant, self._context.clock.now(), place)
        planner = self.planner()
        if state_of(found.plan.changes, planner.snapshot) != found.plan.expected:
            raise InputError(f"{place}: the tenant has changed since the plan was made; nothing was sent, plan again")
        return planner.again(found.plan)

    def _wanted(
        self, rows: Iterable[object], application: str, defaults: Mapping[str, object], lifetime_days: int
    ) -> tuple[list[Wanted], list[Change], set[str]]:
        now = self._context.clock.now()
        ranked = Ranked(rows, application, now, lifetime_days)
        judge = Canonicaliser(Policy(now=now, defaults=defaults))
        with closing(Ledger(None)) as ledger, closing(Plan(ranked, judge, limits=Limits())) as plan:
            plan.write(ledger, DRY_RUN, now.isoformat(timespec="seconds"))
            return wanted_of(ledger, DRY_RUN, ranked)

    def _judge(self, indicator: Indicator) -> Hold | None:
        hold = self._context.guard(indicator)
        if hold or not indicator.scope or self._groups is None:
            return hold
        names = [name for name in orjson.loads(indicator.scope) if isinstance(name, str)]
        unknown = [name for name in names if name not in self._groups]
        if not unknown:
            return None
        return Hold("unknown_device_group", f"rbacGroupNames: {shown(unknown[0], 80)}: {CODES['unknown_device_group']}")

    @cached_property
    def _groups(self) -> frozenset[str] | None:
        """The tenant's device groups; None where it does not let us read them (Score.Read.All)."""
        try:
            found = self._context.read(_GROUPS)
        except ConnectorError as error:
            self._context.log.info("device groups are not checked: %s", error)
            return None
        rows = (found or {}).get("value")
        names = [row.get("rbacGroupName") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return frozenset(name for name in names if isinstance(name, str)) or None

    def _brakes(self, own: int, complete: bool) -> Brakes:  # noqa: FBT001 - the shape that planners ask for
        settings, unattended = self._context.profile.guard, self._context.unattended

        def blocks(count: int) -> Hold | None:
            return brakes.sync_blocks(count, own, settings, unattended=unattended)

        return Brakes(blocks, partial(brakes.deletes, own_active=own, settings=settings, complete=complete))


def _passed(_: Any) -> None:
    """Hold nothing."""


def _never_braked(*_: object) -> Brakes:
    return Brakes(_passed, _passed)


def _unreadable(stopped: Iterable[Change]) -> str:
    """Say what keeps a source from being complete although it was read to its end: nobody knows what it meant."""
    count = sum(change.code in _UNREADABLE for change in stopped)
    return f"{count} of its entries cannot be read, and may be what is missing" if count else ""


_UNREADABLE = frozenset(
    {"bad_csv", "bad_encoding", "bad_entry", "bad_json", "bad_object", "bad_pattern", "line_too_long"}
)
_ABSENT = "no row of the tenant has this id or value"


def _done(ledger: Ledger, run: Run) -> Iterator[Done]:
    """Yield what a run has changed, by the answers in the ledger."""
    for batch in list(ledger.batches("run = ? AND state = 'answered' ORDER BY lane, first", (run.id,))):
        for row, identifier in zip(batch.payloads(), ledger.ids(batch.id), strict=True):
            if identifier is not None:
                yield Done(batch.operation, row, identifier)


def _sent_before(ledger: Ledger, run: Run) -> Iterator[Done]:
    """Yield the rows that older runs have brought into the tenant, oldest first."""
    older = (other for other in ledger.runs() if other.number < run.number)
    return (done for other in older for done in _done(ledger, other) if done.operation == "import")
