"""Killed at any moment, resumed, and nothing is lost, doubled, misreported or reverted."""

IDENTITIES = ("value+type+action+scope", "value+type")


def test_case_060_case_072_random_kills_lose_double_and_misreport_nothing(make_tenant, play, round_seed):
    tenant = make_tenant(
        round_seed,
        "chaos=0.1",
        "refuse_share=0.05",
        identity=IDENTITIES[round_seed % 2],
        reconcile_after=1.0 if round_seed % 4 == 3 else 900,
    )
    assert play(tenant, round_seed) == [], "a run does not come to an end"
    assert tenant.problems() == {}
    assert tenant.kills == 10
