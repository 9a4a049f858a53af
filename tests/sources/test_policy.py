"""A declared policy: read strictly, applied in order, and never outlived by a row."""

from datetime import UTC, datetime, timedelta

import pytest

from defender_indicators.errors import ConfigurationError
from defender_indicators.sources import Dropped, Facts, Observed, load_policy, shipped_policy
from defender_indicators.sources.mapping import LIFETIME, RANK, Mapper

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
IN_90_DAYS = "2026-08-30T12:00:00Z"


@pytest.fixture
def policy(tmp_path):
    """Return a function: the text of a policy file to the policy."""

    def load(text):
        path = tmp_path / "policy.yaml"
        path.write_text("schema_version: 1\n" + text, encoding="utf-8")
        return load_policy(path)

    return load


@pytest.fixture
def made():
    """Return a function: a policy and facts of an indicator to its row."""

    def row(policy, *, of="DomainName", value="a.example.com", feed="feed", form="stix", ranked=False, **facts):
        mapper = Mapper(policy, feed, form, NOW, ranked=ranked)
        return mapper.row(Observed(of, value, "feed:1", Facts(**facts)))

    return row


def test_the_shipped_policy_watches_for_ninety_days_at_most(made):
    assert made(shipped_policy(), title="T", description="D") == {
        "indicatorType": "DomainName",
        "indicatorValue": "a.example.com",
        "action": "Audit",
        "title": "T",
        "description": "D",
        "severity": "Medium",
        "generateAlert": True,
        "expirationTime": IN_90_DAYS,
    }
    assert shipped_policy().lifetime_days == 90


@pytest.mark.parametrize(
    ("confidence", "severity"),
    [(None, "Medium"), (0, "Low"), (29, "Low"), (30, "Medium"), (79, "Medium"), (80, "High")],
)
def test_the_shipped_policy_takes_the_severity_from_the_confidence(made, confidence, severity):
    assert made(shipped_policy(), confidence=confidence)["severity"] == severity


def test_the_shipped_policy_drops_certificates_which_have_no_audit(made):
    dropped = made(shipped_policy(), of="CertificateThumbprint", value="0" * 39 + "1")
    assert isinstance(dropped, Dropped)
    assert dropped.kind == "policy"
    assert "Audit" in dropped.reason


def test_a_severity_of_the_source_is_kept_unless_a_rule_names_one(made, policy):
    silent = policy("defaults: {severity: Low}\n")
    assert made(silent)["severity"] == "Low"
    assert made(silent, severity="High")["severity"] == "High"
    assert made(policy("rules: [{set: {severity: Low}}]\n"), severity="High")["severity"] == "Low"


def test_every_matching_rule_applies_and_the_later_one_wins(made, policy):
    chosen = policy(
        "rules:\n"
        "  - {set: {action: Warn, device_groups: [Pilot]}}\n"
        "  - {when: {tags: [phish*]}, set: {action: Block}}\n"
        "  - {when: {tags: [other]}, set: {action: Allowed}}\n"
    )
    row = made(chosen, tags=("apt", "PhishKit"))
    assert (row["action"], row["rbacGroupNames"]) == ("Block", ["Pilot"])
    assert made(chosen)["action"] == "Warn"


