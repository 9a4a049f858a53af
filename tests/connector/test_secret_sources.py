import os
import sys
import types
from pathlib import Path

import pytest

from defender_indicators.errors import ConfigurationError
from defender_indicators.secret_sources import LARGEST, SecretSource
from defender_indicators.token_cache import FileStore, KeyringStore, TokenCache


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("  the secret\n")
    path.chmod(0o600)
    return path


def test_a_secret_comes_from_the_environment():
    source = SecretSource("env", "NAME", {"NAME": "value\n"})
    assert source.read().reveal() == "value"
    assert "value" not in repr(source)
    with pytest.raises(ConfigurationError, match="environment variable OTHER: not set"):
        SecretSource("env", "OTHER", {}).read()
    with pytest.raises(ConfigurationError, match="the secret is empty"):
        SecretSource("env", "NAME", {"NAME": " "}).read()


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_secret_comes_from_a_file_that_is_not_everybodys(secret_file, mode):
    secret_file.chmod(mode)
    assert SecretSource("file", str(secret_file)).read().reveal() == "the secret"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o777])
def test_a_file_open_to_everybody_is_refused(secret_file, mode):
    secret_file.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"everybody on this machine may read or write it; chmod o-rwx"):
        SecretSource("file", str(secret_file)).read()


def test_a_file_that_is_no_secret_is_refused(secret_file, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        SecretSource("file", str(tmp_path / "missing")).read()
    with pytest.raises(ConfigurationError, match=r"not a regular file|cannot be read"):
        SecretSource("file", str(tmp_path)).read()
    with pytest.raises(ConfigurationError, match="not a regular file"):
        SecretSource("file", os.devnull).read()
    secret_file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not text in UTF-8"):
        SecretSource("file", str(secret_file)).read()
    secret_file.write_bytes(b"x" * (LARGEST + 1))
    with pytest.raises(ConfigurationError, match="larger than"):
        SecretSource("file", str(secret_file)).read()


@pytest.fixture
def keyring(monkeypatch):
    entries = {("defender indicators", "contoso"): "from the keyring"}
    fake = types.ModuleType("keyring")
    fake.errors = types.SimpleNamespace(KeyringError=RuntimeError)
    fake.get_password = lambda service, user: entries.get((service, user))
    fake.set_password = lambda service, user, text: entries.__setitem__((service, user), text)
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return fake


def test_a_secret_comes_from_the_keyring(keyring):
    assert SecretSource("keyring", "defender indicators/contoso").read().reveal() == "from the keyring"
    with pytest.raises(ConfigurationError, match="no such entry; add it with: keyring set defender indicators nobody"):
        SecretSource("keyring", "defender indicators/nobody").read()


def test_a_locked_keyring_is_a_configuration_error(keyring, mocker):
    mocker.patch.object(keyring, "get_password", side_effect=RuntimeError("locked: s3cret"))
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        SecretSource("keyring", "a/b").read()
    assert "s3cret" not in str(caught.value)


def test_without_the_keyring_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r"in a checkout: pip install '\.\[keyring\]'"):
        SecretSource("keyring", "a/b").read()


def test_tokens_can_be_kept_in_the_keyring(keyring, mocker, caplog):
    store = KeyringStore("contoso")
    assert store.load() == ""
    store.save("kept")
    assert KeyringStore("contoso").load() == "kept"
    cache = TokenCache(KeyringStore("other"))
    cache.tokens.has_state_changed = True
    mocker.patch.object(keyring, "set_password", side_effect=RuntimeError("s3cret"))
    cache.keep()
    assert "tokens are not kept: the keyring refused (RuntimeError)" in caplog.text


def test_tokens_cannot_be_kept_without_the_keyring_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match=r"token_cache: .*pip install"):
        KeyringStore("contoso")


def test_a_token_file_is_replaced_as_a_whole_and_not_used_when_open_to_others(tmp_path, mocker):
    store = FileStore(tmp_path / "tokens" / "a.json")
    assert store.load() == ""
    store.save("kept")
    assert store.load() == "kept"
    assert (tmp_path / "tokens").stat().st_mode & 0o777 == 0o700
    mocker.patch.object(Path, "replace", side_effect=OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        store.save("newer")
    assert store.load() == "kept"
    (tmp_path / "tokens" / "a.json").chmod(0o644)
    assert store.load() == ""
    assert [each.name for each in (tmp_path / "tokens").iterdir()] == ["a.json"]
