"""When a row whose end moves with every run is renewed."""

import pytest

from defender_indicators.planning.comparison import due

A = "a.example.com"


def ends(desk, days):
    return desk.listed(1, A, expirationTime=desk.stamp(days))


@pytest.mark.parametrize(("left", "kind"), [(89, "unchanged"), (50, "unchanged"), (20, "renew"), (1, "renew")])
def test_a_row_is_renewed_when_its_end_comes_near(desk, kinds, left, kind):
    wanted = desk.row(A, expirationTime=desk.stamp(90))
    assert [found for found, _ in kinds(desk.sync([ends(desk, left)], [wanted], rolling=True))] == [kind]


def test_an_end_that_the_source_names_is_compared_to_the_second(desk, kinds):
    wanted = desk.row(A, expirationTime=desk.stamp(90))
    assert kinds(desk.sync([ends(desk, 89)], [wanted])) == [("update", "pending")]
    assert kinds(desk.sync([ends(desk, 90)], [wanted])) == [("unchanged", "unchanged")]


def test_a_shorter_life_takes_effect_at_once(desk):
    wanted = {"expirationTime": desk.stamp(30)}
    assert due(wanted, desk.snapshot(ends(desk, 90)).rows[0], desk.now)


@pytest.mark.parametrize("listed", [{}, {"expirationTime": "soon"}])
def test_a_row_without_a_readable_end_is_renewed(desk, listed):
    row = desk.snapshot(desk.listed(1, A, **listed)).rows[0]
    assert due({"expirationTime": desk.stamp(90)}, row, desk.now)


def test_an_end_without_a_zone_is_read_as_universal_time(desk):
    row = desk.snapshot(desk.listed(1, A)).rows[0] | {"expirationTime": desk.stamp(80).removesuffix("Z")}
    assert not due({"expirationTime": desk.stamp(90)}, row, desk.now)


def test_rows_that_never_end_are_never_renewed(desk):
    assert not due({}, desk.snapshot(ends(desk, 1)).rows[0], desk.now)


def test_rows_of_one_day_are_renewed_over_many_days(desk):
    days = {}
    for number in range(200):
        value = f"host{number}.example.com"
        wanted = {"expirationTime": desk.stamp(90)}
        days[value] = next(
            left
            for left in range(90, 0, -1)
            if due(wanted, desk.snapshot(desk.listed(1, value, expirationTime=desk.stamp(left))).rows[0], desk.now)
        )
    assert min(days.values()) >= 22
    assert max(days.values()) <= 45
    assert max(list(days.values()).count(day) for day in set(days.values())) < 40
