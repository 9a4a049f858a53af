import base64
import hashlib
import io
import re

import pytest

from defender_indicators import delivery, guard
from defender_indicators.delivery.outcome import OUTCOMES as EVERY_OUTCOME
from defender_indicators.delivery.report import DRY_RUN
from defender_indicators.export import write_html
from defender_indicators.export.report_html import MOMENTS, OUTCOMES
from defender_indicators.export.style import DARK, LIGHT, STYLE

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></style><iframe src=https://evil.example.com>",
    "[click](javascript:alert(1))",
    "javascript:alert(1)",
    "<a href='https://evil.example.com' style='x'>",
    "<!-- --><svg onload=alert(1)>",
    "\x1b[2J\u202egnp.exe\x00",
    "]]>&lt;script&gt;{{7*7}}",
]
ADDRESSES = {"href", "src", "action", "srcset", "data", "formaction", "xlink:href", "style", "poster", "background"}


@pytest.fixture
def write(ledger):
    def run(report, history=None):
        stream = io.BytesIO()
        write_html(stream, report, ledger.runs() if history is None else history)
        return stream.getvalue()

    return run


@pytest.fixture
def shown(write, page):
    return lambda *given: page(write(*given))


def facts(page):
    return dict(zip(page.texts("dt"), page.texts("dd"), strict=True))


def figures(page):
    return {figure.one("figcaption").text: figure for figure in page.all("figure")}


def test_a_page_says_who_wanted_what_when_and_how_it_ended(make_report, row, shown):
    more = {"set": "feeds", "source": "feed.json", "coverage": {"line": "12 read"}, "cut_off": "it ended early"}
    report = make_report([row(0)], facts=more, author="anna", why="ticket 7", retry_of="run-0", stopped="told to stop")
    page = shown(report)
    assert page.one("h1").text == page.one("head").one("title").text == "Run run-1 (sync)"
    assert facts(page) == {
        "Outcome": "failed. No row is in place.",
        "Stopped": "told to stop",
        "By": "anna",
        "Why": "ticket 7",
        "When": "2030-01-01T12:00:00+00:00",
        "Set": "feeds",
        "Source": "feed.json",
        "Read": "12 read",
        "Source incomplete": "it ended early",
        "Repeats": "run-0",
        "Plan": "c0ffee",
    }


def test_every_outcome_has_words():
    assert tuple(OUTCOMES) == EVERY_OUTCOME


def test_a_bar_for_each_kind_of_change_and_each_status(make_report, row, shown):
    report = make_report(
        [row(0), row(1, "unchanged", code="")], facts={"changes": {"add": 3, "update": 0, "delete": 1}}
    )
    found = figures(shown(report))
    assert found["Planned, against the tenant as it was"].texts("td") == ["add", "3", "delete", "1"]
    assert found["What became of the rows"].texts("td") == ["unchanged", "1", "rejected", "1"]


def test_failures_are_told_by_code_with_meaning_and_first_rows(make_report, row, shown):
    rows = [row(n, "held", f"h{n}.example.com", "never_block", f"reason {n}") for n in range(30)]
    rows += [
        row(30, "unknown", code="no_answer"),
        row(31, "duplicate", code="duplicate"),
        row(32, "unchanged", code=""),
    ]
    page = shown(make_report(rows))
    assert page.texts("h3") == ["never_block, held: 30", "no_answer, unknown: 1"]
    assert figures(page)["Rows by code"].texts("td") == ["never_block, held", "30", "no_answer, unknown", "1"]
    told = page.texts("p")
    assert guard.CODES["never_block"] in told
    assert delivery.CODES["no_answer"] in told
    assert "…and 10 more; the CSV and the JSON have them all." in told
    held, unknown = (table for table in page.all("table") if "reason" in table.texts("th"))
    assert held.texts("td")[:5] == ["0", "h0.example.com", "DomainName", "Block", "reason 0"]
    assert len(held.texts("td")) == 20 * 5
    assert len(unknown.texts("td")) == 5


def test_where_nothing_failed_the_page_says_so(make_report, row, shown):
    assert "Nothing." in shown(make_report([row(0, "unchanged", code="")])).texts("p")


def test_what_a_plan_would_send_is_no_failure(make_report, row, shown):
    page = shown(make_report([row(0, "pending", code="not_sent_yet"), row(1)], name=DRY_RUN), [])
    assert page.one("h1").text == "Plan of one sync"
    assert facts(page)["Outcome"].startswith("If the service takes every row: partial. ")
    assert page.texts("h3") == ["bad_json, rejected: 1"]


def test_what_a_run_has_not_sent_yet_is_told(make_report, row, shown):
    page = shown(make_report([row(0, "pending", code="not_sent_yet")]))
    assert page.texts("h3") == ["not_sent_yet, pending: 1"]


def test_capacity_is_one_bar_of_own_others_reserve_and_free(make_report, row, room, shown):
    page = shown(make_report([row(0)], facts=room(9000, 1000, reserve=500)))
    found = figures(page)["The tenant's 15,000 rows, before"]
    assert found.texts("td") == [
        *("own", "9,000", "of others", "1,000"),
        *("kept in reserve", "500", "free", "4,500"),
    ]
    assert "Afterwards 10,001 rows were to be there, and 4,499 free." in page.texts("p")


