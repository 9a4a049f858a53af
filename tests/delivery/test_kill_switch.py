import os

import pytest

from defender_indicators.delivery.kill_switch import KillSwitch
from defender_indicators.errors import InputError, StoppedError


@pytest.fixture
def switch(tmp_path):
    return KillSwitch.of(tmp_path / "home")


def test_a_file_of_any_content_is_enough(switch):
    assert not switch.on
    switch.require_off()
    switch.file.parent.mkdir()
    switch.file.touch()
    assert switch.on
    assert switch.why() == ""
    with pytest.raises(StoppedError, match=r"kill switch is on: .*kill-switch off") as refused:
        switch.require_off()
    assert refused.value.exit_code == 5


def test_a_link_to_nowhere_counts_too(switch):
    switch.file.parent.mkdir()
    switch.file.symlink_to("nowhere")
    assert switch.on


def test_what_cannot_be_looked_at_stops(switch):
    switch.file.parent.write_text("a file where the folder should be")
    assert switch.on
    with pytest.raises(InputError, match="cannot be made"):
        switch.turn_on("")
    with pytest.raises(InputError, match="cannot be removed"):
        switch.turn_off()


def test_it_keeps_the_reason_and_is_switched_off_twice(switch):
    switch.turn_on("wrong feed\nsecond line \udcff")
    assert switch.why() == "wrong feed"
    switch.turn_off()
    switch.turn_off()
    assert not switch.on
    assert os.listdir(switch.file.parent) == []  # noqa: PTH208 - names only


def test_case_115_a_file_touched_mid_run_stops_it_after_the_calls_in_flight(make_world, rows):
    world = make_world(batch_rows=2)
    file = world.home / "kill-switch"
    send, touched = world.context.connector.send, []

    def send_and_touch(call):
        answer = send(call)
        if len(world.imports()) >= 3 and not touched:
            file.touch()
            touched.append(len(world.imports()))
        return answer

    world.context.connector.send = send_and_touch
    report = world.run(rows(60))
    assert (report["outcome"], report.exit_code) == ("paused", 5)
    assert report.stopped == f"the kill switch is on: {file}; `kill-switch off`, then `resume`"
    in_flight = 4
    assert len(world.imports()) <= touched[0] + in_flight
    assert report["counts"]["unknown"] == 0
    assert report["counts"]["accepted"] == 2 * len(world.imports())
    sent = len(world.imports())
    for start in (lambda: world.run(rows(1, start=900)), lambda: world.context.resume(report["run_id"])):
        with pytest.raises(StoppedError):
            start()
    assert len(world.imports()) == sent
    assert len(world.context.runs()) == 1
    file.unlink()
    assert world.context.resume(report["run_id"])["counts"]["accepted"] == 60
    ended = [why for (why,) in world.ledger("SELECT details FROM event WHERE what = 'run ended'")]
    assert "kill switch" in ended[0]
