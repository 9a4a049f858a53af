import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from defender_indicators.strict_json import loads

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ('{"a":1,"a":1}', "given twice"),
        ('{"a":1,"\\u0061":2}', "given twice"),
        ('[{"b":{"a":1,"a":2}}]', "given twice"),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ('{"a":-Infinity}', "-Infinity is not JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("9" * 5000, "5000 digits"),
        ("", "Expecting value"),
        ("{}{}", "Extra data"),
        ("\ufeff{}", "Expecting value"),
    ],
)
def test_what_other_readers_guess_is_an_error(body, cause):
    with pytest.raises(ValueError, match=cause):
        loads(body)


def test_bytes_that_are_no_text_are_an_error():
    with pytest.raises(ValueError, match="decode"):
        loads(b'"\xff\xfe"')


@given(JSON)
def test_what_json_can_carry_is_read_as_it_was_written(value):
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(value).encode()) == value


def test_equal_keys_in_different_objects_are_fine():
    assert loads('[{"a":1},{"a":{"a":2}}]') == [{"a": 1}, {"a": {"a": 2}}]
