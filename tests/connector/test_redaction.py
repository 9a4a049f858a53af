import copy
import gc
import io
import json
import logging
import pickle

import pytest

from defender_indicators.logs import configure_logging, escape
from defender_indicators.redaction import MASK, Secret, redact


@pytest.fixture(autouse=True)
def _root_logger():
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)


def test_a_secret_has_no_text_of_its_own():
    secret = Secret("hidden value")
    assert (str(secret), repr(secret), f"{secret}", f"{secret!r:>5}") == (MASK, MASK, MASK, "  ***")
    assert repr([secret]) == "[***]"
    assert secret.reveal() == "hidden value"
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            way(secret)


def test_a_secret_that_is_gone_is_forgotten():
    secret = Secret("soon forgotten")
    assert redact("soon forgotten") == MASK
    del secret
    gc.collect()
    assert redact("soon forgotten") == "soon forgotten"


def test_short_values_are_not_looked_for():
    secret = Secret("a")
    assert redact("a banana") == "a banana"
    assert secret


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Bearer abcdefgh.ijkl", "Bearer ***"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic ***'}"),
        ('{"access_token": "opaque-value", "n": 1}', '{"access_token": "***", "n": 1}'),
        ("grant_type=x&client_secret=abc%20d&scope=y", "grant_type=x&client_secret=***&scope=y"),
        ("https://blob.example/x?sv=1&sig=Zm9v%3D", "https://blob.example/x?sv=1&sig=***"),
        ("token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOi", "token ***"),
        ("via http://user:pass@proxy:3128/", "via http://***@proxy:3128/"),
        ("the design of a signal: 5", "the design of a signal: 5"),
    ],
)
def test_what_looks_like_a_credential_is_removed(text, clean):
    assert redact(text) == clean


def test_json_logs_are_one_object_a_line_without_secrets_or_control_characters():
    stream, secret = io.StringIO(), Secret("hidden value")
    configure_logging("info", "json", stream)
    configure_logging("info", "json", stream)
    log = logging.getLogger("defender_indicators.test")
    log.info("line one\nline two \x1b[31m %s", secret.reveal(), extra={"run_id": "r1", "key": "hidden value", "n": 3})
    log.debug("not shown")
    log.error("failed", exc_info=RuntimeError("hidden value inside"))
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first["message"] == "line one\nline two \x1b[31m ***"
    assert (first["level"], first["logger"], first["run_id"], first["key"], first["n"]) == (
        *("info", "defender_indicators.test", "r1", MASK, 3),
    )
    assert first["time"].endswith("+00:00")
    assert "RuntimeError: *** inside" in second["exception"]
    assert stream.getvalue().isascii()
    assert "\x1b" not in stream.getvalue()


def test_text_logs_cannot_be_forged_by_a_line_break():
    stream = io.StringIO()
    configure_logging("warning", "text", stream)
    log = logging.getLogger("defender_indicators.test")
    log.warning("title\nerror: forged \x1b[2J\u202e", stack_info=True)
    log.error("failed", exc_info=ValueError("a\nb"))
    lines = stream.getvalue().splitlines()
    assert lines[0] == r"warning: title\nerror: forged \x1b[2J\u202e"
    assert [line for line in lines[1:] if not line.startswith(("  ", "error: failed"))] == []


def test_escape_leaves_readable_text_alone():
    assert escape("Überfall 你好 é") == "Überfall 你好 é"
    assert escape("a\tb\ud800") == r"a\tb\ud800"
