"""The victim: imports through the real command line in children of one warm process, and dies as it is told.

Reads one JSON job a line on standard input, answers one JSON line each: the wait status of the child. A job:
``arguments`` and ``environ`` of the command, ``output`` (file for its standard output), ``batch_rows``, ``window``
(seconds that stand for a minute), ``bug`` (a planted one), and how the child dies: ``kill_after`` (seconds from the
moment it opens the ledger) or ``failpoint`` (name of a place, number of the visit).
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import changes
import planted

from defender_indicators.cli import main
from defender_indicators.context import Context
from defender_indicators.delivery import control, limiter
from defender_indicators.delivery.calls import CallBook
from defender_indicators.delivery.conditions import Conditions
from defender_indicators.delivery.database import Database
from defender_indicators.delivery.deletion import Deletions
from defender_indicators.delivery.ledger import Ledger
from defender_indicators.delivery.machine import Machine
from defender_indicators.delivery.plan import Plan
from defender_indicators.delivery.sender import Sender
from defender_indicators.delivery.settle import Settler
from defender_indicators.pack import Pack, content_root
from defender_indicators.planning import Prepared, Snapshot, prepared
from defender_indicators.product import Product

PLACES = {
    "plan": (Plan, "write"),
    "rows": (Ledger, "put_rows"),
    "batches": (Ledger, "put_batches"),
    "conditions": (Conditions, "sift"),
    "read back": (Deletions, "settle"),
    "take over": (CallBook, "recover"),
    "pick": (Machine, "step"),
    "slot": (CallBook, "open"),
    "intent": (Ledger, "set_batch"),
    "send": (Sender, "_send"),
    "judge": (Machine, "answered"),
    "answer": (CallBook, "close"),
    "settle": (Settler, "settle"),
    "finish": (control.Delivery, "_finish"),
    "statement": (Database, "execute"),
    "commit": (Database, "transaction"),
    "listed": (Snapshot, "__init__"),
    "prepared": (Prepared, "write"),
    "retire": (prepared, "retire"),
    "reopen": (control, "reopen"),
}
"""Where a child can be told to die: before and after each of these is called."""


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def die_at(place, visit):
    """Die the ``visit``-th time a place is reached; ``place`` ends in `` before`` or `` after``."""
    name, _, moment = place.rpartition(" ")
    owner, method = PLACES[name]
    original, visits = getattr(owner, method), iter(range(1, visit + 1))

    @contextmanager
    def committing(self):
        now = next(visits, 0) == visit
        with original(self):
            yield
            if now and moment == "before":
                die()
        if now:
            die()

    def wrapped(*arguments, **more):
        now = next(visits, 0) == visit
        if now and moment == "before":
            die()
        result = original(*arguments, **more)
        if now:
            die()
        return result

    setattr(owner, method, committing if name == "commit" else wrapped)


def die_later(seconds):
    opened = Ledger.__init__

    def wrapped(self, path):
        timer = threading.Timer(seconds, die)
        timer.daemon = True
        timer.start()
        opened(self, path)

    Ledger.__init__ = wrapped


def import_rows(job):
    """Be a fresh process that runs one command; never returns."""
    out = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(os.open(job["output"] + ".err", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.environ.update(job["environ"])
    for name in ("PACE_START", "PACE_CAP", "PACE_CLEAN_SECONDS"):
        setattr(limiter, name, getattr(limiter, name) * job["window"] / 60)
    Context.product = replace(PRODUCT, batch_rows=job["batch_rows"])
    Context.pack = PACK
    if job.get("bug"):
        planted.BUGS[job["bug"]]()
    if job.get("failpoint"):
        die_at(*job["failpoint"])
    if job.get("kill_after"):
        die_later(job["kill_after"])
    command, *rest = job["arguments"]
    os._exit(changes.deliver(rest[0], job["batch_rows"]) if command == "change" else main(job["arguments"]))


def serve():
    children = {}
    for line in sys.stdin:
        job = json.loads(line)
        if "wait" in job:
            status = os.waitstatus_to_exitcode(os.waitpid(children.pop(job["wait"]), 0)[1])
            sys.stdout.write(f"{status}\n")
            sys.stdout.flush()
            continue
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            import_rows(job)
        children[job["name"]] = pid


PACK = Pack(content_root())
PRODUCT = Product.from_manifest(PACK.connector.product)

if __name__ == "__main__":
    serve()
