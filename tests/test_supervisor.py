"""The supervisor with stand-ins for the engine process: what it tries again, what it gives up, and what it says."""

import functools
import operator
import os
import threading

import pytest

from remapd.audio.backend import StreamSettings
from remapd.daemon import retry
from remapd.daemon.child import EngineChild
from remapd.daemon.retry import Backoff
from remapd.daemon.supervisor import CRASHES_AT_START, Supervisor
from remapd.engine_process import Ending, Spec
from remapd.engine_process.process import StallWatch
from remapd.errors import DeviceError, FieldError
from tests.fake_engines import fake_engine, fault

SPEC = Spec("/no/block", StreamSettings(backend="virtual"))
PLAYING = "drum -> amplifier, 48000 Hz, blocks of 64 frames"


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


def supervised(program, folder, **options):
    """A started supervisor of a fake engine, and the lines it says."""
    notices = []
    supervisor = Supervisor(SPEC, notices.append, command=fake_engine(program, folder), **options)
    supervisor.start()
    return supervisor, notices


def test_ends_when_the_input_has_ended(tmp_path):
    supervisor, notices = supervised(f"play(); sys.exit({Ending.FINISHED})", tmp_path)
    assert supervisor.wait(60)
    assert supervisor.failure is None
    assert notices == [f"playing: {PLAYING}"]


def test_a_crash_is_mended_at_once(tmp_path):
    program = f"play()\nif turn == 1: os.kill(os.getpid(), 9)\nsys.exit({Ending.FINISHED})"
    supervisor, notices = supervised(program, tmp_path)
    assert supervisor.wait(60)
    assert notices == [
        f"playing: {PLAYING}",
        "the engine was ended by SIGKILL; starting it again",
        f"playing again: {PLAYING}",
    ]


def test_a_lost_device_is_awaited_and_spoken_of_once(tmp_path):
    program = f"""
if turn in (1, 5): play()
if turn == 1: {fault("the device went away")}; sys.exit({Ending.DEVICE_LOST})
if turn < 5: {fault("there is no input device")}; sys.exit({Ending.DEVICE_UNAVAILABLE})
sys.exit({Ending.FINISHED})
"""
    deaths = []
    supervisor, notices = supervised(program, tmp_path, on_death=lambda: deaths.append(1))
    assert supervisor.wait(60)
    assert notices == [
        f"playing: {PLAYING}",
        "no audio: the device went away; trying again until it is back",
        f"playing again: {PLAYING}",
    ]
    assert len(deaths) == 5


def test_a_device_that_never_was_is_an_error(tmp_path):
    program = f"{fault('there is no input device')}; sys.exit({Ending.DEVICE_UNAVAILABLE})"
    supervisor, notices = supervised(program, tmp_path)
    assert supervisor.wait(60)
    assert isinstance(supervisor.failure, DeviceError)
    assert str(supervisor.failure) == "there is no input device"
    assert notices == []


def test_a_device_that_never_was_can_be_awaited(tmp_path):
    program = f"""
if turn < 3: {fault("there is no input device")}; sys.exit({Ending.DEVICE_UNAVAILABLE})
play(); sys.exit({Ending.FINISHED})
"""
    supervisor, notices = supervised(program, tmp_path, wait_for_device=True)
    assert supervisor.wait(60)
    assert supervisor.failure is None
    assert notices == [
        "no audio: there is no input device; trying again until it is back",
        f"playing: {PLAYING}",
    ]


def test_what_the_engine_refuses_is_an_error(tmp_path):
    supervisor, _ = supervised(f"{fault('x.wav: is empty')}; sys.exit({Ending.REFUSED})", tmp_path)
    assert supervisor.wait(60)
    assert str(supervisor.failure) == "x.wav: is empty"


def test_an_engine_that_always_crashes_is_given_up_with_its_last_words(tmp_path):
    supervisor, _ = supervised("sys.exit('out of luck')", tmp_path)
    assert supervisor.wait(60)
    assert str(supervisor.failure) == "the engine cannot start (ended with status 1): out of luck"
    assert (tmp_path / "turn").read_text() == str(CRASHES_AT_START)


def test_noise_on_the_report_pipe_does_no_harm(tmp_path):
    supervisor, notices = supervised(f"say('libjack was here'); play(); sys.exit({Ending.FINISHED})", tmp_path)
    assert supervisor.wait(60)
    assert len(notices) == 1


def test_stop_closes_the_pipe_and_waits(tmp_path):
    program = "play(); wait_for_parent(); (turn_file.parent / 'ended').touch()"
    supervisor, _ = supervised(program, tmp_path)
    while supervisor.playing is None:
        assert not supervisor.wait(0.01)
    supervisor.stop()
    assert (tmp_path / "ended").exists()
    assert supervisor.wait(0)


