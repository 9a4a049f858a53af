from datetime import UTC, datetime
from itertools import pairwise

import pytest

from defender_indicators.export.charts import LONGEST_BAR, WIDTH, Moment, Part, bars, over_time, whole
from defender_indicators.export.markup import document


@pytest.fixture
def drawn(page):
    return lambda figure: page(document(figure))


def moment(day, total, own=0, limit=100):
    return Moment(datetime(2030, 1, day, tzinfo=UTC), total, own, limit)


def points(figure, name):
    text = figure.one("polyline", **{"class": f"line {name}"}).attributes["points"]
    return [tuple(map(float, pair.split(","))) for pair in text.split()]


def test_the_length_of_a_bar_is_in_proportion_to_its_count(drawn):
    figure = drawn(bars("n", "Title", [("add", 200), ("update", 50), ("delete", 0)]))
    widths = [float(bar.attributes["width"]) for bar in figure.all("rect")]
    assert widths == [LONGEST_BAR, LONGEST_BAR / 4, 0]


def test_bars_stand_beside_their_names_and_do_not_overlap(drawn):
    figure = drawn(bars("n", "Title", [("add", 2), ("update", 1)]))
    tops = [(float(bar.attributes["y"]), float(bar.attributes["height"])) for bar in figure.all("rect")]
    assert tops[0][0] + tops[0][1] < tops[1][0]
    names = [text for text in figure.all("text") if text.text in {"add", "update"}]
    assert [top < float(text.attributes["y"]) < top + high for (top, high), text in zip(tops, names, strict=True)]
    assert tops[1][0] + tops[1][1] <= float(figure.one("svg").attributes["viewbox"].split()[3])


def test_the_parts_of_a_whole_fill_it_one_after_another(drawn):
    figure = drawn(
        whole("n", "Title", [Part("own", 60, "own"), Part("of others", 30, "others"), Part("free", 10, "free")])
    )
    parts = [bar.attributes for bar in figure.all("rect") if bar.attributes["height"] == "30"]
    assert [part["class"] for part in parts] == ["own", "others", "free"]
    widths = [float(part["width"]) for part in parts]
    assert widths == pytest.approx([share * (WIDTH - 2) for share in (0.6, 0.3, 0.1)], abs=0.01)
    starts = [float(part["x"]) for part in parts]
    assert starts == pytest.approx([1, 1 + widths[0], 1 + widths[0] + widths[1]], abs=0.02)


def test_what_others_own_is_hatched_and_not_only_coloured(drawn):
    figure = drawn(whole("n", "Title", [Part("own", 1, "own"), Part("of others", 1, "others")]))
    hatched = [bar for bar in figure.all("rect") if bar.attributes.get("fill") == "url(#n-hatch)"]
    assert {bar.attributes["class"] for bar in hatched} == {"others"}
    assert figure.one("pattern").attributes["id"] == "n-hatch"


def test_an_empty_tenant_is_drawn_too(drawn):
    figure = drawn(whole("n", "Title", [Part("own", 0, "own")]))
    assert {bar.attributes["width"] for bar in figure.all("rect")} == {"0", "14"}


def test_a_line_is_as_high_as_its_number_and_as_far_as_its_day(drawn):
    figure = drawn(over_time("n", "Title", [moment(1, 0), moment(2, 50, 25), moment(5, 100, 50)]))
    (left, floor), (second, half), (right, top) = points(figure, "total")
    assert (floor - half) * 2 == floor - top == 200
    assert (second - left) * 4 == right - left == 500
    assert [y for _, y in points(figure, "own")] == [floor, floor - 50, floor - 100]
    assert {y for _, y in points(figure, "limit")} == {top}


def test_a_tenant_above_its_limit_stays_inside_the_drawing(drawn):
    figure = drawn(over_time("n", "Title", [moment(1, 50), moment(2, 200)]))
    assert min(y for _, y in points(figure, "total")) == 20
    assert points(figure, "limit")[0][1] == 120


def test_moments_of_one_second_are_drawn(drawn):
    assert {x for x, _ in points(drawn(over_time("n", "Title", [moment(1, 1), moment(1, 2)])), "total")} == {60}


def test_names_of_lines_that_meet_do_not_overlap(drawn):
    figure = drawn(over_time("n", "Title", [moment(1, 100, 100), moment(2, 100, 100)]))
    heights = [float(text.attributes["y"]) for text in figure.all("text") if text.text in {"limit", "total", "own"}]
    assert [second - first for first, second in pairwise(heights)] == [14, 14]


CHARTS = {
    "bars": bars("n", "Rows by <code>", [("add", 1200), ("update", 50)]),
    "whole": whole("n", "Rows by <code>", [Part("own", 1200, "own"), Part("free", 50, "free")]),
    "over time": over_time("n", "Rows by <code>", [moment(1, 50), moment(2, 1200)]),
}


@pytest.mark.parametrize("name", CHARTS)
def test_who_cannot_see_a_chart_is_told_the_same(drawn, name):
    figure = drawn(CHARTS[name])
    drawing = figure.one("svg")
    assert drawing.attributes["role"] == "img"
    told = [drawing.one(tag).attributes["id"] for tag in ("title", "desc")]
    assert drawing.attributes["aria-labelledby"].split() == told
    assert drawing.one("title").text == figure.one("figcaption").text == "Rows by <code>"
    for number in ("1,200", "50"):
        assert number in drawing.one("desc").text
        assert number in figure.texts("td")
