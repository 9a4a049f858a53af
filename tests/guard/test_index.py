import json
import os
import pickle
import subprocess
import sys

import pytest

from defender_indicators.errors import ConfigurationError
from defender_indicators.guard import GuardSettings, Warninglists
from defender_indicators.guard.index import open_index
from defender_indicators.guard.lists import selected


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state" / "guard"


@pytest.fixture
def opened(publish, folder):
    """Return a function that opens the index of one list and says what was said meanwhile."""
    publish(alexa=["shop.net", "45.1.2.0/24"])

    def open_once():
        said = []
        return open_index(folder, selected(GuardSettings()), said.append), said

    return open_once


def test_the_first_use_builds_the_index_and_says_so_later_ones_read_it(opened, folder):
    first, said = opened()
    again, silent = opened()
    assert said == ["building the index of 1 warninglists, once for each version of them"]
    assert silent == []
    assert again == first
    assert [(each.folder, each.name, each.version, each.entries) for each in again.lists] == [
        ("alexa", "List alexa", "7", 2)
    ]


def test_the_index_belongs_to_its_owner_alone(opened, folder):
    opened()
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_new_version_of_a_list_builds_a_new_index(opened, publish):
    opened()
    publish(alexa=["other.net", "45.1.2.0/24", "more.net"])
    index, said = opened()
    assert (said != [], index.lists[0].entries) == (True, 3)


def test_another_selection_builds_another_index(opened, publish, folder):
    opened()
    publish(akamai=["45.2.0.0/16"])
    opened()
    assert len(list(folder.iterdir())) == 2


def test_only_a_few_indexes_are_kept(opened, publish, folder):
    for count in range(1, 6):
        publish(alexa=["shop.net"] * count)
        opened()
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("part", range(0, 100, 7))
def test_a_damaged_index_is_built_again(opened, folder, part):
    whole, _ = opened()
    (file,) = folder.iterdir()
    raw = bytearray(file.read_bytes())
    raw[len(raw) * part // 100] ^= 0x10
    file.write_bytes(raw)
    index, said = opened()
    assert (index, len(said)) == (whole, 1)


@pytest.mark.parametrize("content", [b"", b"abc", pickle.dumps({"a": 1}), bytes(5000)])
def test_something_else_in_its_place_is_replaced(opened, folder, content):
    whole, _ = opened()
    (file,) = folder.iterdir()
    file.write_bytes(content)
    assert opened()[0] == whole
    assert opened()[1] == []


def test_a_truncated_index_is_built_again(opened, folder):
    whole, _ = opened()
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    assert opened() == (whole, ["building the index of 1 warninglists, once for each version of them"])


def test_an_index_that_others_could_write_is_not_trusted(opened, folder):
    opened()
    (file,) = folder.iterdir()
    file.chmod(0o666)
    assert len(opened()[1]) == 1
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_where_the_index_cannot_be_kept_it_is_built_for_this_run(opened, folder):
    folder.parent.mkdir()
    folder.write_text("in the way")
    index, said = opened()
    assert index.lists[0].entries == 2
    assert "cannot be kept" in said[1]


def test_a_damaged_list_is_named(opened, publish):
    from defender_indicators.guard import lists  # noqa: PLC0415 - its folder is patched by now

    (lists.folder_of_lists() / "alexa" / "list.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"list alexa: cannot be read .*; install it again"):
        opened()


def test_nothing_is_left_behind_when_writing_fails(opened, folder, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = opened()[1]
    assert "No space left on device" in said[1]
    assert list(folder.iterdir()) == []


def test_the_package_of_the_lists_is_never_imported(tmp_path):
    script = (
        "import sys, pathlib\n"
        "from defender_indicators.guard import GuardSettings, Warninglists\n"
        "lists = Warninglists(pathlib.Path(sys.argv[1]), GuardSettings(), print)\n"
        "assert lists.domain('google.com')\n"
        "assert 'pymispwarninglists' not in sys.modules, 'imported'\n"
        "assert 'pickle' not in vars(sys.modules['defender_indicators.guard.index'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "guard")], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_header_of_an_index_is_plain_json(opened, folder):
    opened()
    (file,) = folder.iterdir()
    raw = file.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[4:8], "big")])
    assert sum(header["sections"]) + 8 + int.from_bytes(raw[4:8], "big") == len(raw)


def test_nothing_is_opened_before_the_first_question(folder):
    Warninglists(folder, GuardSettings())
    assert not folder.exists()