@pytest.mark.parametrize(
    ("when", "matches", "differs"),
    [
        ("{feed: [abuse*]}", {"feed": "ABUSE.example"}, {"feed": "other"}),
        ("{format: [misp, csv]}", {"form": "csv"}, {"form": "stix"}),
        ("{type: [Url]}", {"of": "Url", "value": "https://a.example.com/x"}, {}),
        ("{tags: ['a?c']}", {"tags": ("a?c",)}, {"tags": ("abc",)}),
        ("{tags: ['[ab]']}", {"tags": ("[ab]",)}, {"tags": ("a",)}),
        ("{tlp: [amber, red]}", {"tlp": "red"}, {"tlp": "green"}),
        ("{confidence: {from: 50}}", {"confidence": 50}, {"confidence": 49}),
        ("{confidence: {to: 50}}", {"confidence": 50}, {"confidence": 51}),
        ("{confidence: {from: 0}}", {"confidence": 0}, {"confidence": None}),
        ("{tlp: [red], tags: [x]}", {"tlp": "red", "tags": ("x",)}, {"tlp": "red"}),
    ],
)
def test_a_rule_speaks_of_what_meets_all_of_its_conditions(made, policy, when, matches, differs):
    chosen = policy(f"rules: [{{when: {when}, drop: unwanted}}]\n")
    dropped = made(chosen, **matches)
    assert isinstance(dropped, Dropped)
    assert (dropped.kind, dropped.reason, dropped.place) == ("policy", "unwanted", "feed:1")
    assert isinstance(made(chosen, **differs), dict)


def test_titles_are_templates_whose_words_are_never_read_as_templates(made, policy):
    chosen = policy('defaults: {title: "{feed}/{type}/{kind}: {title} {nothing}", description: "{value}"}\n')
    row = made(chosen, title="{value} {0.__class__}", kind="domain", feed="{title}")
    assert row["title"] == "{title}/DomainName/domain: {value} {0.__class__} {nothing}"
    assert row["description"] == "a.example.com"


def test_what_no_source_says_is_said_for_it(made):
    row = made(shipped_policy(), feed="feed.csv")
    assert (row["title"], row["description"]) == ("DomainName from feed.csv", "DomainName from feed.csv")


def test_titles_and_descriptions_are_made_fit_for_the_service(made):
    row = made(shipped_policy(), title="a\u202e\x00 b\n c" + "x" * 300, description="one\r\ntwo\x1b[31m" + "y" * 5000)
    assert row["title"].startswith("a b cxxx")
    assert len(row["title"]) == 256
    assert row["description"].startswith("one\ntwo [31m")
    assert len(row["description"]) == 4000


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("", IN_90_DAYS),
        ("2026-07-01T00:00:00+02:00", "2026-06-30T22:00:00Z"),
        ("2026-08-30T11:59:59Z", "2026-08-30T11:59:59Z"),
        ("2027-01-01T00:00:00Z", IN_90_DAYS),
        ("soon", IN_90_DAYS),
    ],
)
def test_a_row_ends_as_its_source_says_but_never_later_than_the_policy(made, until, end):
    assert made(shipped_policy(), valid_until=until)["expirationTime"] == end


@pytest.mark.parametrize("until", ["2026-06-01T12:00:00Z", "2020-01-01T00:00:00Z"])
def test_what_has_ended_is_dropped(made, until):
    dropped = made(shipped_policy(), valid_until=until)
    assert isinstance(dropped, Dropped)
    assert dropped.kind == "expired"


def test_a_rule_sets_how_long_rows_live(made, policy):
    chosen = policy("rules: [{when: {type: [DomainName]}, set: {lifetime_days: 7}}]\n")
    assert made(chosen)["expirationTime"] == "2026-06-08T12:00:00Z"
    assert made(chosen, of="IpAddress", value="8.8.4.4")["expirationTime"] == IN_90_DAYS


