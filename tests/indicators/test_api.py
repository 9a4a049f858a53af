import pytest

from defender_indicators.indicators import row_from_api

LISTED = {
    "id": "995", "indicatorValue": "12.13.14.15", "indicatorType": "IpAddress", "action": "Alert",
    "application": "demo-test", "source": "TestPrdApp", "title": "test", "severity": "Informational",
    "creationTimeDateTimeUtc": "2018-10-24T11:15:35.3688259Z", "createdBy": "45097602-1234-5678-1234-9f453233e62c",
    "expirationTime": "2020-12-12T00:00:00.0000000Z", "lastUpdateTime": "2018-10-24T10:54:23.2009016Z",
    "rbacGroupNames": [], "rbacGroupIds": [], "educateUrl": None, "description": "test",
}  # fmt: skip


def test_a_listed_row_is_read_in_canonical_form():
    ours = row_from_api(LISTED | {"rbacGroupNames": ["b", "a", "b"], "indicatorValue": " 12.13.14.15"})
    assert (ours["id"], ours["type"], ours["value"], ours["action"]) == ("995", "IpAddress", "12.13.14.15", "Alert")
    assert ours["scope"] == '["a","b"]'
    assert ours["expirationTime"] == "2020-12-12T00:00:00Z"
    assert ours["createdBy"] == "45097602-1234-5678-1234-9f453233e62c"
    assert {"indicatorValue", "indicatorType", "educateUrl"}.isdisjoint(ours)


def test_no_groups_means_all_devices():
    assert row_from_api(LISTED)["scope"] == ""
    assert row_from_api({**LISTED, "rbacGroupNames": None, "rbacGroupIds": None})["scope"] == ""


def test_unknown_types_actions_and_odd_fields_pass_as_they_are():
    ours = row_from_api(
        LISTED | {"indicatorType": "WebCategory", "action": "Isolate", "expirationTime": "soon", "x": 1}
    )
    assert (ours["type"], ours["action"], ours["expirationTime"], ours["x"]) == ("WebCategory", "Isolate", "soon", 1)


def test_a_numeric_id_is_read_as_text_and_odd_groups_are_left_out():
    ours = row_from_api(LISTED | {"id": 7, "rbacGroupNames": ["a", 1], "rbacGroupIds": "x", "expirationTime": 5})
    assert (ours["id"], ours["scope"], ours["expirationTime"]) == ("7", '["a"]', 5)


@pytest.mark.parametrize("row", [None, [], "x", {}, {**LISTED, "id": None}, {**LISTED, "indicatorValue": 5},
                                 {**LISTED, "action": None}, {**LISTED, "indicatorType": []}])  # fmt: skip
def test_what_is_no_row_is_none(row):
    assert row_from_api(row) is None
