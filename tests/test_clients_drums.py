"""The drums of ``clients/``: SuperCollider's and Pure Data's are played, Max's is looked at."""

import json
import re
import struct

import numpy as np
import pytest
import soundfile
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient
from scipy.stats import spearmanr

from remapd.mapping.library import list_presets, load_preset_named
from remapd.synth.registry import SYNTHS
from tests.jack_server import jack_server
from tests.jack_tape import Tape
from tests.soft_synths import (
    CLIENTS,
    PATIENCE_S,
    Program,
    free_udp_port,
    need,
    pure_data,
    sclang,
    scsynth,
    store_definitions,
    supercollider_environment,
)
from tests.voices import hit

TABLE = SYNTHS["snare808"].table
LEVELS_DB = np.random.default_rng(3).permutation(np.linspace(-30.0, 0.0, 10))
RATE = 48000
#: Behind the last envelope's end.
SPACING_S = 0.35


#: Between hits that must not ring into each other.
APART_S = 4


def message(address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def bundle(*messages):
    builder = OscBundleBuilder(IMMEDIATELY)
    for each in messages:
        builder.add_content(each)
    return builder.build()


def hit_values(level_db):
    """Values of a hit whose three sources are louder or softer by so much."""
    return {p.name: p.default + (level_db if p.name.endswith("_gain.gain") else 0.0) for p in TABLE}


def to_scsynth(number, level_db):
    return to_scsynth_values(number, hit_values(level_db))


def to_scsynth_values(number, values):
    pairs = [x for name, value in values.items() for x in (name.replace(".", "_"), value)]
    node = 1000 + number
    settings = message("/n_set", node, *pairs, "velocity", 1.0)
    return bundle(message("/s_new", "remapd_snare808", node, 0, 0), settings)


def to_pd(number, level_db):
    values = [message(f"/remapd/track1/{name}", value) for name, value in hit_values(level_db).items()]
    return bundle(*values, message("/remapd/track1/hit", number, 1.0))


def played_levels_db(server, folder, source, port, packet):
    """Send a hit for each of `LEVELS_DB`; returns the levels of what was heard."""
    client = SimpleUDPClient("127.0.0.1", port)
    length_s = SPACING_S * (len(LEVELS_DB) + 1)
    with Tape(server, folder, np.zeros(1), length_s, "tape:in_0", source) as tape:
        tape.begin()
        for number, level_db in enumerate(LEVELS_DB):
            client.send(packet(number, level_db))
            tape.await_frame((number + 1) * SPACING_S * RATE)
        sound = tape.end()[:, 0]
    starts = starts_of(sound, RATE)
    assert len(starts) == len(LEVELS_DB)
    return [10 * np.log10(np.mean(sound[start : start + 9600] ** 2)) for start in starts]


def starts_of(sound, rate):
    """Where it sounds after at least 40 ms of silence: a busy machine may leave holes of a buffer."""
    heard = np.flatnonzero(np.abs(sound) > 1e-4)
    return heard[np.diff(heard, prepend=-rate) > rate / 25]


@pytest.fixture
def server():
    with jack_server(period=256) as server:
        yield server


def definition_controls(path):
    """Controls of a compiled definition with their defaults, read by the format's description (version 2)."""
    data = path.read_bytes()
    kind, version, _ = struct.unpack_from(">4sih", data)
    assert (kind, version) == (b"SCgf", 2)
    place = 10 + 1 + data[10]  # behind the definition's name
    (constants,) = struct.unpack_from(">i", data, place)
    place += 4 + 4 * constants
    (count,) = struct.unpack_from(">i", data, place)
    defaults = struct.unpack_from(f">{count}f", data, place + 4)
    place += 4 + 4 * count
    (names,) = struct.unpack_from(">i", data, place)
    place, found = place + 4, {}
    for _ in range(names):
        name = data[place + 1 : place + 1 + data[place]].decode()
        (index,) = struct.unpack_from(">i", data, place + 1 + data[place])
        found[name] = defaults[index]
        place += 5 + data[place]
    return found


def test_the_drums_of_supercollider_have_the_controls_of_the_tables(tmp_path):
    need("sclang")
    folder = store_definitions(tmp_path)
    snare = definition_controls(folder / "remapd_snare808.scsyndef")
    assert {p.name.replace(".", "_"): pytest.approx(p.default) for p in TABLE}.items() <= snare.items()
    for name in SYNTHS:
        assert "velocity" in definition_controls(folder / f"remapd_{name}.scsyndef")


def rendered_by_scsynth(folder, packets):
    """What scsynth makes of a packet each `APART_S`, without a sound card."""
    packets = [*packets, bundle(message("/c_set", 0, 0))]
    at = [struct.pack(">ii", number * APART_S, 0) for number in range(len(packets))]
    packets = [packet.dgram[:8] + time_tag + packet.dgram[16:] for time_tag, packet in zip(at, packets, strict=True)]
    score, sound = folder / "score.osc", folder / "sound.wav"
    score.write_bytes(b"".join(struct.pack(">i", len(packet)) + packet for packet in packets))
    command = ["scsynth", "-o", 1, "-N", score, "_", sound, RATE, "WAV", "float"]
    with Program(folder, *command, environment=supercollider_environment(folder)) as run:
        assert run.process.wait(PATIENCE_S) == 0, run.text()
    return soundfile.read(sound)[0]


def level_db(sound):
    return 10 * np.log10(np.mean(sound**2))


def centroid_st(sound):
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    return 12 * np.log2(np.average(np.fft.rfftfreq(len(sound), 1 / RATE), weights=spectrum))


def test_the_snare_of_supercollider_sounds_like_the_voice(tmp_path):
    """All snares that ship, rendered by scsynth without a sound card, against remapd's own voice."""
    need("sclang", "scsynth")
    store_definitions(tmp_path)
    presets = [preset for preset in map(load_preset_named, list_presets()) if preset.synth == TABLE.name]
    assert len(presets) >= 4
    snares = [dict(zip(TABLE.names, map(float, preset.values), strict=True)) for preset in presets]
    sound = rendered_by_scsynth(tmp_path, [to_scsynth_values(number, values) for number, values in enumerate(snares)])
    for number, preset in enumerate(presets):
        theirs = sound[number * APART_S * RATE :][:RATE]
        ours = hit(SYNTHS[TABLE.name], preset.values, float(RATE), RATE)
        # The pan costs 3 dB, and the noise is another one.
        assert level_db(theirs) + 3.0 == pytest.approx(level_db(ours), abs=1.0)
        assert centroid_st(theirs) == pytest.approx(centroid_st(ours), abs=2.0)


def test_supercollider_plays_each_hit_as_loud_as_it_is_told(server, tmp_path):
    need("sclang", "scsynth")
    store_definitions(tmp_path)
    port = free_udp_port()
    with scsynth(server, tmp_path, port):
        levels = played_levels_db(server, tmp_path, "SuperCollider:out_1", port, to_scsynth)
    assert spearmanr(LEVELS_DB, levels).statistic > 0.99
    assert np.ptp(levels - LEVELS_DB) < 1.0


def test_pure_data_plays_each_hit_as_loud_as_it_is_told(server, tmp_path):
    need("pd")
    port = free_udp_port()
    with pure_data(server, tmp_path, "remapd_drum.pd", port) as run:
        levels = played_levels_db(server, tmp_path, "pd:output_1", port, to_pd)
        assert "error" not in run.text()
    assert spearmanr(LEVELS_DB, levels).statistic > 0.99
    assert np.ptp(levels - LEVELS_DB) < 1.5


def test_supercollider_reads_features(tmp_path):
    need("sclang")
    port = free_udp_port()
    with sclang(tmp_path, "-u", port, CLIENTS / "supercollider" / "features.scd") as run:
        run.await_text(f"listening at port {port}")
        features = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
        SimpleUDPClient("127.0.0.1", port).send(message("/remapd/2/hit", 7, 0.25, *features, 180.0, 0.4))
        run.await_text("track 2 hit 7 velocity 0.25 loudness 0.1 centroid 0.2")
        run.await_text("crest 0.7 (2 values)")


def test_pure_data_reads_features(server, tmp_path):
    need("pd")
    port = free_udp_port()
    with pure_data(server, tmp_path, "remapd_features.pd", port) as run:
        features = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
        SimpleUDPClient("127.0.0.1", port).send(message("/remapd/2/hit", 7, 0.25, *features, 180.0, 0.4))
        run.await_text("remapd: 2 7 0.25 0.125 0.25 0.375 0.5 0.625 0.75 0.875")
        assert "error" not in run.text()


@pytest.fixture
def patcher():
    return json.loads((CLIENTS / "max" / "remapd_drum.maxpat").read_text())["patcher"]


def test_the_patcher_of_max_is_well_connected(patcher):
    """Max itself was not to be had: each cord ends in a box that has such an inlet or outlet."""
    boxes = {box["box"]["id"]: box["box"] for box in patcher["boxes"]}
    assert len(boxes) == len(patcher["boxes"])
    for box in boxes.values():
        assert len(box["patching_rect"]) == 4
        assert len(box.get("outlettype", [])) == box["numoutlets"]
    for line in patcher["lines"]:
        source, outlet = line["patchline"]["source"]
        destination, inlet = line["patchline"]["destination"]
        assert outlet < boxes[source]["numoutlets"]
        assert inlet < boxes[destination]["numinlets"]
    used = {end[0] for line in patcher["lines"] for end in line["patchline"].values()}
    assert all(box["id"] in used for box in boxes.values() if box["maxclass"] != "comment")


@pytest.mark.parametrize(
    ("client", "dot"), [("max/remapd_drum.maxpat", "remapd."), ("puredata/remapd_drum.pd", "remapd-")]
)
def test_patches_have_the_parameters_and_defaults_of_the_table(client, dot):
    text = (CLIENTS / client).read_text()
    assert all(f"s {dot}{name}" in text and f"r {dot}{name}" in text for name in TABLE.names)
    defaults = dict(re.findall(rf"{re.escape(dot)}(\S+) (-?[0-9.]+)(?: \\?;|;|\")", text))
    assert {name: float(value) for name, value in defaults.items()} == {p.name: p.default for p in TABLE}
