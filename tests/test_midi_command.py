"""`remapd midi`: ports, the monitor and the test of a mapping, on a stand-in of rtmidi, and once on a JACK server."""

import contextlib
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from remapd.cli import main
from remapd.commands.midi.sweeps import sweeps_of
from remapd.commands.midi.text import text_of
from remapd.sinks.midi.document import parse_midi_sink
from remapd.sinks.midi.port_out import PortOut
from remapd.sinks.profiles.library import list_profiles, load_profile
from remapd.sinks.profiles.sinks import sinks_from_profile
from tests.jack_knobs import Knobs
from tests.jack_server import jack_server
from tests.midi_wire import FakeInput, FakeRtMidi


@pytest.fixture
def rtmidi(monkeypatch):
    made = FakeRtMidi(apis=(FakeRtMidi.API_MACOSX_CORE,))
    monkeypatch.setitem(sys.modules, "rtmidi", made)
    return made


def run(*arguments, status=0, **settings):
    result = CliRunner().invoke(main, ["midi", *arguments], **settings)
    assert result.exit_code == status, result.output
    return result.output


# -- ports -----------------------------------------------------------------------------------------------------------


def test_ports_are_listed(rtmidi):
    for name in ("pads:1", "remapd-midi:remapd"):
        rtmidi.plug(name)
    lines = run("ports").splitlines()
    listed = ["  pads:1", "  remapd-midi:remapd  (one of ours)"]
    assert lines == ["CoreMIDI", "inputs:", *listed, "outputs:", *listed]
    document = json.loads(run("ports", "--json"))
    assert document == {
        "interface": "CoreMIDI", "inputs": ["pads:1", "remapd-midi:remapd"], "outputs": ["pads:1", "remapd-midi:remapd"]
    }  # fmt: skip
    assert all(port.deleted for port in (*rtmidi.inputs, *rtmidi.outputs))


@pytest.mark.parametrize("command", [["ports"], ["monitor"], ["test", "x"]])
def test_without_midi_each_says_why(rtmidi, monkeypatch, command):
    rtmidi.works = False
    assert "there is no MIDI: CoreMIDI" in run(*command, status=1)
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    assert "pip install 'remapd[midi]'" in run(*command, status=1)


# -- the monitor -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ((0x99, 38, 100), "channel 10  note on 38 (D2), velocity 100"),
        ((0x90, 60, 0), "channel  1  note off 60 (C4)"),
        ((0x80, 0, 0), "channel  1  note off 0 (C-1)"),
        ((0xA0, 61, 5), "channel  1  pressure of note 61 (C#4): 5"),
        ((0xB2, 7, 5), "channel  3  controller 7: 5"),
        ((0xB0, 123, 0), "channel  1  all notes off"),
        ((0xC0, 9), "channel  1  program 9"),
        ((0xD0, 9), "channel  1  pressure: 9"),
        ((0xE0, 0, 64), "channel  1  pitch bend: 0"),
        ((0xF8,), "clock"),
        ((0xF0, 1, 2, 0xF7), "system exclusive, 4 bytes"),
        ((0xF4,), "system"),
        ((0x90, 1), "no MIDI message: 90 01"),
        ((0x90, 1, 200), "no MIDI message: 90 01 c8"),
        ((), "no MIDI message: "),
        ((5,), "no MIDI message: 05"),
    ],
)
def test_messages_in_words(message, text):
    assert text_of(bytes(message)) == text


def receiving(monkeypatch, *messages):
    """Let every port that is opened have these messages."""
    for name in ("open_port", "open_virtual_port"):
        open_it = getattr(FakeInput, name)

        def opening(self, *arguments, open_it=open_it):
            open_it(self, *arguments)
            self.receive(*messages)

        monkeypatch.setattr(FakeInput, name, opening)


def without_times(output):
    return [line.partition(" ")[2] for line in output.splitlines() if line[2:3] == ":"]


def test_the_monitor_shows_messages_and_what_they_say_together(rtmidi, monkeypatch):
    numbered = [(0xB0, 99, 1), (0xB0, 98, 2), (0xB0, 6, 64), (0xB0, 38, 0)]
    receiving(monkeypatch, (0x99, 38, 1), (0xB0, 7, 127), (0xB0, 39, 127), *numbered)
    output = run("monitor", "--count", "7")
    assert "listening to monitor (CoreMIDI)" in output
    assert without_times(output) == [
        "channel 10  note on 38 (D2), velocity 1",
        "channel  1  controller 7: 127",
        "channel  1  controller 39: 127",
        "channel  1  = cc14 7: 100.00 % of its way",
        "channel  1  controller 99: 1",
        "channel  1  controller 98: 2",
        "channel  1  controller 6: 64",
        "channel  1  controller 38: 0",
        "channel  1  = nrpn 130: 50.00 % of its way",
    ]
    assert "remapd: 7 messages" in output


