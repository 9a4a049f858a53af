"""The delivery core on virtual time: faults, kills, reboots and overlapping runs, one seed a world."""

import os

import pytest

ROUNDS = int(os.environ.get("ROUNDS", "300"))
CHUNKS = 20


def rows_of(world, count, title):
    return [
        {
            "indicatorValue": f"host{number}.example.com",
            "indicatorType": "DomainName",
            "action": "Block",
            "title": title,
            "description": "simulated",
        }
        for number in range(count)
    ]


def check(simulated, reports, titles_sent):
    """Nothing lost, doubled, misreported or reverted; never more calls in a window than allowed."""
    tenant = simulated.tenant
    for report, title in zip(reports, titles_sent, strict=True):
        assert sum(report["counts"].values()) == report.total == len(list(report["results"]))
        for row in report["results"]:
            key = (row["type"], row["value"])
            missing = tenant.rows.get(key, {}).get("title") != title
            if row["status"] == "accepted":
                assert key in tenant.rows, row
                assert tenant.rows[key]["id"] == row["id"] or row["id"] == ""
            elif row["status"] == "refused":
                assert row["value"] in tenant.refused
            elif row["status"] == "quarantined":
                assert row["value"] in tenant.poison or (missing and "400" not in row["reason"]), row
            elif row["status"] == "held":
                assert missing, row["reason"]
            else:
                assert row["status"] == "superseded", row["status"]
    for titles in tenant.history.values():
        assert titles == sorted(titles), f"an older payload landed last: {titles}"
    arrivals = tenant.arrivals
    for first, last in zip(arrivals, arrivals[30:], strict=False):
        assert last - first >= 60.0 - 1e-6, "31 calls in one window"


def simulate(world, seed):
    simulated = world.World(seed, faults=(seed % 4) * 0.1, kills=(seed % 3) * 0.02)
    size = simulated.dice.randint(1, 40)
    values = [f"host{number}.example.com" for number in range(size)]
    simulated.tenant.poison = frozenset(simulated.dice.sample(values, min(size, simulated.dice.choice((0, 0, 1, 2)))))
    rest = [value for value in values if value not in simulated.tenant.poison]
    simulated.tenant.refused = frozenset(rest[: simulated.dice.choice((0, 0, 3))])
    first = simulated.plan(rows_of(world, size, "v1"))
    if seed % 2:
        simulated.attempt(first)
    second = simulated.plan(rows_of(world, simulated.dice.randint(1, size), "v2"))
    order = [first, second] if seed % 5 else [second, first]
    reports = [simulated.finish(run) for run in order]
    reports = [simulated.finish(run) for run in order]
    check(simulated, reports, ["v1" if run == first else "v2" for run in order])
    simulated.ledger.close()


def replace(world, replacing, seed):
    simulated = world.World(seed, faults=(seed % 4) * 0.15, kills=(seed % 3) * 0.04)
    identity = replacing.IDENTITIES[seed % 3]
    simulated.tenant = replacing.Tenant(identity, partial=seed % 2 == 0)
    plan = replacing.Plan(seed, simulated)
    run = plan.write(simulated.ledger, simulated.clock.now().isoformat())
    simulated.watch = lambda: replacing.check_always(simulated, run)
    simulated.finish(run)
    replacing.check_end(simulated, plan, run)
    simulated.ledger.close()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_case_123_case_125_no_seed_loses_a_value_or_deletes_a_wrong_row(world, replacing, chunk):
    for seed in range(chunk, ROUNDS, CHUNKS):
        try:
            replace(world, replacing, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_seed_loses_doubles_misreports_or_reverts(world, chunk):
    for seed in range(chunk, ROUNDS, CHUNKS):
        try:
            simulate(world, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
