import json
import os

import pytest

from defender_indicators.errors import InputError
from defender_indicators.sources.folder import read_folder
from defender_indicators.sources.manifest import event_urls, is_manifest


def names(path):
    return [str(file.relative_to(path)) for file in read_folder(path)]


@pytest.fixture
def folder(tmp_path):
    """A folder of two files and one below it, beside a secret."""
    root = tmp_path / "feeds"
    (root / "more").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "more/c.txt"):
        (root / name).write_text("203.0.113.5\n")
    (tmp_path / "secret").write_text("key")
    return root


def test_files_come_in_the_order_of_their_names(folder):
    assert names(folder) == ["a.txt", "b.txt", "more/c.txt"]


def test_hidden_files_and_what_is_no_file_are_left_out(folder):
    (folder / ".hidden").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    os.mkfifo(folder / "pipe")
    assert names(folder) == ["a.txt", "b.txt", "more/c.txt"]


def test_a_link_is_followed_only_inside_the_folder(folder, tmp_path):
    (folder / "inside").symlink_to("a.txt")
    (folder / "outside").symlink_to(tmp_path / "secret")
    (folder / "nowhere").symlink_to("missing")
    (folder / "loop").symlink_to("loop")
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    assert names(folder) == ["a.txt", "b.txt", "inside", "more/c.txt"]


def test_a_folder_reached_through_a_link_is_read(folder, tmp_path):
    (tmp_path / "alias").symlink_to(folder, target_is_directory=True)
    assert names(tmp_path / "alias") == ["a.txt", "b.txt", "more/c.txt"]


def test_a_folder_of_too_many_files_is_refused(folder, monkeypatch):
    monkeypatch.setattr("defender_indicators.sources.folder.MOST_FILES", 2)
    with pytest.raises(InputError, match="more than 2 files"):
        read_folder(folder)


@pytest.mark.parametrize("name", ["empty", "missing", "secret"])
def test_what_is_no_folder_with_files_is_a_clear_error(name, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=f"{name}: "):
        read_folder(tmp_path / name)


def test_a_folder_below_that_cannot_be_read_is_not_passed_over(folder, monkeypatch):
    def scandir(path):
        if str(path).endswith("more"):
            raise PermissionError(13, "Permission denied", str(path))
        return system(path)

    system = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="more: cannot be read: Permission denied"):
        read_folder(folder)


EVENTS = ["0a1b2c3d-1111-4222-8333-444455556666", "1a1b2c3d-1111-4222-8333-444455556666"]


def test_of_a_misp_feed_the_listed_events_are_read_also_when_one_is_missing(folder):
    (folder / "manifest.json").write_text(json.dumps({uuid: {} for uuid in EVENTS}))
    (folder / "hashes.csv").write_text("x")
    (folder / f"{EVENTS[1]}.json").write_text("{}")
    assert names(folder) == [f"{uuid}.json" for uuid in EVENTS]


def test_an_event_that_is_a_link_out_of_the_folder_is_left_out(folder, tmp_path):
    (folder / "manifest.json").write_text(json.dumps({uuid: {} for uuid in EVENTS}))
    (folder / f"{EVENTS[0]}.json").symlink_to(tmp_path / "secret")
    (folder / f"{EVENTS[1]}.json").write_text("{}")
    assert names(folder) == [f"{EVENTS[1]}.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"../../etc/passwd": {}}', "{}"])
def test_another_manifest_is_a_file_like_any_other(content, folder):
    (folder / "manifest.json").write_text(content)
    assert names(folder) == ["a.txt", "b.txt", "manifest.json", "more/c.txt"]


def test_the_events_of_a_feed_lie_beside_its_manifest():
    url = "https://feed.example/misp/manifest.json?key=k"
    assert is_manifest(url)
    assert not is_manifest("https://feed.example/misp/list.json")
    assert event_urls(url, json.dumps({EVENTS[0]: {}}).encode(), "feed.example/misp/manifest.json") == [
        f"https://feed.example/misp/{EVENTS[0]}.json?key=k"
    ]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"../x": {}}'])
def test_what_is_no_manifest_is_a_clear_error(body):
    with pytest.raises(InputError, match=r"^feed\.example/manifest\.json: "):
        event_urls("https://feed.example/manifest.json", body, "feed.example/manifest.json")
