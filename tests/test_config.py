"""The config: the file, the environment and flags, each named when it does not fit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.control.jobs.limits import JobLimits
from remapd.control.recordings.limits import RecordingLimits
from remapd.control.settings.config import DEVICE, MAX_FILE_BYTES, MIX, Config, config_path, load_config
from remapd.control.settings.directories import directories
from remapd.control.tree import build_tree
from remapd.engine.layout import MAX_TRACKS
from remapd.errors import ConfigError, FieldError, RemapdError
from remapd.mapping import library


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """No environment and no folders of the one who runs the tests."""
    for name in [name for name in os.environ if name.startswith("REMAPD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REMAPD_PATHS__CONFIG", str(tmp_path))


def _load(tmp_path, text, **overrides):
    path = tmp_path / "remapd.toml"
    path.write_text(text)
    return load_config(path, overrides)


def test_without_a_file_the_config_says_nothing_of_the_tree():
    config = load_config()
    assert config.values() == {}
    assert JobLimits(**config.jobs) == JobLimits()
    assert RecordingLimits(**config.recordings) == RecordingLimits()
    assert config.http.host == config.osc.host == "127.0.0.1"
    assert config.track == []


def test_every_setting_says_what_it_is():
    for name, section in Config.model_fields.items():
        for key, setting in getattr(section.annotation, "model_fields", {}).items():
            assert setting.description, f"{name}.{key}"
    assert DEVICE.controls.keys() == set(build_tree(()).children("/device"))
    assert {f"/{name}" for name in MIX.controls} == {c.path for c in build_tree(()).values() if c.setting}


def test_the_file_is_found_where_the_environment_says(tmp_path):
    assert config_path() == tmp_path / "remapd.toml"
    (tmp_path / "remapd.toml").write_text("[http]\nport = 8100\n")
    assert load_config().http.port == 8100


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path, monkeypatch):
    text = "[http]\nport = 1\nhost = '0.0.0.0'\nrate_hz = 5\n"
    monkeypatch.setenv("REMAPD_HTTP__PORT", "2")
    monkeypatch.setenv("REMAPD_HTTP__HOST", "::1")
    config = _load(tmp_path, text, http={"port": 3})
    assert (config.http.port, config.http.host, config.http.rate_hz) == (3, "::1", 5.0)


def test_the_environment_has_numbers_switches_and_lists_as_text(monkeypatch):
    for name, text in {
        "REMAPD_OSC__ALLOW": "10.0.0.0/8, 192.168.1.7",
        "REMAPD_OSC__ENABLED": "false",
        "REMAPD_DEVICE__BLOCK_SIZE": "128",
        "REMAPD_DEVICE__BACKEND": "virtual",
        "REMAPD_JOBS__QUEUE": "3",
        "REMAPD_MIX__OUTPUT_GAIN_DB": "-6",
        "REMAPD_MIDI__PORTS": "nano, keys",
        "REMAPD_TRACK": json.dumps([{"model": "velocity", "mute": True}]),
    }.items():
        monkeypatch.setenv(name, text)
    config = load_config()
    assert config.osc.allow == ["10.0.0.0/8", "192.168.1.7"]
    assert not config.osc.enabled
    assert config.midi.ports == ["nano", "keys"]
    assert JobLimits(**config.jobs) == JobLimits(queue=3)
    values = config.values()
    assert "/log_level" not in values
    assert values["/device/block_size"] == 128
    assert values["/device/backend"] == "virtual"
    assert values["/output_gain_db"] == -6.0
    assert values["/track/1/model"] == "velocity"
    assert values["/track/1/mute"] is True


@pytest.mark.parametrize(
    "text",
    [
        "[[track]]\n'onset.hold_ms' = 30\n'osc1.freq' = 200\n'depth.osc1.freq' = 0.5\n'loudness.scale' = 2\n",
        "[[track]]\n'onset/hold_ms' = 30\n'synth/osc1/freq' = 200\n"
        "'depth/osc1/freq' = 0.5\n'feature/loudness/scale' = 2\n",
        "[[track]]\nonset.hold_ms = 30\nsynth.osc1.freq = 200\ndepth.osc1.freq = 0.5\nfeature.loudness.scale = 2\n",
        "[[track]]\n[track.onset]\nhold_ms = 30\n[track.osc1]\nfreq = 200\n[track.depth.osc1]\nfreq = 0.5\n"
        "[track.loudness]\nscale = 2\n",
    ],
)
def test_a_tracks_settings_may_be_written_in_several_ways(tmp_path, text):
    assert _load(tmp_path, text).track == [
        {"onset/hold_ms": 30.0, "synth/osc1/freq": 200.0, "depth/osc1/freq": 0.5, "feature/loudness/scale": 2.0}
    ]


def test_the_level_of_the_log_is_a_control_once_it_is_said(tmp_path):
    assert _load(tmp_path, "[log]\nlevel = 'info'\n").values() == {"/log_level": "info"}


def test_what_a_track_can_have_depends_on_its_synth_which_is_not_known_yet(tmp_path):
    assert _load(tmp_path, "[[track]]\nmodel = 'kick_long'\nclick_env.decay = 20\n").track
    paths = _load(tmp_path, "[[track]]\nmodel = 'kick_long'\n\n[[track]]\ninput_channel = 2\n").values()
    assert paths["/track/1/model"] == "kick_long"
    assert paths["/track/2/input_channel"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[http]\nprot = 1\n", r"http\.prot: .*did you mean port\?"),
        ("[htp]\nport = 1\n", r"htp: .*did you mean http\?"),
        ("http = 1\n", "http: expected a section, got something else"),
        ("[http]\nport = true\n", r"http\.port: expected a whole number from 0 to 65535, got True"),
        ("[http]\nport = 70000\n", r"http\.port: expected a whole number from 0 to 65535, got 70000"),
        ("[http]\nrate_hz = nan\n", r"http\.rate_hz: expected a number from 1 to 100000, got nan"),
        ("[http]\nenabled = 'perhaps'\n", r"http\.enabled: .*boolean"),
        ("[http]\nhost = ''\n", r"http\.host: "),
        ("[http]\nhost = 'a\\nb'\n".replace("'", '"'), r"http\.host: .*printable"),
        ("[http]\nallowed_origins = ['desk.local']\n", r"http\.allowed_origins\.1: .*https://"),
        ("[http]\nallowed_hosts = ['desk.local:80']\n", r"http\.allowed_hosts\.1: .*without a port"),
        ("[osc]\nallow = ['10.0.0.0/8', 'all']\n", r"osc\.allow\.2: .*192\.168"),
        ("[log]\nlevel = 'loud'\n", r"log\.level: expected one of debug"),
        ("[log]\nformat = 'xml'\n", r"log\.format: expected plain or json, got 'xml'"),
        ("[jobs]\nqueue = 0\n", r"jobs\.queue: expected a whole number from 1 to"),
        ("[device]\nblock_siz = 1\n", r"device\.block_siz: .*did you mean block_size\?"),
        ("[device]\nblock_size = 1\n", r"device\.block_size: expected a whole number from 16 to 4096 frames, got 1"),
        ("[device]\nbackend = 'alsa'\n", r"device\.backend: expected one of portaudio, virtual"),
        ("device = 1\n", "device: expected a section"),
        ("[mix]\noutput_gain_db = 99\n", r"mix\.output_gain_db: expected a number from -60 to 12 dB"),
        ("[paths]\ndata = 'here'\n", r"paths\.data: expected a path from the root on"),
        ("[track]\nmute = true\n", r"track: expected tracks, each begun by \[\[track\]\]"),
        ("track = [1]\n", r"track\.1: expected a table"),
        ("[[track]]\n[[track]]\nonset.hold = 1\n", r"track\.2\.onset\.hold: .*did you mean onset\.hold_ms\?"),
        ("[[track]]\nonset.hold_ms = 1\n'onset/hold_ms' = 2\n", r"track\.1\.onset/hold_ms: expected one value"),
        ("[[track]]\nosc1.freq = 1e9\n", r"track\.1\.osc1\.freq: expected a number from .* Hz, got 1000000000"),
        ("[[track]]\nmodel = 3\n", r"track\.1\.model: expected one line"),
        ("[[track]]\n" * (MAX_TRACKS + 1), "track: "),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, message):
    with pytest.raises(FieldError, match=message):
        _load(tmp_path, text)


@pytest.mark.parametrize("text", ["x", "[http", "a = " + "[" * 100_000, "[http]\nport = 1\nport = 2\n"])
def test_what_is_no_toml_is_told_in_a_line(tmp_path, text):
    with pytest.raises(ConfigError, match=r"remapd\.toml.* is no TOML text: .") as refusal:
        _load(tmp_path, text)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_named_must_be_there_and_of_a_sensible_size(tmp_path):
    with pytest.raises(RemapdError, match=r"none\.toml.*cannot be read"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(RemapdError, match="larger than"):
        load_config(tmp_path / "large.toml")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("REMAPD_HTPP__PORT", "1", r"did you mean REMAPD_HTTP__\.\.\.\?"),
        ("REMAPD_HTTP_PORT", "1", r"did you mean REMAPD_HTTP__PORT\?"),
        ("remapd_osc_udp_port", "1", r"did you mean REMAPD_OSC__UDP_PORT\?"),
        ("REMAPD_HTTP__PROT", "1", r"did you mean port\?"),
        ("REMAPD_TRACK", "[", "environment.*track"),
    ],
)
def test_what_does_not_fit_in_the_environment_is_named(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(RemapdError, match=message):
        load_config()


def test_other_variables_of_our_name_are_left_alone(monkeypatch):
    for name in ("REMAPD_AUDIO", "REMAPD_HTTPX_PORT", "HTTP_PORT"):
        monkeypatch.setenv(name, "/somewhere")
    assert load_config().http.port == Config().http.port


@pytest.mark.parametrize("text", ["[[http]]\ntoken = 'TOKEN'\n", "http = 'TOKEN'\n", "[http.token]\nfile = 'TOKEN'\n"])
def test_a_token_in_the_wrong_place_is_not_shown_either(tmp_path, text):
    token = "verysecretverysecret"
    with pytest.raises(FieldError, match="http") as refusal:
        _load(tmp_path, text.replace("TOKEN", token))
    assert token not in f"{refusal.value} {refusal.value.got!r}"


def test_a_token_is_never_shown(tmp_path):
    token = "verysecretverysecret"
    assert token not in repr(_load(tmp_path, f"[http]\ntoken = '{token}'\n"))
    with pytest.raises(FieldError) as refusal:
        _load(tmp_path, f"[http]\ntoken = ['{token}']\n")
    assert token not in str(refusal.value)
    assert token not in repr(refusal.value.got)


def test_folders_can_be_named(tmp_path, monkeypatch):
    config = _load(tmp_path, f"[paths]\nstate = '{tmp_path}/state'\n")
    assert config.directories().state == tmp_path / "state"
    assert config.directories().session_file.parent == tmp_path / "state"
    monkeypatch.setenv("REMAPD_PATHS__DATA", str(tmp_path / "data"))
    assert load_config().directories().models == tmp_path / "data" / "models" == library.user_folder()
    assert directories().data == tmp_path / "data"


def test_a_folder_of_the_file_can_hold_for_all_that_follows(tmp_path, monkeypatch):
    monkeypatch.setenv("REMAPD_PATHS__DATA", "")
    config = _load(tmp_path, f"[paths]\ndata = '{tmp_path}/data'\n")
    assert library.user_folder() != config.directories().models
    config.directories().export()
    assert library.user_folder() == tmp_path / "data" / "models"


def test_folders_are_made_and_the_private_ones_are_ones_own(tmp_path):
    found = directories(tmp_path / "c", tmp_path / "d", tmp_path / "s", tmp_path / "r")
    found.make()
    found.make()
    assert (found.models / "presets").is_dir()
    assert found.sessions.is_dir()
    for folder in (found.state, found.runtime):
        assert folder.stat().st_mode & 0o077 == 0


def test_sockets_are_never_in_a_folder_that_others_can_make(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert directories(state=tmp_path).runtime == tmp_path / "run"


@given(st.text(max_size=300) | st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_a_config_or_refused_in_a_line(tmp_path, content):
    _try(tmp_path / "any.toml", content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


_VALUES = st.sampled_from(
    ["1", "-1", "1e400", "nan", "''", "'x'", "true", "[]", "[1]", "{}", "{a = 1}", "[[1]]", "1979-05-27", "9" * 400]
) | st.text(max_size=20).map(json.dumps)
_KEYS = sorted(
    {key for section in Config.model_fields.values() for key in getattr(section.annotation, "model_fields", {})}
)


@given(
    st.sampled_from(sorted(Config.model_fields)),
    st.booleans(),
    st.dictionaries(st.sampled_from([*_KEYS, *DEVICE.controls, *MIX.controls, "a.b", "mute"]), _VALUES, max_size=3),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_are_a_config_or_refused_in_a_line(tmp_path, section, as_list, values):
    head = f"[[{section}]]" if as_list else f"[{section}]"
    _try(tmp_path / "any.toml", "\n".join([head, *(f"{k} = {v}" for k, v in values.items())]).encode())


_VARIABLES = [
    f"REMAPD_{section.upper()}__{key.upper()}"
    for section, field in Config.model_fields.items()
    for key in (*getattr(field.annotation, "model_fields", {}), "NONE")
]


@given(
    st.dictionaries(
        st.sampled_from([*_VARIABLES, "REMAPD_TRACK", "REMAPD_HTTP", "REMAPD_DEVICE", "REMAPD_DEVICE__BLOCK_SIZE"]),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | _VALUES,
        max_size=3,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_environment_makes_a_config_or_is_refused_in_a_line(tmp_path, variables):
    with mock.patch.dict(os.environ, variables):
        _try(tmp_path / "any.toml", b"")


def _try(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    text = ""
    try:
        assert isinstance(load_config(path).values(), dict)
    except RemapdError as refusal:
        text = str(refusal)
    assert "\n" not in text
    assert len(text) < 1000
