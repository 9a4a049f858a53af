"""Whatever a service, a proxy or an attacker answers: no traceback, no row lost, every code ours."""

import json

from defender_indicators import indicators
from defender_indicators.delivery import CODES, STATUSES, Answer, Failure
from defender_indicators.delivery.classify import MAX_REASON, Kind, classify
from defender_indicators.indicators import matching_key

NAMES = [
    "value",
    "id",
    "indicator",
    "isFailed",
    "failureReason",
    "error",
    "code",
    "message",
    "target",
    "@odata.nextLink",
]
STATUS = [*[200] * 20, 0, 99, 201, 204, 302, 400, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 599, 999]
CODES_OF_SERVICE = ["DisallowedOperation", "MaximumBatchSizeExceeded", "InvalidUrl", "Forbidden"]


def hostile_headers(dice):
    names = ["retry-after", "date", "www-authenticate", "content-type"]
    texts = [
        "Tue, 24 Feb 2026 12:00:00 GMT",
        "5",
        "1" * 400,
        'claims="x"',
        "Mon, 1 Jan 99999999999 00:00:00 GMT",
        ",,,",
    ]
    return {name: dice.choice([*texts, dice.text()]) for name in names if dice.random() < 0.4}


def good_body(dice, values):
    rows = [
        {
            "id": dice.choice(["1", None, 5]),
            "indicator": value,
            "isFailed": dice.random() < 0.2,
            "failureReason": dice.text(),
        }
        for value in values
    ]
    dice.shuffle(rows)
    return json.dumps({"value": rows[: dice.choice((len(rows), dice.randrange(len(rows) + 1)))]}).encode()


def hostile_body(dice, values):
    kind = dice.randrange(5)
    if kind == 0:
        return dice.randbytes(dice.randrange(60))
    if kind == 1:
        return json.dumps(dice.value([*NAMES, *values]), default=str).encode()
    if kind == 2:
        error = {"code": dice.choice([*CODES_OF_SERVICE, dice.text()]), "message": f"allowed: {dice.randrange(9)}"}
        return json.dumps({"error": error}).encode()
    body = good_body(dice, values)
    return dice.mutated(body) if kind == 3 else body


def hostile_answer(dice, values):
    if dice.random() < 0.1:
        return Answer(failure=dice.choice(list(Failure)), detail=dice.text())
    return Answer(dice.choice(STATUS), hostile_headers(dice), hostile_body(dice, values))


def test_an_answer_means_one_thing_for_every_row(attack):
    def check(dice):
        values = list(dict.fromkeys(["a.example.com", *(dice.text() for _ in range(dice.randrange(5)))]))
        verdict = classify(hostile_answer(dice, values), values, matching_key)
        assert len(verdict.reason) <= MAX_REASON
        assert (verdict.reason + verdict.code + verdict.target).isprintable()
        assert verdict.retry_after is None or 1.0 <= verdict.retry_after <= 3600.0
        if verdict.kind is Kind.ANSWERED:
            assert len(verdict.ids) == len(values)
            assert not {place for place, found in enumerate(verdict.ids) if found is not None} & verdict.refused.keys()
            assert verdict.refused.keys() <= set(range(len(values)))

    attack(check, share=5.0)


def test_a_run_ends_and_accounts_for_every_row(attack, core):
    def check(dice):
        made = core.Core(batch_rows=dice.randint(1, 6), jitter=dice.uniform, resize_tries=3, bisect_calls=9)
        run = made.write(core.rows(dice.randint(1, 12)))
        rate = dice.choice((0.1, 0.5, 1.0))

        def answer(call):
            values = core.values_of(call) if call.method == "POST" else ["h0.example.com"]
            return hostile_answer(dice, values) if dice.random() < rate else core.accept(call)

        try:
            for _ in range(2):
                report = made.deliver(run, then=answer, latency=dice.random())
                account(report)
                assert len(made.calls) < 2000
        finally:
            made.close()

    attack(check, share=0.1)


def account(report):
    results = list(report["results"])
    assert [row["index"] for row in results] == list(range(report.total))
    assert sum(report["counts"].values()) == report.total
    for row in results:
        assert row["status"] in STATUSES
        assert row["code"] in ({""} if row["status"] == "accepted" else CODES.keys() | indicators.CODES.keys())
        assert len(row["reason"]) <= MAX_REASON
        assert row["reason"].isprintable()
    json.dumps(report.to_dict()).encode()