def test_capacity_over_time_comes_from_every_run_that_looked(make_report, row, room, shown):
    make_report([row(0)], facts=room(100, 50))
    make_report([row(0)], kind="import")
    report = make_report([row(0)], facts=room(300, 50))
    found = figures(shown(report))["The tenant's rows over time, as each run found them"]
    assert found.texts("td") == [
        *("2030-01-01 12:00+00:00", "150", "100", "15,000"),
        *("2030-01-03 12:00+00:00", "350", "300", "15,000"),
    ]


def test_one_look_is_no_line(make_report, row, room, shown):
    assert len(figures(shown(make_report([row(0)], facts=room(100, 50))))) == 3


def test_of_many_moments_the_newest_are_drawn(make_report, row, room, ledger, shown):
    make_report([row(0)], facts=room(1, 1))
    report = make_report([row(0)], facts=room(100, 50))
    first, last = ledger.runs()
    page = shown(report, [first] * 5 + [last] * MOMENTS)
    found = figures(page)["The tenant's rows over time, as each run found them"].texts("td")
    assert found == ["2030-01-02 12:00+00:00", "150", "100", "15,000"] * MOMENTS
    assert "5 earlier moments are left out." in page.texts("p")


def test_an_import_that_never_looked_at_the_tenant_has_a_page(make_report, shown):
    page = shown(make_report([], kind="import"))
    assert page.texts("h2") == ["What changed", "What failed or waits, and why", "Capacity", "Calls"]
    assert {"There was no row.", "Nothing.", "This run did not look at the tenant."} <= set(page.texts("p"))
    assert page.texts("td") == ["0", "0", "0.0 s"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_case_120_hostile_text_in_every_place_of_a_page_is_text(make_report, row, room, shown, text):
    facts = {"set": text, "source": text, "cut_off": text, "coverage": {"line": text}, "changes": {text: 1}}
    hostile = {"author": text, "why": text, "stopped": text, "retry_of": text, "kind": text, "name": text}
    make_report([row(0)], facts=room(1, 1))
    given = row(0, "refused", text, text, text)._replace(type=text, action=text)
    page = shown(make_report([given], facts=facts | room(2, 1), **hostile))
    assert_inert(page)
    escaped = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    assert sum(tag.text == escaped for tag in page.all("td", "dd")) >= 10
    assert all(sign.isprintable() or sign == "\n" for sign in page.text)


def assert_inert(page):
    """Nothing of a page is run, fetched, sent or followed, and nothing hides in an attribute."""
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "dl", "dt", "dd", "p"}
    allowed |= {"figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td"}
    allowed |= {"svg", "desc", "defs", "pattern", "path", "rect", "text", "polyline", "circle"}
    assert {tag.name for tag in page.all()} <= allowed
    for tag in page.all():
        assert not ADDRESSES & tag.attributes.keys()
        assert not any(name.startswith("on") for name in tag.attributes)
        assert not any("//" in value or "script" in value for value in tag.attributes.values())
    assert len(list(page.all("style"))) == 1
    assert page.one("style").text == STYLE
    assert set(re.findall(r"url\(|@import|//", STYLE)) == set()
    fills = {tag.attributes["fill"] for tag in page.all() if "fill" in tag.attributes}
    assert fills <= {f"url(#{tag.attributes['id']})" for tag in page.all("pattern")}


def test_case_120_the_policy_allows_this_style_and_nothing_else(make_report, page, write):
    content = write(make_report([]))
    head = next(page(content).all("head"))
    policy = head.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    style = content.split(b"<style>")[1].split(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    names = [tag.attributes.get("http-equiv", tag.name) for tag in head.children]
    assert names.index("Content-Security-Policy") < names.index("style")


def test_ids_are_unique_and_the_language_is_named(make_report, row, room, shown):
    make_report([row(0)], facts=room(1, 1))
    page = shown(make_report([row(0)], facts=room(1, 1) | {"changes": {"add": 1}}))
    ids = [tag.attributes["id"] for tag in page.all() if "id" in tag.attributes]
    assert len(ids) == len(set(ids)) == 11
    assert page.one("html").attributes["lang"] == "en"


def test_a_page_of_a_full_tenant_is_small(make_report, row, write):
    codes = [*delivery.CODES, *guard.CODES]
    rows = (row(n, "rejected", "x" * 8000, codes[n % len(codes)], "<" * 500) for n in range(15_000))
    assert len(write(make_report(rows))) < 2_000_000


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough_to_read_and_to_tell_shapes(colours):
    assert contrast(colours["text"], colours["ground"]) >= 4.5
    assert contrast(colours["quiet"], colours["ground"]) >= 4.5
    assert contrast(colours["first"], colours["ground"]) >= 3
    assert contrast(colours["second"], colours["ground"]) >= 3


def contrast(one, other):
    """Source: WCAG 2.2, relative luminance and contrast ratio."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_page_is_light_dark_or_printed_as_the_reader_wants():
    assert "@media screen and (prefers-color-scheme:dark)" in STYLE
    assert "@media print" in STYLE