def test_a_ranked_row_says_what_a_planner_chooses_by_and_leaves_its_end_open(made, policy):
    chosen = policy("rules: [{when: {tags: [x]}, set: {priority: 80, lifetime_days: 7}}]\n")
    row = made(chosen, ranked=True, tags=("x",), confidence=60, modified="2026-05-01T00:00:00.5Z")
    assert row[RANK] == [80, 60, "2026-05-01T00:00:00Z"]
    assert row[LIFETIME] == 7
    assert "expirationTime" not in row
    named = made(chosen, ranked=True, valid_until="2026-06-02T00:00:00Z")
    assert (named[RANK], named["expirationTime"]) == ([50, -1, ""], "2026-06-02T00:00:00Z")
    assert LIFETIME not in named


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("IpAddress", "10.1.2.3", "private_address"),
        ("IpAddress", "8.8.4.0/24", "cidr_not_supported"),
        ("FileSha256", "abc", "bad_hash"),
        ("DomainName", "co.uk", "public_suffix"),
        ("Url", "https://", "bad_url"),
        ("Nonsense", "x", "unknown_type"),
        ("DomainName", "x" * 9000, "too_long"),
    ],
)
def test_what_defender_does_not_take_is_dropped_with_the_code_of_the_verdict(made, kind, value, code):
    dropped = made(shipped_policy(), of=kind, value=value)
    assert isinstance(dropped, Dropped)
    assert dropped.kind == code


def test_values_are_spelt_in_one_way(made):
    assert made(shipped_policy(), value="A[.]Example.COM.")["indicatorValue"] == "a.example.com"


def test_options_have_the_last_word_over_rules(made, policy):
    chosen = policy("rules: [{set: {action: Block, severity: Low, lifetime_days: 9}}]\n")
    row = made(chosen.overridden(action="Warn", severity="High", lifetime=timedelta(hours=1)))
    assert (row["action"], row["severity"], row["expirationTime"]) == ("Warn", "High", "2026-06-01T13:00:00Z")
    assert "expirationTime" not in made(chosen.overridden(lifetime=None))
    assert chosen.overridden() is chosen


def test_a_row_keeps_what_it_says_and_gets_the_rest(policy):
    chosen = policy("rules: [{when: {type: [Url]}, drop: no addresses}, {set: {action: Block}}]\n")
    mapper = Mapper(chosen, "feed", "ndjson", NOW)
    own = {
        "indicatorType": "DomainName",
        "indicatorValue": "A.example.com",
        "action": "Warn",
        "title": "Mine",
        "severity": "",
    }
    row = mapper.filled(own)
    assert (row["indicatorValue"], row["action"], row["title"], row["severity"]) == (
        "A.example.com",
        "Warn",
        "Mine",
        "Medium",
    )
    assert row["description"] == "Mine"
    assert isinstance(mapper.filled({"indicatorType": "Url", "indicatorValue": "https://x.example.com/"}), Dropped)
    assert mapper.filled(7) == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("defaults: {action: Blok}\n", r"policy.yaml:2: \$.defaults.action: .*did you mean Block\?"),
        (
            "defaults: {lifetime: 9}\n",
            r"policy.yaml:2: \$.defaults.lifetime: is not known here; did you mean lifetime_days",
        ),
        ("defaults: {lifetime_days: 3651}\n", "write 3650 or less"),
        ("rules:\n  - when: {type: [Domain]}\n    drop: x\n", r"policy.yaml:3: \$.rules\[0\].when.type\[0\]"),
        ("rules:\n  - {when: {tlp: [red]}}\n", "give a rule either set or drop"),
        ("rules:\n  - {set: {}, drop: x}\n", "give a rule either set or drop"),
        ("rules:\n  - {when: {}, drop: x}\n", r"\$.rules\[0\].when"),
        ("rules:\n  - {when: {confidence: {from: 9, to: 5}}, drop: x}\n", "policy.yaml:3: .*from is more than to"),
        ("defaults: {title: no}\ndefaults: {}\n", "twice"),
        ("defaults: {generate_alert: yes}\n", "must be true or false"),
    ],
)
def test_a_wrong_file_is_refused_with_line_path_and_remedy(policy, text, message):
    with pytest.raises(ConfigurationError, match=message):
        policy(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_policy(tmp_path / "missing.yaml")


def test_all_problems_of_a_file_are_named_together(policy):
    with pytest.raises(ConfigurationError) as refused:
        policy("defaults: {action: Blok}\nrules: [{set: {priority: 101}}]\n")
    assert len(str(refused.value).splitlines()) == 2
