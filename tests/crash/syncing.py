"""Syncs that are killed again and again: what the tenant held at every moment, and what must be true of it."""

from collections import defaultdict
from contextlib import closing

import orjson

from defender_indicators.delivery import Ledger, Report, events
from defender_indicators.delivery.maintenance import ledger_check
from defender_indicators.delivery.resume import waiting
from defender_indicators.emulator.store import Store

BLOCK, WARN, AUDIT, ALLOWED = (("Block", ""), ("Warn", ""), ("Audit", ""), ("Allowed", ""))
PILOT = ("Block", "Pilot")
KINDS = {
    "new": (None, BLOCK, BLOCK),
    "new, then changed": (None, AUDIT, BLOCK),
    "new, then gone": (None, BLOCK, None),
    "gone": (BLOCK, None, None),
    "allowed, gone": (ALLOWED, None, None),
    "gone, comes back": (BLOCK, None, BLOCK),
    "gone later": (BLOCK, BLOCK, None),
    "the same": (BLOCK, BLOCK, BLOCK),
    "to warn": (AUDIT, WARN, WARN),
    "to warn, then to block": (AUDIT, WARN, BLOCK),
    "to warn and back": (AUDIT, WARN, AUDIT),
    "allowed to block": (ALLOWED, BLOCK, BLOCK),
    "allowed to warn, then to audit": (ALLOWED, WARN, AUDIT),
    "other devices": (BLOCK, PILOT, PILOT),
    "other devices and back": (BLOCK, PILOT, BLOCK),
    "allowed to block elsewhere": (ALLOWED, PILOT, WARN),
    "to allowed": (BLOCK, ALLOWED, ALLOWED),
    "to allowed and back": (BLOCK, ALLOWED, BLOCK),
    "allowed": (ALLOWED, ALLOWED, ALLOWED),
}
"""Kind of a value → what the set has of it, what the first version of the source wants, what the second."""
FOREIGN = {"in the way": (ALLOWED, BLOCK), "the same": (BLOCK, BLOCK), "elsewhere": (WARN, None)}
"""Kind of a value of somebody else → their row, and what the source wants. An approval would release what is held."""
EACH = 3
STRICT = {"Block", "Warn"}
OPEN = ("pending", "unknown", "held", "deferred", "refused", "quarantined")
WRITES = ("import", "batch_delete")


class Moments:
    """What the service held of every value, after every single row that was written or deleted.

    ``synced`` is the version that a sync has come to its end with, 0 when there is a newer one.
    """

    def __init__(self, store, monkeypatch):
        self._store = store
        self.synced = 0
        self.of = defaultdict(list)
        monkeypatch.setattr(Store, "_apply", self._watching(Store._apply, "written"))
        monkeypatch.setattr(Store, "_forget", self._watching(Store._forget, "deleted"))

    def _watching(self, original, what):
        def watched(store, record, *more):
            original(store, record, *more)
            if store is self._store:
                value = record.row["indicatorValue"]
                there = [_said(each.row) for each in store.records.values() if each.row["indicatorValue"] == value]
                self.of[value].append((what, _said(record.row), record.row["title"], there, self.synced))

        return watched