def test_stop_ends_an_engine_that_does_not_listen(tmp_path, monkeypatch):
    monkeypatch.setattr("remapd.daemon.child.STOP_S", 0.05)
    child = EngineChild(SPEC, fake_engine("signal.signal(15, signal.SIG_IGN); play(); signal.pause()", tmp_path))
    assert "playing" in next(iter(child.reports()))
    child.stop()
    assert child.end() == -9


def test_stop_before_anything_started_is_clean(tmp_path):
    supervisor = Supervisor(SPEC, print, command=fake_engine("play(); wait_for_parent()", tmp_path))
    supervisor.stop()
    supervisor.start()
    assert supervisor.wait(60)
    assert not (tmp_path / "turn").exists()


def test_delays_double_up_to_a_limit_and_begin_anew_after_steady_play(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.25)
    backoff = Backoff()
    delays = [backoff.delay_s(crashed=False, played_s=0.0) for _ in range(7)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.delay_s(crashed=False, played_s=60.0) == 0.25


def test_the_first_crash_costs_no_delay_but_the_next_ones_do(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.25)
    backoff = Backoff()
    assert [backoff.delay_s(crashed=True, played_s=1.0) for _ in range(3)] == [0.0, 0.25, 0.5]
    assert backoff.delay_s(crashed=True, played_s=60.0) == 0.0


def test_a_counter_that_stands_still_is_noticed():
    watch = StallWatch(1.0, now_s=10.0)
    assert not watch.is_stalled(5, 10.5)
    assert not watch.is_stalled(5, 11.4)
    assert watch.is_stalled(5, 11.6)
    assert not watch.is_stalled(6, 11.7)
    assert not watch.is_stalled(6, 12.6)


OTHER = StreamSettings(backend="virtual", sample_rate=44100.0)
#: Plays at the default rate only; another can be had or not, as the test says.
BY_STREAM = """
import json
wants_other = json.loads(spec)["stream"]["sample_rate"] is not None
if wants_other: {other}
play(); wait_for_parent()
"""


def gather(supervisor, wanted):
    """Collect reports until one has the wanted name; returns all so far."""
    reports, arrived = [], threading.Event()

    def take(report):
        reports.append(report)
        if wanted(report):
            arrived.set()

    supervisor.on_report.append(take)
    return reports, arrived


def has(name, **values):
    return lambda report: name in report and all(report[name].get(k) == v for k, v in values.items())


def started_on_first_device(other, folder, **options):
    notices = []
    supervisor = Supervisor(SPEC, notices.append, command=fake_engine(BY_STREAM.format(other=other), folder), **options)
    _, playing = gather(supervisor, has("playing"))
    supervisor.start()
    assert playing.wait(60)
    return supervisor, notices


def test_reopen_plays_on_the_other_device(tmp_path):
    supervisor, _ = started_on_first_device("pass", tmp_path)
    reports, done = gather(supervisor, has("reopen"))
    supervisor.reopen(OTHER)
    assert supervisor.stream == OTHER
    assert done.wait(60)
    assert {"reopen": {"stream": OTHER.as_dict(), "error": ""}} in reports
    assert supervisor.stream == OTHER
    assert supervisor.starts == 2
    supervisor.stop()
    assert supervisor.state == "stopped"


def test_reopen_goes_back_to_the_former_device_if_the_other_cannot_be_had(tmp_path):
    refusal = f"{fault('no such rate')}; sys.exit({Ending.DEVICE_UNAVAILABLE})"
    supervisor, notices = started_on_first_device(refusal, tmp_path)
    reports, back = gather(supervisor, has("playing"))
    supervisor.reopen(OTHER)
    assert back.wait(60)
    assert {"reopen": {"stream": OTHER.as_dict(), "error": "no such rate"}} in reports
    assert supervisor.stream == SPEC.stream
    assert notices[1:] == ["cannot play there: no such rate; back to the former device", f"playing again: {PLAYING}"]
    supervisor.stop()
    assert supervisor.failure is None


@pytest.mark.parametrize("end", ["sys.exit(13)", "os.kill(os.getpid(), 9)"])
def test_reopen_goes_back_however_the_other_failed(tmp_path, end):
    supervisor, _ = started_on_first_device(end, tmp_path)
    reports, back = gather(supervisor, has("playing"))
    supervisor.reopen(OTHER)
    assert back.wait(60)
    told = next(report["reopen"] for report in reports if "reopen" in report)
    assert told["error"].startswith("the engine ")
    supervisor.stop()


def test_the_last_of_two_wishes_counts(tmp_path):
    supervisor, _ = started_on_first_device("pass", tmp_path)
    third = StreamSettings(backend="virtual", sample_rate=96000.0)
    _, done = gather(supervisor, has("reopen", stream=third.as_dict(), error=""))
    supervisor.reopen(OTHER)
    supervisor.reopen(third)
    assert done.wait(60)
    assert supervisor.stream == third
    supervisor.stop()


def test_reopen_does_not_wait_out_the_delay_for_an_absent_device(tmp_path, monkeypatch):
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 1000.0)
    monkeypatch.setattr(retry, "LONGEST_DELAY_S", 1000.0)
    program = f"if turn == 1: {fault('none')}; sys.exit({Ending.DEVICE_UNAVAILABLE})\nplay(); wait_for_parent()"
    supervisor = Supervisor(SPEC, lambda line: None, command=fake_engine(program, tmp_path), wait_for_device=True)
    _, waiting = gather(supervisor, lambda report: report.get("state") == "waiting")
    _, playing = gather(supervisor, has("reopen", error=""))
    supervisor.start()
    assert waiting.wait(60)
    supervisor.reopen(OTHER)
    assert playing.wait(60)
    supervisor.stop()


