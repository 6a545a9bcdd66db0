"""Device profiles: the format, the files that ship, and what a sink makes of them."""

import contextlib
import dataclasses
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.engine.events import HitEvent
from remapd.errors import FieldError, NotFoundError, RemapdError
from remapd.features.descriptors import FEATURES
from remapd.sinks.midi.document import parse_midi_sink
from remapd.sinks.midi.port_out import PortOut
from remapd.sinks.profiles import library
from remapd.sinks.profiles.library import (
    SHIPPED,
    find_profile,
    list_profiles,
    load_profile,
    load_profile_named,
    profile_from,
)
from remapd.sinks.profiles.parsing import parse_profile
from remapd.sinks.profiles.profile import Instrument, Profile, ProfileError
from remapd.sinks.profiles.sinks import sinks_from_profile
from remapd.sinks.profiles.writing import profile_text
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit
from tests.profile_files import THUMPER

DEVICES = sorted(path.stem for path in SHIPPED.glob("*.toml"))
WANTED = {
    "roland-tr-8s", "roland-tr-08", "korg-volca-drum", "elektron-analog-rytm-mkii", "nord-drum-3p",
    "general-midi-drums", "fluidsynth", "gs-drums",
}  # fmt: skip


def thumper(*changes: tuple[str, str]) -> Profile:
    text = THUMPER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return profile_from(text.encode(), "thumper", "thumper.toml")


def sink(profile: Profile, instrument: str = "", synth: str = "") -> dict:
    """The sink as its own document has it, so that defaults are filled in."""
    return parse_midi_sink(sinks_from_profile(profile, instrument, synth)).document()


def moved(document: dict, synth: str) -> dict[tuple[str, int], dict]:
    return {(c["kind"], c["number"]): c for c in document["controls"] if c["synth"] in ("", synth)}


# The format.


def test_a_profile_has_all_that_its_file_says():
    profile = thumper()
    assert (profile.name, profile.title, profile.wire) == ("thumper", "Acme Thumper", "din")
    assert profile.sources == ("Acme Thumper MIDI Implementation, version 1.00",)
    assert (profile.licence, profile.attribution) == ("CC0-1.0", "Nobody")
    snare, kick = profile.instruments
    assert (snare.channel, snare.note, kick.channel, kick.note, kick.note_length_ms) == (3, 38, 4, 36, 20.0)
    ways = {c.name: (c.kind, c.number, c.minimum, c.maximum, c.centre, c.default) for c in snare.controls}
    assert ways == {
        "tune": ("cc", 25, 0, 127, 64, 60),
        "snap": ("nrpn7", 154, 0, 127, None, None),
        "fine": ("nrpn", 155, 0, 16383, None, None),
        "wide": ("cc14", 5, 100, 9000, None, None),
        "bend": ("pitch_bend", 0, -8192, 8191, None, None),
        "reverb": ("cc", 91, 0, 127, None, None),
    }
    assert [c.name for c in kick.controls] == ["tune", "reverb"]


def test_a_sink_has_the_line_of_its_synth_and_the_general_one_for_all_others():
    document = sink(thumper(), "sd")
    assert (document["channel"], document["note"], document["wire"]) == (3, 38, "din")
    assert (document["profile"], document["instrument"]) == ("thumper", "SD")
    special = moved(document, "snare808")["cc", 25]
    assert (special["source"], special["source_minimum"], special["centre"]) == ("values.osc1.freq", 120, 64)
    for synth in set(SYNTHS) - {"snare808"}:
        general = moved(document, synth)["cc", 25]
        assert (general["source"], general["minimum"], general["maximum"]) == ("scaled.centroid", 70, 100)
        # The device's own centre lies outside of what is left of its range.
        assert general["invert"]
        assert general["centre"] is None
    assert {c["synth"] for c in document["controls"] if c["kind"] == "nrpn7"} == {""}


def test_a_kick_has_no_line_of_a_snare_and_its_own_note_length():
    document = sink(thumper(), "BD")
    assert {(c["kind"], c["number"]) for c in document["controls"]} == {("cc", 20)}
    assert document["note_length_ms"] == 20


