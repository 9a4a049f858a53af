import os

import pytest

from defender_indicators.delivery import Ledger
from defender_indicators.private import private_folder, whole_file, write_whole
from defender_indicators.token_cache import FileStore


@pytest.fixture(autouse=True)
def open_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(top):
    return {folder.stat().st_mode & 0o777 for folder in [top, *top.rglob("*")] if folder.is_dir()}


@pytest.mark.parametrize(
    "make",
    [
        lambda home: private_folder(home / "a" / "b"),
        lambda home: Ledger(home / "ledgers" / "x.sqlite3").close(),
        lambda home: FileStore(home / "tokens" / "x.json").save("{}"),
    ],
    ids=["folder", "ledger", "tokens"],
)
def test_every_folder_that_is_made_is_closed_to_others(tmp_path, make):
    make(tmp_path / "new" / "home")
    assert modes(tmp_path / "new") == {0o700}


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    private_folder(there / "new")
    private_folder(there)
    assert modes(there) == {0o755, 0o700}


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        private_folder(tmp_path / "file" / "below")


def test_a_whole_file_is_its_owners_only(tmp_path):
    write_whole(tmp_path / "x", b"data")
    assert (tmp_path / "x").read_bytes() == b"data"
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_written_to_its_end_changes_nothing(tmp_path):
    (tmp_path / "x").write_bytes(b"before")
    with pytest.raises(TypeError), whole_file(tmp_path / "x") as file:
        file.writelines([b"half", None])
    assert (tmp_path / "x").read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [tmp_path / "x"]
