import pytest

from defender_indicators.configuration import load_configuration
from defender_indicators.errors import ConfigurationError
from defender_indicators.guard import GuardSettings

FILE = """schema_version: 1
defaults:
  guard:
    own_domains: [Contoso.COM, bücher.example]
    never_block: {domains: [RMM.example.net], networks: [198.51.100.7, "2001:db8::/64"], hashes: [%s]}
    warninglists: {add: [university_domains], remove: [alexa]}
    new_blocks: 5
    new_blocks_unattended: 2
    deletes_percent: 2.5
    approval_hours: 8
    approver_differs: true
tenants:
  north: {}
  south: {guard: {new_blocks: 7}}
""" % ("AB" * 16)


@pytest.fixture
def configured(tmp_path):
    def load(text=FILE):
        path = tmp_path / "configuration.yaml"
        path.write_text(text, encoding="utf-8")
        return load_configuration(path, {})

    return load


def test_a_section_is_read_and_its_values_made_canonical(configured):
    assert configured().guard("north") == GuardSettings(
        own_domains=("contoso.com", "xn--bcher-kva.example"),
        never_block_domains=("rmm.example.net",),
        never_block_networks=("198.51.100.7/32", "2001:db8::/64"),
        never_block_hashes=("ab" * 16,),
        warninglists_add=("university_domains",),
        warninglists_remove=("alexa",),
        new_blocks=5,
        new_blocks_unattended=2,
        deletes_percent=2.5,
        approval_hours=8,
        approver_differs=True,
    )


def test_a_tenant_with_a_guard_of_its_own_has_only_that(configured):
    assert configured().guard("south") == GuardSettings(new_blocks=7)


def test_without_a_section_everything_has_a_default(configured):
    assert configured("schema_version: 1\n").guard() == GuardSettings()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{own_domains: [co.uk]}", "guard.own_domains: 'co.uk' is a public suffix"),
        ("{never_block: {domains: [xn--a.ü.example]}}", "guard.never_block.domains: "),
        ("{never_block: {networks: [198.51.100.7/24]}}", "guard.never_block.networks: .* has host bits set; write"),
        ("{never_block: {networks: [host]}}", "networks"),
        ("{never_block: {hashes: [abc]}}", "hashes"),
        ("{own_domains: ['https://contoso.com']}", "own_domains"),
        ("{own_domains: [a..b]}", r"guard.own_domains: 'a\.\.b' is no domain; write a full name"),
        ("{own_domains: [intranet]}", "guard.own_domains: 'intranet' is no domain"),
        ("{enabled: false}", "enabled"),
        ("{deletes_percent: 101}", "deletes_percent"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(configured, section, message):
    with pytest.raises(ConfigurationError, match=message):
        configured(f"schema_version: 1\ndefaults: {{guard: {section}}}\n").guard()