def test_the_instrument_is_found_by_the_synth():
    assert sinks_from_profile(thumper(), synth="snare808")["instrument"] == "SD"
    swapped = thumper(
        ('synths = ["snare808"]\ncontrol', 'synths = ["hat808"]\ncontrol'),
        ("note_length_ms = 20", 'synths = ["kick808"]'),
    )
    assert sinks_from_profile(swapped, synth="kick808")["instrument"] == "BD"
    assert sinks_from_profile(swapped, synth="clap808")["instrument"] == "SD"
    assert sinks_from_profile(swapped)["instrument"] == "SD"


def test_an_unknown_instrument_is_told_with_those_there_are():
    with pytest.raises(FieldError, match=r"instrument: expected an instrument of thumper: SD, BD.*got 'TT'"):
        sinks_from_profile(thumper(), "TT")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "LINE: format: expected 1, got 2"),
        ('licence = "CC0-1.0"', "", "profile.licence: expected a value, got none"),
        ("licence", "license", "did you mean licence"),
        ("channel = 3", "channel = 17", "LINE: channel: expected a whole number from 1 to 16, got 17"),
        ('wire = "din"', 'wire = "dinn"', "did you mean din"),
        ("note = 38", "note = 128", "LINE: instrument.1.note: .* from 0 to 127, got 128"),
        ("note = 36", "note = true", "LINE: instrument.2.note"),
        ('name = "BD"', 'name = "sd"', "LINE: instrument.2.name: expected a name that no other instrument has"),
        ('name = "SD"', 'name = "S/D"', "LINE: instrument.1.name"),
        ("cc = 25", "cc = 120", "LINE: instrument.1.control.1.cc: .* from 0 to 119, got 120"),
        ("cc = 25", "cc = 99", "LINE: instrument.1.control.1.cc: .* numbered parameter, got 99"),
        ("cc = 20", "cc = 1.5", "LINE: instrument.2.control.1.cc"),
        ("cc = 25", "cc = 25, cc14 = 3", "LINE: instrument.1.control.1: expected one of .* got cc and cc14"),
        ("[1, 26]", "[1]", r"LINE: instrument.1.control.2.nrpn: expected \[coarse, fine\]"),
        ("[1, 26]", "[1, 128]", "LINE: instrument.1.control.2.nrpn"),
        ('"pitch_bend"', '"pitchbend"', "LINE: instrument.1.control.5.kind: .*did you mean pitch_bend"),
        ("centre = 64", "centre = 128", "LINE: instrument.1.control.1.centre"),
        ('name = "snap", nrpn', 'name = "tune", nrpn', "LINE: instrument.1.control.2.name"),
        ("minimum = 100", "minimum = 9001", "LINE: instrument.1.control.4.maximum: expected more than"),
        ('control = "snap"\nsource', 'control = "snp"\nsource', "LINE: mapping.3.control: .*did you mean snap"),
        ("values.osc1.freq", "values.osc1.frq", "LINE: mapping.1.source: .*did you mean osc1.freq"),
        ("source_maximum = 400", "source_maximum = 2001", "LINE: mapping.1.source_maximum: .* to 2000 Hz"),
        ("source_maximum = 400", "source_maximum = 100", "LINE: mapping.1.source_maximum: expected more than 120"),
        ('synths = ["snare808"]\nsource', 'synths = ["snare"]\nsource', "LINE: mapping.1.synths: .*mean snare808"),
        ('synths = ["snare808"]\nsource', 'synths = ["hat808"]\nsource', "mapping.1.*with the parameter osc1.freq"),
        ("minimum = 70", "minimum = -1", "LINE: mapping.2.minimum: expected a whole number from 0 to 127"),
        ('curve = "slow"', 'curve = "slower"', "LINE: mapping.3.curve: .*did you mean slow"),
        ('control = "snap"\nsource', 'control = "tune"\nsource', "mapping.3.control: .*than mapping.2"),
        ('control = "snap"\nsource', 'control = "snap"\ninstruments = ["BD"]\nsource', "of the instrument BD"),
        ("[[control]]", "[control]", "control: expected 0 to 2048 tables"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_line(old, new, message):
    line = THUMPER[: THUMPER.index(old)].count("\n") + 1
    with pytest.raises(ProfileError, match=message.replace("LINE", f"line {line}")) as caught:
        thumper((old, new))
    assert str(caught.value).startswith("profile 'thumper.toml'")
    assert "\n" not in str(caught.value)


def test_two_names_of_one_controller_may_not_move_at_the_same_time():
    with pytest.raises(ProfileError, match=r"instrument.1.controls.*cc 25 twice"):
        thumper(('{ name = "snap", nrpn = [1, 26], maximum = 127', '{ name = "snap", cc = 25'))


def test_what_is_no_toml_is_told_with_its_place():
    with pytest.raises(ProfileError, match=r"no TOML text: .*line 1"):
        profile_from(b'format = "1\nx', "x", "x.toml")
    with pytest.raises(ProfileError, match="no TOML text"):
        profile_from(b"\xff\xfe", "x", "x.toml")


def test_a_profile_that_is_written_reads_back_the_same():
    for profile in [thumper(), *(load_profile_named(name) for name in DEVICES)]:
        again = profile_from(profile_text(profile).encode(), profile.name, "again.toml")
        assert _sorted(again) == _sorted(profile)


def _sorted(profile: Profile) -> Profile:
    instruments = [
        dataclasses.replace(one, controls=tuple(sorted(one.controls, key=lambda control: control.name)))
        for one in profile.instruments
    ]
    return dataclasses.replace(profile, instruments=tuple(instruments))


# The library.


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REMAPD_PATHS__DATA", str(tmp_path))
    folder = tmp_path / "profiles"
    folder.mkdir()
    return folder


def test_ones_own_profile_hides_a_shipped_one(own):
    assert list_profiles()["roland-tr-8s"] == SHIPPED / "roland-tr-8s.toml"
    (own / "roland-tr-8s.toml").write_text(THUMPER)
    (own / "mine.toml").write_text(THUMPER)
    assert load_profile_named("roland-tr-8s").device == "Thumper"
    assert load_profile_named("mine").name == "mine"
    assert set(list_profiles()) == WANTED | {"mine"}


def test_a_name_is_never_a_path_and_a_near_one_is_told(own):
    with pytest.raises(NotFoundError, match="did you mean roland-tr-8s"):
        load_profile_named("roland-tr8s")
    for name in ("../profiles/mine", str(SHIPPED / "roland-tr-8s.toml"), ""):
        with pytest.raises(NotFoundError):
            load_profile_named(name)
    assert find_profile(str(SHIPPED / "roland-tr-8s.toml")) == SHIPPED / "roland-tr-8s.toml"


def test_a_file_that_is_missing_or_too_large_is_told(own, monkeypatch):
    with pytest.raises(RemapdError, match="cannot be read"):
        load_profile(own / "none.toml")
    monkeypatch.setattr(library, "MAX_FILE_BYTES", 100)
    with pytest.raises(RemapdError, match="larger than"):
        load_profile(SHIPPED / "roland-tr-8s.toml")


# Those that ship.


def test_the_devices_that_ship():
    assert set(DEVICES) == WANTED


@pytest.mark.parametrize("name", DEVICES)
def test_each_instrument_of_a_shipped_profile_is_a_sink_for_every_synth(name):
    profile = load_profile_named(name)
    assert profile.licence == "MIT"
    assert profile.sources
    assert profile.notes
    for instrument in profile.instruments:
        document = sink(profile, instrument.name)
        assert (document["channel"], document["note"]) == (instrument.channel, instrument.note)
        for synth in SYNTHS:
            addresses = moved(document, synth)
            kinds = {(c.kind, c.number) for c in instrument.controls}
            assert addresses.keys() <= kinds


@pytest.mark.parametrize("name", DEVICES)
def test_what_leaves_the_port_stays_in_the_ranges_of_the_device(name):
    profile = load_profile_named(name)
    for instrument in profile.instruments:
        port = PortOut([parse_midi_sink(sinks_from_profile(profile, instrument.name))])
        messages = list(port.opening(0.0))
        for now_s, event in enumerate(corners(), 1):
            at_once = port.hit(event, now_s)
            note = [message for message in at_once if message[0] >> 4 == 9]
            assert [message[:2] for message in note] == [bytes((0x90 | instrument.channel - 1, instrument.note))]
            messages += at_once
            while (due_s := port.next_due_s) is not None and due_s < now_s + 1:
                messages += port.due(due_s)
        ranges = {(c.kind, c.number): (c.minimum, c.maximum) for c in instrument.controls}
        for address, value in heard(messages, instrument):
            least, most = ranges[address]
            assert least <= value <= most, (name, instrument.name, address)


def corners() -> Iterator[HitEvent]:
    """Hits of every synth with all its values at one end, and the features at the other."""
    for synth in SYNTHS.values():
        for vector, level in ((synth.table.minimum, 1.0), (synth.table.maximum, 0.0), (synth.table.default, 0.5)):
            values = synth.table.mapping(vector)
            modulation = dict.fromkeys(synth.table.names, 0.0)
            yield hit(1.0, synth=synth.name, values=values, modulation=modulation, scaled=[level] * len(FEATURES))


def heard(messages: list[bytes], instrument: Instrument) -> Iterator[tuple[tuple[str, int], int]]:
    """Values of controllers as the device takes them."""
    known: dict[int, int] = {}
    pairs = {control.number for control in instrument.controls if control.kind == "cc14"}
    for message in messages:
        assert message[0] & 0x0F == instrument.channel - 1
        assert max(message[1:]) < 128
        if message[0] >> 4 == 0xE:
            yield ("pitch_bend", 0), message[2] * 128 + message[1] - 8192
        elif message[0] >> 4 == 0xB and message[1] == 6:
            yield ("nrpn7", known[99] * 128 + known[98]), message[2]
        elif message[0] >> 4 == 0xB:
            known[message[1]] = message[2]
            if message[1] - 32 in pairs:
                yield ("cc14", message[1] - 32), known[message[1] - 32] * 128 + message[2]
            elif message[1] not in (98, 99, *pairs):
                yield ("cc", message[1]), message[2]


@pytest.mark.parametrize("name", sorted(WANTED - {"general-midi-drums"}))
@pytest.mark.parametrize("synth", SYNTHS)
def test_each_synth_finds_a_drum_whose_sound_it_moves(name, synth):
    profile = load_profile_named(name)
    document = sink(profile, synth=synth)
    assert synth in profile.instrument(document["instrument"]).synths
    assert moved(document, synth)


def test_no_two_drums_of_a_shipped_profile_are_the_same_note():
    for name in DEVICES:
        places = [(one.channel, one.note) for one in load_profile_named(name).instruments]
        assert len(set(places)) == len(places), name


#: From the makers' charts, by hand: instrument, control, and how it is addressed.
CHARTS = [
    ("roland-tr-8s", "BD", "tune", "cc", 20), ("roland-tr-8s", "BD", "ctrl", "cc", 96),
    ("roland-tr-8s", "SD", "decay", "cc", 28), ("roland-tr-8s", "RC", "level", "cc", 88),
    ("roland-tr-08", "SD", "snappy", "cc", 26), ("roland-tr-08", "CB", "decay", "cc", 87),
    ("roland-tr-08", "OH", "tune", "cc", 80), ("korg-volca-drum", "1", "pitch 1", "cc", 26),
    ("korg-volca-drum", "6", "release 1-2", "cc", 25), ("korg-volca-drum", "3", "fold", "cc", 50),
    ("elektron-analog-rytm-mkii", "SD", "noise level", "cc", 22), ("elektron-analog-rytm-mkii", "CB", "tune", "cc", 17),
    ("elektron-analog-rytm-mkii", "BD", "filter frequency", "cc", 74), ("nord-drum-3p", "4", "tone decay", "cc", 50),
    ("nord-drum-3p", "1", "tone pitch", "cc14", 31), ("fluidsynth", "SD", "brightness", "nrpn7", 120 * 128 + 8),
    ("gs-drums", "SD", "level", "nrpn7", 26 * 128 + 38), ("general-midi-drums", "OH", "pan", "cc", 10),
]  # fmt: skip


@pytest.mark.parametrize(("name", "instrument", "control", "kind", "number"), CHARTS)
def test_numbers_are_those_of_the_charts(name, instrument, control, kind, number):
    found = load_profile_named(name).instrument(instrument).control(control)
    assert found is not None
    assert (found.kind, found.number) == (kind, number)


def test_notes_are_those_of_the_charts():
    notes = {"roland-tr-8s": 38, "roland-tr-08": 38, "general-midi-drums": 38, "elektron-analog-rytm-mkii": 1}
    assert {name: load_profile_named(name).instrument("SD").note for name in notes} == notes
    assert [one.note for one in load_profile_named("nord-drum-3p").instruments] == [60, 62, 64, 65, 67, 69]
    assert [one.channel for one in load_profile_named("korg-volca-drum").instruments] == [1, 2, 3, 4, 5, 6]


SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")


@pytest.mark.skipif(shutil.which("fluidsynth") is None or not SOUND_FONT.exists(), reason="no fluidsynth here")
def test_fluidsynth_hears_what_its_profile_says_and_nothing_of_gs(tmp_path):
    plain = _played(tmp_path, [])
    assert _centroid(_played(tmp_path, _nrpn(120, 8, 50))) < 0.7 * _centroid(plain)
    ignored = [*_nrpn(24, 38, 50), *_nrpn(26, 38, 20), *_nrpn(28, 38, 0), (74, 0), (71, 127), *_nrpn(120, 8, 64)]
    np.testing.assert_array_equal(_played(tmp_path, ignored), plain)
    for heard in ((7, 40), (10, 0)):
        assert not np.array_equal(_played(tmp_path, [heard]), plain)


def _nrpn(coarse: int, fine: int, value: int) -> list[tuple[int, int]]:
    return [(99, coarse), (98, fine), (6, value)]


def _played(folder: Path, controllers: list[tuple[int, int]]) -> np.ndarray:
    """A snare hit of fluidsynth after some controllers."""
    track = mido.MidiTrack()
    track += [mido.Message("control_change", channel=9, control=c, value=v, time=0) for c, v in controllers]
    track += [mido.Message("note_on", channel=9, note=38, velocity=100, time=48)]
    track += [mido.Message("note_off", channel=9, note=38, time=240)]
    file = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    file.save(folder / "hit.mid")
    command = ["fluidsynth", "-niq", "-R", "1", "-C", "1", "-O", "float", "-F", str(folder / "hit.wav")]
    subprocess.run([*command, str(SOUND_FONT), str(folder / "hit.mid")], check=True, capture_output=True)
    return soundfile.read(folder / "hit.wav", always_2d=True)[0]


def _centroid(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound.mean(axis=1)))
    return float((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum())


# Whatever a file holds.

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(content):
    with pytest.raises(RemapdError):
        profile_from(content, "x", "x.toml")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(THUMPER)), st.integers(0, 30), st.text(max_size=12))
def test_no_edit_raises_anything_else(at, length, inserted):
    text = THUMPER[:at] + inserted + THUMPER[at + length :]
    with contextlib.suppress(ProfileError):
        profile_from(text.encode("utf-8", "surrogatepass"), "x", "x.toml")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_value_in_any_place_raises_anything_else(data):
    document = tomllib.loads(THUMPER)
    place = document
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = data.draw(ANYTHING)
            break
        place = place[key]
    try:
        profile = parse_profile(document, "x")
    except FieldError:
        return
    for instrument in profile.instruments:
        sink(profile, instrument.name)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a." * 5000 + "b = 1", "a = " + "{b = " * 3000, "x = 1" + "0" * 5000]
)
def test_deep_and_long_texts_are_refused(text):
    with pytest.raises(ProfileError):
        profile_from(text.encode(), "x", "x.toml")