class Syncing:
    """A tenant with rows of a set and of others, and a source in two versions that the set is kept equal to.

    Args:
        approving: whether a person releases what the guard holds; if not, foreign rows are in the way, too.
    """

    def __init__(self, tenant, monkeypatch, *, approving):
        self.tenant, self.approving = tenant, approving
        self.version = 0
        self._kinds = dict(enumerate(kind for kind in KINDS.values() for _ in range(EACH)))
        others = () if approving else [kind for kind in FOREIGN.values() for _ in range(EACH)]
        self._others = dict(enumerate(others, start=1000))
        self._emulator = tenant.emulator
        self._moments = Moments(self._emulator.service.tenant(self._emulator.tenant_id).store, monkeypatch)
        self._fill()
        self.write()

    def write(self):
        """Write the next version of the source; it takes turns between the two that there are."""
        self.version, self._moments.synced = self.version + 1, 0
        titled = [(number, kind, _title(number, self.version)) for number, kind in self._kinds.items()]
        rows = [self._row(number, _wanted(kind, self.version), title) for number, kind, title in titled]
        rows += [self._row(number, kind[1], "wanted") for number, kind in self._others.items()]
        (self.tenant.home / "source.json").write_bytes(orjson.dumps([row for row in rows if row]))

    def sync(self, **death):
        """Sync once, in a process of its own; returns the exit code, -9 when it was killed."""
        code = self.tenant.run("sync", str(self.tenant.home / "source.json"), "--set", "feed", **death)
        if code in (0, 1, 6):
            self._moments.synced = self.version
        return code

    def resume(self, **death):
        """Go on with the oldest unfinished run, or sync where there is none."""
        return self.tenant.run("resume", **death) if self.unfinished() else self.sync(**death)

    def approve(self, **death):
        """Let a person release what the newest run holds, and send it; returns None where it holds nothing."""
        if not self._begun():
            return None
        with closing(Ledger(self.tenant.ledger)) as ledger:
            newest = list(ledger.runs())[-1:]
            held = [run.id for run in newest if any(True for _ in waiting(ledger, run.id))]
        if not held:
            return None
        self.tenant.run("approve", held[0], "--why", "a test", "--yes")
        return self.tenant.run("resume", held[0], **death)

    def unfinished(self):
        """Return the runs that are not finished."""
        if not self._begun():
            return []
        with closing(Ledger(self.tenant.ledger)) as ledger:
            return [run.id for run in ledger.unfinished()]

    def leave(self):
        """Delete, as an analyst in the portal would, some of what the sync is about to delete."""
        for number, kind in self._kinds.items():
            if kind == KINDS["gone"] and number % EACH == 0:
                self._emulator.delete(_value(number))

    def settle(self):
        """Let everything come to its end; returns what is wrong with that."""
        for _ in range(20):
            if not self.unfinished():
                break
            self.resume()
        self._emulator.faults.clear()
        self._delete_doubles()
        for _ in range(5):
            before = self.writes()
            code = self.sync()
            if self.approving:
                self.approve()
            if self.writes() == before:
                left = self.unfinished()
                return [] if code == (0 if self.approving else 6) and not left else [("ends with", code, left)]
        return [("still writes", self.writes() - before)]

    def writes(self):
        """Return how many calls have changed, or tried to change, something."""
        return sum(call.endpoint in WRITES for call in list(self._emulator.arrivals))

    def unreported(self):
        """Return values that are allowed and blocked at this moment without an open row that tells of it."""
        actions = defaultdict(set)
        for row in self._emulator.rows():
            actions[row["indicatorValue"]].add(row["action"])
        mixed = {value for value, found in actions.items() if _mixed(found)}
        return sorted(mixed - {row["value"] for row in self._results() if row["status"] in OPEN}) if mixed else []

    def problems(self):
        """Return what is wrong, by oracle; nothing when all is well."""
        with closing(Ledger(self.tenant.ledger)) as ledger:
            chain = events.verify(ledger.database)
        found = {
            "moments": self._wrong_moments(),
            "wrong at the end": self._wrong_rows(),
            "foreign": self._touched(),
            "misreported": self._misreported(),
            "defects": [line for line in self._said_to_people() if "defect" in line],
            "ledger": ledger_check(self.tenant.ledger),
            "audit log": chain,
            "window": [name for name in WRITES if self._emulator.most_calls_in_any_window(name) > 30],
            "unrecorded": self.tenant.unrecorded(*WRITES),
        }
        return {name: wrong[:5] for name, wrong in found.items() if wrong}

    def _delete_doubles(self):
        """Do what a sync asks for that finds several rows of ours that allow one value."""
        allowing = [row for row in self._emulator.rows() if row["action"] == "Allowed"]
        values = {row["indicatorValue"]: row["id"] for row in allowing}
        doubles = [row["id"] for row in allowing if values[row["indicatorValue"]] != row["id"]]
        if doubles:
            self.tenant.run("delete", *(f"--id={number}" for number in doubles), "--yes", "--why", "a test")

    def _begun(self):
        return any((self.tenant.home / "ledgers").glob("*.sqlite3"))

    def _fill(self):
        ours = [self._row(number, kind[0], "v0") for number, kind in self._kinds.items()]
        client = self._emulator.settings.client_id
        self._emulator.add_rows(filter(None, ours), created_by=client, application="defender-indicators/feed")
        theirs = [self._row(number, kind[0], "theirs") for number, kind in self._others.items()]
        self._emulator.add_rows(theirs)
        sibling = [self._row(number, BLOCK, "other") for number in range(2000, 2000 + EACH)]
        self._emulator.add_rows(sibling, created_by=client, application="defender-indicators/other")
        not_ours = {_value(number) for number in (*self._others, *range(2000, 2000 + EACH))}
        self._theirs = [row for row in self._emulator.rows() if row["indicatorValue"] in not_ours]

    def _wants(self, number):
        """Return what was wanted of a value so far: before, and by every version of the source."""
        return self._kinds[number][: self.version + 1]

    def _wrong_moments(self):
        wrong = []
        for number, kind in self._kinds.items():
            wants, value = self._wants(number), _value(number)
            loosened, newest = ALLOWED in wants[1:], 0
            for what, said, title, there, synced in self._moments.of[value]:
                if what == "written":
                    if int(title[1:]) < newest:
                        wrong.append(("reverted", wants, title, newest))
                    newest = int(title[1:])
                if _mixed({action for action, _ in there}) and not loosened:
                    wrong.append(("allowed and blocked", wants, there))
                if not there and None not in wants and ALLOWED not in wants:
                    wrong.append(("gap", wants, said))
                wanted = {_wanted(kind, synced)} if synced else set(wants[1:])
                if what == "deleted" and said not in there and wanted == {said}:
                    wrong.append(("deleted what is wanted", wants, said))
        return wrong

    def _wrong_rows(self):
        there = defaultdict(list)
        for row in self._emulator.rows():
            there[row["indicatorValue"]].append((_said(row), row["title"]))
        wrong = []
        for number, kind in self._kinds.items():
            wanted, title = _wanted(kind, self.version), _title(number, self.version)
            if wanted == ALLOWED != kind[0] and not self.approving:
                wanted, title = kind[0], ""  # held, and what is there may be of any version
                there[_value(number)] = [(said, "") for said in {said for said, _ in there[_value(number)]}]
            found = there[_value(number)]
            if found != ([(wanted, title)] if wanted else []):
                wrong.append((kind, found))
        return wrong

    def _touched(self):
        now = {row["id"]: row for row in self._emulator.rows()}
        values = {row["indicatorValue"] for row in self._theirs}
        added = [row for row in now.values() if row["indicatorValue"] in values and row not in self._theirs]
        return [row for row in self._theirs if now.get(row["id"]) != row] + added

    def _misreported(self):
        """Rows that are called accepted and were never written, or are still there though they are called deleted."""
        ids, wrong = {row["id"] for row in self._emulator.rows()}, []
        for row in self._results():
            if row["status"] != "accepted":
                continue
            written = any(
                what == "written" and said[0] == row["action"] for what, said, *_ in self._moments.of[row["value"]]
            )
            if not written if row["operation"] == "import" else row["id"] in ids and not row["notes"]:
                wrong.append((row["operation"], row["value"][-4:], row["action"]))
        return wrong

    def _said_to_people(self):
        return (self.tenant.home / "import.out.err").read_text().splitlines()

    def _results(self):
        with closing(Ledger(self.tenant.ledger)) as ledger:
            return [row for run in ledger.runs() for row in Report(ledger, run.id)["results"]]

    @staticmethod
    def _row(number, said, title):
        if said is None:
            return None
        action, scope = said
        base = {"indicatorType": "FileSha256", "title": title, "description": "A test.", "generateAlert": True}
        groups = {"rbacGroupNames": [scope]} if scope else {}
        return {"indicatorValue": _value(number), **base, "action": action, **groups}


