import pytest

from defender_indicators.export.markup import LONGEST, document, element, table


def written(made):
    return document(made).decode().removeprefix("<!DOCTYPE html>\n").rstrip("\n")


def test_text_stands_where_it_was_given():
    assert written(element("p", "a", element("b", 1234), "c", "d")) == "<p>a<b>1,234</b>cd</p>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("&lt;", "&amp;lt;"),
        ("\x1b[31m\x00", r"\x1b[31m\x00"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("\ud800", r"\ud800"),
        ("zwölf 日本", "zwölf 日本"),
    ],
)
def test_case_120_text_is_text(text, shown):
    assert written(element("p", text)) == f"<p>{shown}</p>"


def test_long_text_is_cut():
    assert written(element("p", "x" * 1000)) == f"<p>{'x' * (LONGEST - 1)}…</p>"


def test_attributes_are_spelt_as_html_spells_them():
    assert written(element("p", class_="a", text_anchor="end", x=1.5, y=2.0)) == (
        '<p class="a" text-anchor="end" x="1.5" y="2"></p>'
    )


def test_a_table_says_what_its_columns_are_and_aligns_numbers(page):
    made = page(document(table(["name", "rows"], [["add", 12]])))
    assert [(tag.text, tag.attributes["scope"]) for tag in made.all("th")] == [("name", "col"), ("rows", "col")]
    assert [(tag.text, tag.attributes.get("class")) for tag in made.all("td")] == [("add", None), ("12", "number")]
