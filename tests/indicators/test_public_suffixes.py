import pytest
from publicsuffixlist import PublicSuffixList

from defender_indicators.indicators.public_suffixes import has_known_suffix, is_public_suffix, rules


@pytest.fixture(scope="module")
def oracle():
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def test_agrees_with_the_package_on_every_rule_and_its_neighbours(oracle):
    assert len(rules()) > 6000
    for rule in rules():
        bare = rule.lstrip("*!").lstrip(".")
        for name in (bare, f"x.{bare}", f"www.x.{bare}", bare.partition(".")[2], f"{bare}x"):
            if name:
                assert is_public_suffix(name) == (oracle.publicsuffix(name) == name), (rule, name)


@pytest.mark.parametrize("name", ["", ".", "..", "com.", "*.", "co..uk", "a b", "xn--"])
def test_what_is_no_name_is_no_suffix(name):
    assert not is_public_suffix(name)
    assert not has_known_suffix(name) or name == "co..uk"


def test_private_suffixes_do_not_count():
    assert not is_public_suffix("github.io")
    assert not is_public_suffix("duckdns.org")


KNOWN = {"evil.com": True, "a.ck": True, "evil.example": True, "x.xn--p1ai": True, "com": False, "evil.local": False}


@pytest.mark.parametrize(("name", "known"), KNOWN.items())
def test_a_known_suffix_is_the_last_label_of_several(name, known):
    assert has_known_suffix(name) == known
