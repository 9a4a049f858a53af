import pytest

from defender_indicators.delivery.reading import Found, Reading

SENT_AT = "2026-03-01T00:00:00+00:00"
SENT = {
    "indicatorType": "DomainName",
    "indicatorValue": "a.example.com",
    "action": "Block",
    "title": "t",
    "description": "d",
    "expirationTime": "2026-06-01T00:00:00Z",
}
KEY = ("DomainName", "a.example.com")


def held(**fields):
    return SENT | {"id": 1, "lastUpdateTime": "2026-02-01T00:00:00Z"} | fields


def found(*rows, sent=SENT, at=SENT_AT):
    reading = Reading({KEY})
    reading.add(rows)
    return reading.find(sent, at)


def test_a_row_as_it_was_sent_is_equal():
    assert found(held())[:2] == (Found.EQUAL, ["1"])


def test_a_row_that_is_not_listed_is_absent():
    assert found()[:2] == (Found.ABSENT, ())
    assert found(held(indicatorValue="b.example.com"))[:2] == (Found.ABSENT, ())


@pytest.mark.parametrize("other", [{"action": "Allowed"}, {"rbacGroupNames": ["x"]}, {"indicatorType": "Url"}])
def test_another_action_scope_or_type_is_another_row(other):
    assert found(held(**other)).found is Found.ABSENT


@pytest.mark.parametrize(
    "other",
    [
        {"title": "x"},
        {"description": "x"},
        {"severity": "High"},
        {"recommendedActions": "x"},
        {"generateAlert": True},
        {"educateUrl": "https://x.example"},
        {"expirationTime": "2026-06-02T00:00:00Z"},
    ],
)
def test_a_row_with_other_details_is_older_unless_it_was_touched_since(other):
    sent = {"severity": "Low", "recommendedActions": "", "generateAlert": False, "educateUrl": ""} | SENT
    assert found(held(**other), sent=sent).found is Found.OLDER
    touched = held(**other, lastUpdateTime="2026-03-01T00:00:01Z")
    assert found(touched, sent=sent).found is Found.CHANGED


def test_a_moment_is_equal_in_any_spelling():
    assert found(held(expirationTime="2026-06-01T02:00:00.0000000+02:00")).found is Found.EQUAL


def test_absent_fields_empty_text_and_null_are_the_same():
    assert found(held(severity=None), sent=SENT | {"severity": ""}).found is Found.EQUAL
    assert found(held(severity="High")).found is Found.EQUAL


@pytest.mark.parametrize(
    "stamp", ["2026-02-28T23:59:59Z", "soon", None, 5, "2026-13-01T00:00:00Z", "2026-04-01T00:00:00"]
)
def test_only_a_later_moment_proves_a_change(stamp):
    assert found(held(title="x", lastUpdateTime=stamp)).found is Found.OLDER


def test_a_row_that_was_never_sent_cannot_have_been_changed_since():
    assert found(held(title="x", lastUpdateTime="2027-01-01T00:00:00Z"), at="").found is Found.OLDER


def test_doubles_are_all_named_the_equal_one_first():
    assert found(held(id=1, title="x"), held(id=2), held(id=3, title="y"))[:2] == (Found.EQUAL, ["2", "1", "3"])


def test_a_row_listed_twice_is_no_double():
    assert found(held(), held()).ids == ["1"]


def test_what_is_no_row_is_skipped():
    assert found(None, 5, {}, {"id": []}, held()).found is Found.EQUAL


def test_what_was_never_a_row_is_absent():
    assert found(held(), sent={"indicatorValue": 5})[:2] == (Found.ABSENT, ())
