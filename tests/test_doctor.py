"""The doctor's judgement, with and without each part, and the command as a whole."""

import json
import shutil
import types

import pytest
from click.testing import CliRunner

from remapd.audio import portaudio_library
from remapd.audio.devices import HostApi
from remapd.cli import main
from remapd.commands import doctor
from remapd.daemon.health import audio, midi, models, self_test, system
from remapd.daemon.health.finding import fail, ok, warn
from remapd.dsp import kernel
from remapd.errors import DeviceError
from remapd.mapping import library
from tests.test_devices import ALSA, JACK, NO_JACK, device


def statuses(findings):
    return [(finding.topic, finding.status) for finding in findings]


def test_every_fault_has_a_remedy(monkeypatch):
    def absent():
        raise DeviceError(portaudio_library.REMEDY)

    monkeypatch.setattr(audio, "list_host_apis", absent)
    [finding] = audio.check_audio()
    assert finding.status == "warn"
    assert "apt install libportaudio2" in finding.remedy


@pytest.mark.parametrize(
    ("host_apis", "knows_jack", "status"),
    [([ALSA, JACK], True, ["ok"]), ([ALSA, NO_JACK], True, ["warn"]), ([ALSA], True, ["warn"])],
)
def test_jack_is_judged_by_whether_a_server_answers(monkeypatch, host_apis, knows_jack, status):
    monkeypatch.setattr(portaudio_library, "knows_jack", lambda: knows_jack)
    assert [finding.status for finding in audio.check_jack(host_apis)] == status


@pytest.mark.parametrize(
    ("devices", "status"),
    [
        ([device(0, "both", "ALSA")], "ok"),
        ([device(0, "microphone", "ALSA", outputs=0), device(1, "speaker", "ALSA", inputs=0)], "ok"),
        ([device(0, "speaker", "ALSA", inputs=0)], "warn"),
        ([], "warn"),
    ],
)
def test_both_an_input_and_an_output_are_needed(devices, status):
    assert statuses(audio.check_devices([HostApi("ALSA", tuple(devices))])) == [("audio devices", status)]


def test_midi_is_well_if_one_interface_is():
    [finding] = midi.judge({"ALSA": "no sequencer", "Jack": ["synth:in", "drum:in"]})
    assert finding.status == "ok"
    assert finding.text == "outputs for sinks: Jack: synth:in, drum:in; ALSA: no sequencer"


def test_midi_without_an_interface_names_the_ways():
    [finding] = midi.judge({"ALSA": "no sequencer"})
    assert finding.status == "warn"
    assert "snd-seq" in finding.remedy


def test_rtmidi_is_compiled_only_where_there_is_no_wheel():
    assert midi.install_remedy((3, 12), "Linux") == "pip install 'remapd[midi]'"
    remedy = midi.install_remedy((3, 13), "Linux")
    assert "libasound2-dev" in remedy
    assert "libjack-jackd2-dev" in remedy
    assert "pip install -c constraints.txt '.[midi]'" in remedy


def test_the_folder_for_own_models_is_named_with_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "user_folder", lambda: tmp_path)
    monkeypatch.setattr(library, "user_folder", lambda: tmp_path)
    [finding] = models.check_models()
    assert finding.status == "ok"
    assert f"{tmp_path}, where there are models: none" in finding.text
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.json").write_text("{}")
    shutil.copy(library.find_model("velocity"), tmp_path / "my_model.safetensors")
    first, second = models.check_models()
    assert "models: my_model; presets, in its folder presets: mine" in first.text
    assert second.status == "warn"
    assert "mine.json" in second.text


def test_a_temporary_cache_is_told_from_one_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(system.tempfile, "gettempdir", lambda: str(tmp_path))
    assert "set XDG_CACHE_HOME" in system._cache_remedy(tmp_path / "home" / "remapd")
    wanted = tmp_path.parent / "home"
    monkeypatch.setattr(kernel, "cache_root", lambda: wanted)
    assert "unset NUMBA_CACHE_DIR" in system._cache_remedy(wanted)
    monkeypatch.setattr(kernel, "cache_root", lambda: tmp_path)
    assert system._cache_remedy(wanted) == f"make {wanted} writable, by you alone"