def test_the_monitor_listens_to_ports_by_a_part_of_their_names(rtmidi, monkeypatch):
    for name in ("desk:1", "desk:2", "other:1"):
        rtmidi.plug(name)
    receiving(monkeypatch, (0xC0, 1))
    assert without_times(run("monitor", "DESK", "--count", "2")) == [
        "desk:1  channel  1  program 1", "desk:2  channel  1  program 1"
    ]  # fmt: skip


def test_the_monitor_on_a_jack_server():
    pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")
    with jack_server() as server:
        command = [sys.executable, "-m", "remapd", "midi", "monitor", "knobs", "--count", "1"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=server.environment, **pipes)
        assert "no port yet" in process.stderr.readline()
        with Knobs(server, "knobs") as knobs:
            assert "listening to knobs:knob" in process.stderr.readline()
            ended = False
            while not ended:  # What a joining port loses is sent again.
                knobs.send((0xB0, 70, 1))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    ended = process.wait(0.1) == 0
        out, _ = process.communicate()
        assert "controller 70: 1" in out


# -- the test of a mapping -------------------------------------------------------------------------------------------


def played(rtmidi, *arguments):
    rtmidi.plug("pads:1")
    output = run("test", "PADS", "--once", "--seconds-per-control", "0.3", *arguments)
    return output, rtmidi.outputs[0].sent


def test_a_profile_is_played_control_by_control_and_ends_in_silence(rtmidi):
    output, sent = played(rtmidi, "--profile", "korg-volca-drum/6", "--channel", "3", "--note", "50")
    assert "Notes 50 on channel 3, from soft to loud" in output
    assert "pitch 1: CC 26 (0 to 60)\n" in output
    assert "    moved by values.osc1.freq (simple_drum): Frequency of the oscillator" in output
    assert "remapd: all notes are off" in output
    assert {message[0] & 0x0F for message in sent} == {2}
    assert any(message[:2] == b"\x92\x32" for message in sent)
    assert sent[-2:] == [b"\xb2\x7b\x00", b"\xb2\x78\x00"]
    assert rtmidi.outputs[0].deleted


def test_a_sink_of_a_file_is_played(rtmidi, tmp_path):
    path = tmp_path / "sink.json"
    controls = [{"source": "velocity", "kind": "cc", "number": 20, "minimum": 10, "maximum": 20}]
    path.write_text(json.dumps({"kind": "midi", "port": "elsewhere", "channel": 1, "controls": controls}))
    output, sent = played(rtmidi, "--sink", str(path))
    assert "CC 20 (10 to 20)\n    moved by velocity: Loudness" in output
    assert {message[1] for message in sent if message[0] == 0xB0} >= {20}


def test_a_port_of_its_own_is_waited_for(rtmidi):
    run("test", "drums", "--virtual", "--once", "--seconds-per-control", "0.01", input="\n")
    assert rtmidi.outputs[0].name == "drums"
    assert any(message[0] == 0x99 for message in rtmidi.outputs[0].sent)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nobody"], "no port is called 'nobody'; there is 'pads:1'"),
        (["pads", "--profile", "nonexistent"], "nonexistent"),
        (["pads", "--profile", "korg-volca-drum/99"], "99"),
        (["pads", "--sink", "/nonexistent.json"], "cannot be read"),
        (["pads", "--sink", __file__], "file of sinks"),
        (["pads", "--sink", "x", "--profile", "y"], "either a profile or a sink"),
    ],
)
def test_what_cannot_be_played_is_told(rtmidi, arguments, text):
    rtmidi.plug("pads:1")
    assert text in run("test", *arguments, "--once", status=1)


def test_every_control_of_every_profile_that_ships_runs_through_its_range():
    for path in list_profiles().values():
        profile = load_profile(path)
        for instrument in profile.instruments:
            sink = parse_midi_sink(sinks_from_profile(profile, instrument.name) | {"port": "x"})
            for sweep in list(sweeps_of(sink))[1:]:
                port, now_s, sent = PortOut([sweep.sink], byte_s=0.0), 0.0, set()
                for step in range(13):
                    now_s += 1.0
                    messages = port.hit(sweep.hit(step / 12), now_s)
                    sent |= {m for m in messages if m[0] & 0xF0 not in (0x80, 0x90)}
                    port.due(now_s + 0.5)
                assert len(sent) > 3, (profile.name, instrument.name, sweep.lines({}))
