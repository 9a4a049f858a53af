import types

import pytest

from defender_indicators.errors import AuthenticationError, InputError, ManifestError, PackError
from defender_indicators.pack import Pack, run_action


@pytest.fixture
def pack(make_pack):
    return Pack(make_pack())


def _echo(inputs):
    return {"ok": True, "inputs": {name: value for name, value in inputs.items() if name != "rows"}}


def _endless():
    yield {}
    pytest.fail("the rows were walked")


def test_fills_the_defaults_and_hands_on_the_outputs(pack):
    assert run_action(pack, "block_value", {"value": "x"}, _echo) == {
        "ok": True,
        "inputs": {"value": "x", "days": 30, "tags": []},
    }


def test_what_the_caller_says_wins_over_a_default(pack):
    assert run_action(pack, "block_value", {"value": "x", "days": 1}, _echo)["inputs"]["days"] == 1


def test_a_default_is_not_shared_between_calls(pack):
    for _ in range(2):
        seen = []

        def spoil(inputs, seen=seen):
            seen.append(list(inputs["tags"]))
            inputs["tags"].append("spoilt")
            return {"ok": True, "inputs": {}}

        run_action(pack, "block_value", {"value": "x"}, spoil)
        assert seen == [[]]


def test_names_every_problem_of_the_inputs_at_once(pack):
    with pytest.raises(InputError) as refused:
        run_action(pack, "block_value", {"valeu": "x", "days": 0, "tags": ["a", 7]}, _echo)
    assert str(refused.value).splitlines() == [
        "block_value: $: value is missing; add value: What to block",
        "block_value: $.days: is less than 1; write 1 or more",
        "block_value: $.tags[1]: must be text; put it in quotes",
        "block_value: $.valeu: is not known here; did you mean value?",
    ]


def test_an_unknown_action_is_an_input_error(pack):
    with pytest.raises(InputError, match="did you mean block_value"):
        run_action(pack, "block_values", {}, _echo)


@pytest.mark.parametrize(
    "rows",
    [_endless(), [1, None, {"a": {1}}, "\ud800"], ({},), types.SimpleNamespace],
    ids=["generator", "list", "tuple", "no list"],
)
def test_rows_are_handed_on_unwalked(pack, rows):
    if rows is types.SimpleNamespace:
        rows = type("Rows", (), {"__iter__": lambda _: _endless()})()
    seen = []
    run_action(pack, "block_value", {"value": "x", "rows": rows}, lambda inputs: seen.append(inputs) or _echo(inputs))
    assert seen[0]["rows"] is rows


@pytest.mark.parametrize("rows", ["text", b"bytes", {"a": 1}, None, 7])
def test_rows_must_be_an_array(pack, rows):
    with pytest.raises(InputError, match=r"^block_value: \$\.rows: (must be a list|holds something)"):
        run_action(pack, "block_value", {"value": "x", "rows": rows}, _echo)


def test_the_items_of_other_arrays_are_checked(pack):
    with pytest.raises(InputError, match=r"\$\.tags\[0\]: must be text"):
        run_action(pack, "block_value", {"value": "x", "tags": [{}]}, _echo)


@pytest.mark.parametrize("title", ["{{7*7}}", "${jndi:ldap://x}", "{value.__class__}", "%(value)s", "\\x41"])
def test_case_118_inputs_are_data_and_never_parsed_again(pack, title):
    assert run_action(pack, "block_value", {"value": title, "tags": [title]}, _echo)["inputs"] == {
        "value": title,
        "days": 30,
        "tags": [title],
    }


def test_an_input_that_is_too_long_is_not_shown(pack):
    with pytest.raises(InputError) as refused:
        run_action(pack, "block_value", {"value": "secret" * 100}, _echo)
    assert str(refused.value) == "block_value: $.value: is longer than 100 characters; shorten it"


def test_the_action_is_named_once_in_what_a_handler_raises(pack):
    def fail(_):
        raise AuthenticationError("POST /token: HTTP 401; check the secret", status=401, request_id="r")

    with pytest.raises(AuthenticationError) as raised:
        run_action(pack, "block_value", {"value": "x"}, fail)
    assert str(raised.value) == "block_value: POST /token: HTTP 401; check the secret"
    assert (raised.value.status, raised.value.request_id) == (401, "r")


def test_an_action_called_by_an_action_names_both(pack):
    def inner(_):
        raise PackError("cause")

    def outer(_):
        return run_action(pack, "block_value", {"value": "y"}, inner)

    with pytest.raises(PackError) as raised:
        run_action(
            pack, "block_value", {"value": "x"}, lambda _: run_action(pack, "block_value", {"value": "y"}, inner)
        )
    assert str(raised.value) == "block_value: block_value: cause"


def test_an_error_of_the_program_is_left_alone(pack):
    with pytest.raises(ZeroDivisionError, match=r"^division"):
        run_action(pack, "block_value", {"value": "x"}, lambda _: 1 / 0)


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ({"ok": True}, "block_value: outputs: $: inputs is missing; add inputs"),
        ({"ok": 1, "inputs": {}}, "block_value: outputs: $.ok: must be true or false; write true or false"),
        (
            {"ok": True, "inputs": {}, "x": 1},
            "block_value: outputs: $.x: is not known here; allowed: ok, inputs, results",
        ),
        (
            {"ok": True, "inputs": {}, "results": "no"},
            "block_value: outputs: $.results: must be a list; write a list, as in […, …]",
        ),
    ],
)
def test_outputs_that_break_the_manifest_are_the_packs_fault(pack, outputs, told):
    with pytest.raises(ManifestError) as refused:
        run_action(pack, "block_value", {"value": "x"}, lambda _: outputs)
    assert refused.value.problems == [told]


def test_the_rows_of_the_outputs_are_not_walked(pack):
    outputs = {"ok": True, "inputs": types.MappingProxyType({"a": 1}), "results": _endless()}
    assert run_action(pack, "block_value", {"value": "x"}, lambda _: outputs) is outputs


def test_a_handler_is_loaded_when_it_is_first_run(make_pack):
    pack = Pack(make_pack({"actions/block_value.py": "def run(inputs, context): ...\nraise KeyError\n"}))
    with pytest.raises(ManifestError, match=r"actions/block_value\.py:2: \$: cannot be loaded \(KeyError\)"):
        run_action(pack, "block_value", {"value": "x"}, _echo)