def test_a_missing_rtmidi_is_a_warning(monkeypatch):
    def absent(name):
        raise ImportError("No module named 'rtmidi'")

    monkeypatch.setattr(midi.importlib, "import_module", absent)
    assert statuses(midi.check_midi()) == [("MIDI", "warn")]


def test_rtmidi_that_raises_is_told_in_one_line(monkeypatch):
    def broken(api, name):
        raise RuntimeError("no\nserver")

    fake = types.SimpleNamespace(get_compiled_api=lambda: [1], get_api_display_name=lambda api: "Jack", MidiOut=broken)
    monkeypatch.setattr(midi.importlib, "import_module", lambda name: fake)
    [finding] = midi.check_midi()
    assert finding.text == "Jack: no server"


@pytest.mark.parametrize(
    ("durations_us", "worst_late_s", "status"),
    [
        ((5.0, 9.0, 30.0), 0.0002, "ok"),
        ((5.0, 9.0, 700.0), 0.0002, "warn"),
        ((5.0, 9.0, 30.0), 0.0014, "warn"),
    ],
)
def test_a_block_may_take_half_its_time(durations_us, worst_late_s, status):
    assert self_test.judge(self_test.HITS, durations_us, worst_late_s).status == status


def test_an_engine_that_misses_hits_is_a_failure():
    assert self_test.judge(0, (5.0, 9.0, 30.0), 0.0).status == "fail"


def test_the_engine_finds_the_hits_of_the_self_test():
    [finding] = self_test.check_engine()
    assert finding.status != "fail"
    assert f"{self_test.HITS} of {self_test.HITS} hits" in finding.text


def test_a_cpu_clock_that_follows_the_load_is_a_warning(tmp_path):
    for core, governor in enumerate(["performance", "powersave"]):
        folder = tmp_path / f"cpu{core}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(governor + "\n")
    [finding] = system.check_cpu(tmp_path)
    assert finding.status == "warn"
    assert "governor performance, powersave" in finding.text
    (tmp_path / "cpu1" / "cpufreq" / "scaling_governor").write_text("performance")
    assert statuses(system.check_cpu(tmp_path)) == [("CPU", "ok")]


def test_priority_that_is_refused_names_the_limits_file(monkeypatch):
    monkeypatch.setattr(system.subprocess, "run", lambda *a, **k: types.SimpleNamespace(returncode=1))
    findings = list(system.check_priority())
    assert [finding.status for finding in findings] == ["warn"]
    assert "limits.d" in findings[0].remedy


def test_memory_without_a_limit_is_well(monkeypatch):
    monkeypatch.setattr(system, "_limit", lambda name: None)
    assert statuses(system.check_memory()) == [("locked memory", "ok")]


def test_limited_memory_is_a_warning(monkeypatch):
    monkeypatch.setattr(system, "_limit", lambda name: 8_192_000)
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000, raising=False)
    [finding] = system.check_memory()
    assert finding.status == "warn"
    assert "8192 kB" in finding.text


def test_another_python_is_a_failure(monkeypatch):
    monkeypatch.setattr(system, "SUPPORTED", ((4, 0), (5, 0)))
    assert statuses(system.check_python()) == [("Python", "fail")]


@pytest.mark.parametrize(
    ("findings", "status"),
    [
        ([ok("one", "works"), warn("two", "slow", "be patient")], 0),
        ([fail("one", "broken", "mend it"), ok("two", "works")], 1),
    ],
)
def test_only_a_failure_changes_the_exit_status(monkeypatch, findings, status):
    monkeypatch.setattr(doctor, "_findings", lambda: iter(findings))
    plain = CliRunner().invoke(main, ["doctor"])
    assert plain.exit_code == status
    assert len(plain.output.splitlines()) == 3
    as_json = CliRunner().invoke(main, ["doctor", "--json"])
    assert as_json.exit_code == status
    assert json.loads(as_json.output) == {"ok": status == 0, "findings": [f.as_dict() for f in findings]}


def test_the_command_runs_here():
    result = CliRunner().invoke(main, ["doctor", "--json"])
    findings = json.loads(result.stdout)["findings"]
    assert {"Python", "compiled code", "engine", "PortAudio", "MIDI", "CPU"} <= {f["topic"] for f in findings}
    assert all(bool(f["remedy"]) == (f["status"] != "ok") for f in findings)
    assert result.exit_code == 0
