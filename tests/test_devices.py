"""Devices: found by name or index, refused with the names there are, and listed; PortAudio missing or present."""

import json
import sys

import pytest
from click.testing import CliRunner

from remapd.audio import portaudio_library
from remapd.audio.devices import Device, HostApi, choose_device
from remapd.cli import main
from remapd.commands.devices import device_lines
from remapd.errors import DeviceError
from tests.jack_server import jack_server


def device(index, name, host_api, inputs=2, outputs=2, default=False):
    return Device(index, name, host_api, inputs, outputs, 48000.0, 1.5, 2.5, default, default)


ALSA = HostApi(
    "ALSA",
    (
        device(0, "HDA Intel: ALC (hw:0,0)", "ALSA"),
        device(1, "USB Audio: Scarlett 2i2 (hw:1,0)", "ALSA"),
        device(2, "HDMI 0", "ALSA", inputs=0, outputs=8),
        device(3, "default", "ALSA", default=True),
    ),
)
JACK = HostApi("JACK Audio Connection Kit", (device(4, "system", "JACK Audio Connection Kit", default=True),))
NO_JACK = HostApi("JACK Audio Connection Kit", ())


@pytest.mark.parametrize(
    ("host_apis", "wanted", "host_api", "index"),
    [
        ([ALSA, JACK], None, None, 4),
        ([ALSA, NO_JACK], None, None, 3),
        ([ALSA, JACK], None, "alsa", 3),
        ([ALSA, JACK], "scarlett", None, 1),
        ([ALSA, JACK], "1", None, 1),
        ([ALSA, JACK], "SYSTEM", None, 4),
        ([ALSA, JACK], "default", None, 3),
        ([HostApi("ALSA", (device(7, "only", "ALSA"),))], None, None, 7),
    ],
)
def test_finds_the_one_that_fits(host_apis, wanted, host_api, index):
    assert choose_device(host_apis, "input", wanted, host_api).index == index


@pytest.mark.parametrize(
    ("wanted", "host_api", "text"),
    [
        ("scarlet 2i2", None, "no input device is called 'scarlet 2i2'; there are: [0] HDA Intel"),
        ("sistem", None, "(did you mean system?)"),
        ("hw:", None, "several input devices fit 'hw:': [0] HDA Intel"),
        ("HDMI 0", None, "no input device is called 'HDMI 0'"),
        ("99", None, "no input device is called '99'"),
        (None, "asio", "no host API is called 'asio'; there are: ALSA, JACK Audio Connection Kit"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_there_is(wanted, host_api, text):
    with pytest.raises(DeviceError) as caught:
        choose_device([ALSA, JACK], "input", wanted, host_api)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_device_at_all_names_the_way_out():
    with pytest.raises(DeviceError, match=r"there is no output device; .*--backend virtual"):
        choose_device([NO_JACK], "output")


def test_lines_show_channels_rates_and_defaults():
    lines = device_lines([ALSA, NO_JACK], {3: (44100, 48000)})
    assert lines[0] == "ALSA"
    assert " ".join(lines[3].split()) == "[2] HDMI 0 0 in, 8 out 48 kHz 1.5 ms in, 2.5 ms out"
    assert "44.1/48 kHz" in lines[4]
    assert lines[4].endswith("default input and output")
    assert lines[5] == "JACK Audio Connection Kit: no devices"


def test_lines_without_a_device_say_what_to_do():
    assert "remapd doctor" in device_lines([NO_JACK], {})[-1]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("PortAudio library not found"), "apt install libportaudio2"),
        (ImportError("No module named 'cffi'"), "sounddevice is missing"),
        (RuntimeError("Error initializing\nPortAudio"), "PortAudio cannot start: Error initializing PortAudio"),
    ],
)
def test_a_missing_portaudio_is_one_clear_line(monkeypatch, error, text):
    def absent(name):
        raise error

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(portaudio_library.importlib, "import_module", absent)
    with pytest.raises(DeviceError) as caught:
        portaudio_library.load()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_reports_a_missing_portaudio(monkeypatch):
    def absent():
        raise DeviceError(portaudio_library.REMEDY)

    monkeypatch.setattr(portaudio_library, "load", absent)
    result = CliRunner().invoke(main, ["devices"])
    assert result.exit_code == 1
    assert result.output.splitlines() == [f"remapd: {portaudio_library.REMEDY}"]


def test_libraries_that_print_are_not_heard(capfd):
    import os

    with portaudio_library.silenced_stderr():
        os.write(2, b"jack server is not running")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_the_command_lists_a_jack_server():
    import subprocess

    with jack_server(rate=44100, period=128) as server:
        command = [sys.executable, "-m", "remapd", "devices", "--json"]
        run = subprocess.run(command, env=server.environment, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    [jack] = [api for api in json.loads(run.stdout) if "JACK" in api["host_api"]]
    [system] = [device for device in jack["devices"] if device["name"] == "system"]
    assert (system["inputs"], system["outputs"]) == (2, 2)
    assert system["sample_rates"] == [44100]
    assert system["is_default_input"] is True
