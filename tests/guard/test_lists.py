import pytest

from defender_indicators.errors import ConfigurationError
from defender_indicators.guard import GuardSettings, lists
from defender_indicators.guard.lists import available, selected, sorted_out
from defender_indicators.guard.selection import SELECTION


def test_the_installed_package_has_every_list_of_the_default_selection():
    assert selected(GuardSettings()) == tuple(SELECTION)


def test_lists_can_be_added_and_removed():
    settings = GuardSettings(warninglists_add=("university_domains",), warninglists_remove=("alexa", "amazon-aws"))
    names = selected(settings)
    assert names[-1] == "university_domains"
    assert set(SELECTION) - set(names) == {"alexa", "amazon-aws"}


@pytest.mark.parametrize("key", ["warninglists_add", "warninglists_remove"])
def test_a_list_that_does_not_exist_is_named(key):
    with pytest.raises(ConfigurationError, match="alexia: no such list"):
        selected(GuardSettings(**{key: ("alexia",)}))


def test_what_attackers_use_and_what_is_only_popular_is_not_in_the_default_selection():
    assert set(SELECTION).isdisjoint({"dynamic-dns", "url-shortener", "tranco", "google-chrome-crux-1million"})
    assert {"dynamic-dns", "url-shortener", "tranco"} <= set(available())


def test_a_package_without_its_lists_is_a_matter_of_the_installation(monkeypatch):
    lists.folder_of_lists.cache_clear()
    monkeypatch.setattr(lists, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="install it again"):
        lists.folder_of_lists()
    lists.folder_of_lists.cache_clear()


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (".Example.COM", [("name", "example.com")]),
        ("*.example.com.", [("name", "example.com")]),
        ("https://example.com/", [("name", "example.com")]),
        ("bücher.example", [("name", "xn--bcher-kva.example")]),
        ("a_b.example.com", [("name", "a_b.example.com")]),
        ("10.0.0.0/8", [("address", "10.0.0.0/8")]),
        ("FE80::/10", [("address", "fe80::/10")]),
        ("D41D8CD98F00B204E9800998ECF8427E", [("digest", "d41d8cd98f00b204e9800998ecf8427e")]),
        ("", []),
        ("3::", [("address", "3::")]),
        ("com", []),
        ("ab" * 64, []),
        ("/^security@.*$/i", []),
        ("a..b", []),
        ("ü" * 300 + ".example", []),
    ],
)
def test_entries_are_sorted_by_what_they_are(entry, found):
    assert list(sorted_out((entry,))) == found
