"""Whatever stands in a row: it becomes an indicator or a rejection, and every row of a plan has one fate."""

from collections import Counter

import orjson

from defender_indicators import indicators, sources
from defender_indicators.delivery import CODES, BadRow, RowStream
from defender_indicators.indicators import Canonicaliser, Indicator, Policy, matching_key, row_from_api

NAMES = [
    "indicatorValue", "indicatorType", "action", "title", "description", "severity", "expirationTime", "generateAlert",
    "rbacGroupNames", "rbacGroupIds", "application", "externalId", "educateUrl", "recommendedActions",
    "mitreTechniques",
]  # fmt: skip


def hostile_row(dice, core):
    kind = dice.randrange(4)
    if kind == 0:
        return dice.value(NAMES)
    if kind == 1:
        return BadRow(dice.text(), "bad_json", dice.text(), dice.text())
    row = core.rows(1, start=dice.randrange(4))[0]
    for _ in range(dice.randrange(4)):
        name = dice.choice([*NAMES[:3], *NAMES, dice.text()])
        row[name] = dice.text() if dice.random() < 0.5 else dice.value(NAMES)
    return row


def test_a_row_becomes_an_indicator_or_a_rejection(attack, core):
    judge = Canonicaliser(Policy(now=core.START))

    def check(dice):
        row = hostile_row(dice, core)
        verdict = judge(row)
        if isinstance(verdict, Indicator):
            again = judge(orjson.loads(verdict.payload))
            assert (again.type, again.value, again.action, again.scope) == verdict[:4]
        else:
            assert verdict.code in indicators.CODES
            assert (verdict.value + verdict.type + verdict.action + verdict.reason).isprintable()
        row_from_api(row)
        matching_key(dice.text())

    attack(check, share=3.0)


def test_every_row_of_a_plan_has_one_fate(attack, core):
    known = {*CODES, *indicators.CODES, *sources.CODES}

    def check(dice):
        rows = [hostile_row(dice, core) for _ in range(dice.randrange(12))]
        made = core.Core(batch_rows=dice.randint(1, 4), body_bytes=dice.choice((1, 500, 900_000)))
        try:
            report = made.report(made.write(RowStream(rows)))
            results = report.to_dict()["results"]
            assert [row["index"] for row in results] == list(range(len(rows)))
            assert {row["code"] for row in results} <= known
            counted = {status: count for status, count in report["counts"].items() if count}
            assert Counter(row["status"] for row in results) == counted
            for batch in made.ledger.batches("1 = 1"):
                values = [row["indicatorValue"] for row in batch.payloads()]
                assert len(set(values)) == len(values)
        finally:
            made.close()

    attack(check, share=0.2)