def test_orders_reach_the_engine_and_reports_come_back(tmp_path):
    supervisor, _ = started_on_first_device("pass", tmp_path)
    supervisor.stop()
    program = "play()\nfor line in sys.stdin: say(line.replace('echo', 'echoed').strip())"
    supervisor = Supervisor(SPEC, lambda line: None, command=fake_engine(program, tmp_path))
    with pytest.raises(DeviceError, match="no engine"):
        supervisor.order({"echo": 1})
    _, playing = gather(supervisor, has("playing"))
    reports, echoed = gather(supervisor, lambda report: "echoed" in report)
    supervisor.start()
    assert playing.wait(60)
    with pytest.raises(FieldError, match="order"):
        supervisor.order({"echo": "x" * 5000})
    supervisor.order({"echo": 1})
    assert echoed.wait(60)
    assert reports[-1] == {"echoed": 1}
    supervisor.stop()
    with pytest.raises(DeviceError, match="no engine"):
        supervisor.order({"echo": 1})


def test_an_engine_that_does_not_read_never_makes_an_order_wait(tmp_path):
    supervisor, _ = supervised("play(); signal.pause()", tmp_path)
    while supervisor.playing is None:
        assert not supervisor.wait(0.01)
    orders = [functools.partial(supervisor.order, {"record": "x" * 1000})] * 1000
    with pytest.raises(DeviceError, match="does not answer"):
        list(map(operator.call, orders))
    supervisor.stop()


def test_a_reader_that_fails_does_not_end_the_supervision(tmp_path, caplog):
    supervisor = Supervisor(SPEC, lambda line: None, command=fake_engine("play(); sys.exit(10)", tmp_path))
    supervisor.on_report.append(lambda report: 1 / 0)
    states = []
    supervisor.on_report.append(lambda report: states.append(report.get("state")))
    supervisor.start()
    assert supervisor.wait(60)
    assert [state for state in states if state] == ["playing", "stopped"]
    assert "not understood" in caplog.text


def test_the_service_managers_words_are_not_handed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    program = "say('{\"seen\": %d}' % ('NOTIFY_SOCKET' in os.environ)); sys.exit(10)"
    supervisor = Supervisor(SPEC, lambda line: None, command=fake_engine(program, tmp_path))
    reports, _ = gather(supervisor, has("seen"))
    supervisor.start()
    assert supervisor.wait(60)
    assert {"seen": 0} in reports


def test_an_engine_ended_by_somebody_is_not_started_again_at_once():
    assert retry.is_crash(-9)
    assert retry.is_crash(1)
    assert not any(map(retry.is_crash, (Ending.STOPPED, Ending.DEVICE_LOST, Ending.DEVICE_UNAVAILABLE)))


def test_an_engine_is_in_no_group_of_its_parents(tmp_path):
    child = EngineChild(SPEC, fake_engine("play(); wait_for_parent()", tmp_path))
    assert os.getpgid(child.pid) != os.getpgid(0)
    child.stop()
    assert child.end() == 0


def test_a_wish_before_the_start_has_nothing_to_go_back_to(tmp_path):
    refusal = f"{fault('no such rate')}; sys.exit({Ending.DEVICE_UNAVAILABLE})"
    command = fake_engine(BY_STREAM.format(other=refusal), tmp_path)
    supervisor = Supervisor(SPEC, lambda line: None, command=command)
    supervisor.reopen(OTHER)
    supervisor.start()
    assert supervisor.wait(60)
    assert str(supervisor.failure) == "no such rate"
    assert supervisor.starts == 1


def test_an_engine_that_was_found_is_ended_if_another_stream_was_wished_for_meanwhile(tmp_path):
    command = fake_engine(BY_STREAM.format(other="pass"), tmp_path)
    found = EngineChild(SPEC, command)
    supervisor = Supervisor(SPEC, lambda line: None, command=command, found=found)
    reports, done = gather(supervisor, has("reopen"))
    supervisor.reopen(OTHER)
    supervisor.start()
    assert done.wait(60)
    assert {"reopen": {"stream": OTHER.as_dict(), "error": ""}} in reports
    assert found.process.poll() == 0
    supervisor.stop()
