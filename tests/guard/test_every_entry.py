"""A feed poisoned with the warninglists themselves: nothing of it is sent."""

from datetime import UTC, datetime

import pytest

from defender_indicators.guard import Guard, GuardSettings
from defender_indicators.guard.lists import load, selected
from defender_indicators.indicators import Canonicaliser, Indicator, Policy, infer_type

FOLDERS = selected(GuardSettings())


@pytest.fixture(scope="module")
def guard(shipped):
    return Guard(GuardSettings(), shipped)


@pytest.fixture(scope="module")
def canonical():
    return Canonicaliser(Policy(now=datetime(2030, 1, 1, tzinfo=UTC)))


@pytest.fixture(scope="module")
def names(shipped):
    return {each.folder: each.name for each in shipped.lists}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_importable_entry_is_held_with_the_name_of_its_list(guard, canonical, names, folder):
    # A list that is asked earlier may speak first; which ones have the entry too is looked up where that happens.
    earlier = set(list(names.values())[: FOLDERS.index(folder)])
    wrong = []
    for entry in load(folder).entries:
        value = entry.lstrip(".")
        row = {"indicatorValue": value, "indicatorType": infer_type(value), "action": "Block", "title": "poison"}
        indicator = canonical({**row, "description": "poison"})
        if isinstance(indicator, Indicator):
            hold = guard.judge(indicator)
            named = hold and (hold.list == names[folder] or hold.list in earlier or names[folder] in hold.reason)
            if not named and not (hold and hold.hard and any(f'"{name}"' in hold.reason for name in earlier)):
                wrong.append((entry, hold))
    assert wrong == []


@pytest.mark.parametrize("folder", ["mozilla-CA", "mozilla-IntermediateCA"])
def test_the_thumbprints_of_certificate_authorities_are_held(guard, block, folder):
    thumbprints = [entry for entry in load(folder).entries if len(entry) == 40]
    assert thumbprints
    assert all(guard.judge(block(value, kind="CertificateThumbprint")) for value in thumbprints)
