from pathlib import Path

import defender_indicators
from defender_indicators.pack import content, content_root


def test_is_the_folder_of_plugin_yaml():
    assert (content_root() / "plugin.yaml").is_file()


def test_is_inside_the_package_when_the_content_was_shipped_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "_PACKAGE", tmp_path)
    (tmp_path / "content").mkdir()
    assert content_root.__wrapped__() == tmp_path / "content"


def test_is_the_root_of_a_checkout_otherwise(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "_PACKAGE", tmp_path / "src" / "defender_indicators")
    assert content_root.__wrapped__() == tmp_path


def test_belongs_to_the_package_that_is_imported():
    assert Path(defender_indicators.__file__).resolve().parent == content._PACKAGE
