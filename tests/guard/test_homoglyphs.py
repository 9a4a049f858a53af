import pytest

from defender_indicators.guard.homoglyphs import LookAlikes, skeleton
from defender_indicators.indicators.domains import domain


@pytest.mark.parametrize(
    "name",
    [
        "rnicrosoft.com",
        "m1crosoft.com",
        "micr0soft.com",
        domain("m\u00edcrosoft.com", []),  # i with an accent
        domain("m\u0456crosoft.com", []),  # Cyrillic i
        domain("micr\u03bfsoft.com", []),  # Greek omicron
        domain("\u043cicrosoft.com", []),  # Cyrillic em
        "login.rnicrosoft.com",
    ],
)
def test_names_that_look_the_same_have_one_skeleton(name):
    assert LookAlikes(["microsoft.com"]).of(name) == "microsoft.com"


@pytest.mark.parametrize(
    "name", ["microsoft.com", "login.microsoft.com", "microsoft.org", "contoso.com", "com", "xn--.com"]
)
def test_the_domain_itself_and_other_names_are_no_look_alikes(name):
    assert LookAlikes(["microsoft.com"]).of(name) == ""


def test_without_own_domains_nothing_looks_alike():
    assert LookAlikes([]).of("rnicrosoft.com") == ""


def test_names_of_several_lengths_are_compared():
    own = LookAlikes(["contoso.co.uk", "contoso.com"])
    assert own.of("www.c0ntoso.co.uk") == "contoso.co.uk"
    assert own.of("c0ntoso.com") == "contoso.com"


def test_plain_letters_stay():
    assert skeleton("abdefghjkmnopqstuwxyz") == "abdefghjkmnopqstuwxyz"
