"""Reports from a ledger in memory, and pages taken apart."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import orjson
import pytest

from defender_indicators.delivery import Ledger
from defender_indicators.delivery.records import Exceptional, NewBatch
from defender_indicators.delivery.report import Report

VOID = {"meta"}
OPEN = {"pending", "unknown"}
"""What only a batch can be."""
DAY = "2030-01-{:02}T12:00:00+00:00"


@dataclass
class Tag:
    """An element: its attributes, the text directly and indirectly inside, what it holds."""

    name: str
    attributes: dict
    text: str = ""
    children: list = field(default_factory=list)

    def all(self, *names):
        """Every element with one of these names, in the order of the page; any name when none is given."""
        for child in self.children:
            if not names or child.name in names:
                yield child
            yield from child.all(*names)

    def one(self, name, **attributes):
        """The only element with this name and these attributes."""
        (found,) = (tag for tag in self.all(name) if attributes.items() <= tag.attributes.items())
        return found

    def texts(self, name):
        return [tag.text for tag in self.all(name)]


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = Tag("", {})
        self._open = [self.root]
        self.declarations = []

    def handle_decl(self, decl):
        self.declarations.append(decl)

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), "an attribute stands twice"
        made = Tag(tag, dict(attrs))
        self._open[-1].children.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_endtag(self, tag):
        assert self._open.pop().name == tag

    def handle_data(self, data):
        for tag in self._open:
            tag.text += data

    def close(self):
        super().close()
        assert self._open == [self.root]


def read_page(content):
    """Take a page apart; every element must be closed."""
    reader = _Reader()
    reader.feed(content.decode())
    reader.close()
    assert reader.declarations == ["DOCTYPE html"]
    return reader.root


@pytest.fixture
def page():
    return read_page


@pytest.fixture
def ledger():
    made = Ledger(None)
    yield made
    made.close()


@pytest.fixture
def make_report(ledger):
    """Return a function that writes a finished run and returns its report."""

    def make(rows=(), *, facts=None, kind="sync", **more):
        number = len(ledger.runs()) + 1
        rows = list(rows)
        columns = {"state": "finished", "subject_hash": "", "retry_of": "", "max_rows": 500, "max_bytes": 10**6}
        columns |= {"kind": kind, "total": len(rows), "facts": orjson.dumps(facts or {}).decode()}
        name = more.pop("name", f"run-{number}")
        with ledger.transaction():
            ledger.put_run(name, DAY.format(number), "c0ffee", **columns | more)
            ledger.put_rows(name, (row for row in rows if row.status not in OPEN))
            for row in rows:
                if row.status in OPEN:
                    payload = {"indicatorValue": row.value, "indicatorType": row.type, "action": row.action}
                    batch = NewBatch(0, [row.position], [orjson.dumps(payload)], {})
                    ledger.put_batches(name, [batch], state=row.status, code=row.code)
        return Report(ledger, name)

    return make


@pytest.fixture
def row():
    """Return a function that makes a row with a line of its own."""

    def make(position, status="rejected", value="a.example.com", code="bad_json", reason="no", **more):
        return Exceptional(position, status, value, "DomainName", "Block", code, reason, **more)

    return make


@pytest.fixture
def room():
    """Return a function that makes what a run found out about the tenant."""

    def make(own, foreign, limit=15_000, reserve=0):
        free = max(0, limit - reserve - own - foreign)
        capacity = {"limit": limit, "reserve": reserve, "total": own + foreign, "own": own, "foreign": foreign}
        return {"capacity": capacity | {"free": free, "total_after": own + foreign + 1, "free_after": free - 1}}

    return make