def story(syncing, dice, *, kills, points):
    """Kill syncs and resumptions at every point and at any moment; returns what was not reported on the way."""
    deaths = [{"failpoint": [point, dice.randint(1, 4)]} for point in points]
    deaths += [{"kill_after": dice.uniform(0.0, 0.4)} for _ in range(kills - len(deaths))]
    dice.shuffle(deaths)
    for number, death in enumerate(deaths):
        command = dice.choice([syncing.resume, syncing.resume, syncing.sync])
        approved = syncing.approve(**death) if syncing.approving and number and dice.random() < 0.3 else None
        code = command(**death) if approved is None else approved
        if wrong := syncing.unreported():
            return [("unreported", wrong)]
        if dice.random() < 0.2:
            syncing.leave()
        if code != -9 or dice.random() < 0.25:
            syncing.write()
    return syncing.settle()


def scheduled(syncing, *, kills):
    """Kill a sync at its last sends, let the source go on, sync anew, and only then resume; returns what is wrong."""
    for visit in kills:
        syncing.sync(failpoint=["send before", visit])
        syncing.write()
        syncing.sync()
        while syncing.unfinished() and syncing.resume() in (0, 1, 6):
            pass
        syncing.write()
    return syncing.settle()


def _value(number):
    return f"{number + 1:064x}"


def _title(number, version):
    """Return the title that tells versions apart; of some values it stays, so that a sync finds them as they are."""
    return f"v{version if number % EACH else 0}"


def _wanted(kind, version):
    """Return what a version of the source wants of a kind of value."""
    return kind[2 - version % 2]


def _said(row):
    return row["action"], ",".join(row.get("rbacGroupNames") or ())


def _mixed(actions):
    return "Allowed" in actions and bool(STRICT & set(actions))
