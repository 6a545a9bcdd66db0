"""The supervisor with stand-ins for the engine process: what it tries again, what it gives up, and what it says."""

import pytest

from remapd.audio.backend import StreamSettings
from remapd.daemon import supervisor as module
from remapd.daemon.child import EngineChild
from remapd.daemon.supervisor import Backoff, Supervisor
from remapd.engine_process import Ending, Spec, StallWatch
from remapd.errors import DeviceError
from tests.fake_engines import fake_engine, fault

SPEC = Spec("/no/block", StreamSettings(backend="virtual"))
PLAYING = "drum -> amplifier, 48000 Hz, blocks of 64 frames"


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.001)


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
    assert (tmp_path / "turn").read_text() == str(module.CRASHES_AT_START)


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
    monkeypatch.setattr("remapd.daemon.child._STOP_S", 0.05)
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
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.25)
    backoff = Backoff()
    delays = [backoff.delay_s(crashed=False, played_s=0.0) for _ in range(7)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.delay_s(crashed=False, played_s=60.0) == 0.25


def test_the_first_crash_costs_no_delay_but_the_next_ones_do(monkeypatch):
    monkeypatch.setattr(module, "FIRST_DELAY_S", 0.25)
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
