"""What OSC sinks send, read by our own decoder, python-osc and liblo."""

from __future__ import annotations

import dataclasses
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle

from remapd.osc.codec import Bundle, decode
from remapd.osc.timetag import TimeTag
from remapd.sinks.document import sink_from
from remapd.sinks.osc.forms import FORMS
from remapd.sinks.osc.packets import messages, packets, silencing
from remapd.sinks.osc.rendering import render
from remapd.sinks.sources import parse_source
from remapd.sinks.wire.packet import MAX_PACKET_BYTES, Field, Packet, Patch, Source
from remapd.synth.registry import SYNTHS
from tests.liblo import Liblo
from tests.osc_readings import ours, python_osc
from tests.sink_documents import osc_sinks
from tests.sink_hits import medium_hit

READY_MADE = [name for name in FORMS if name != "custom"]
#: The wall clock is ahead of the monotonic one, in ns; and an onset on the latter.
CLOCK, ONSET_NS = 1_780_000_000_000_000_000, 11_250_000_000
#: The same moment in s since 1970.
ONSET_S = 1_780_000_011.25


@pytest.fixture(scope="module")
def liblo():
    library = Liblo()
    yield library
    library.close()


def f32(value):
    return float(np.float32(value))


def rendered(sink, hit, number=1, velocity=0.5):
    made = packets(sink, hit.track + 1, SYNTHS[hit.synth])
    return [render(packet, hit, number, velocity, CLOCK) for packet in made]


def same_for_all(data, liblo):
    """What all three read; their readings agree."""
    reading = ours(data)
    assert python_osc(data) == [(address, arguments) for _, address, _, arguments in reading]
    assert liblo.read(data) == reading
    return reading


@pytest.mark.parametrize("synth", SYNTHS)
@pytest.mark.parametrize("form", READY_MADE)
@pytest.mark.parametrize("values", ["units", "unit"])
def test_forms_say_what_they_are_said_to(form, synth, values, liblo):
    sink = sink_from({"kind": "osc", "form": form, "values": values})
    hit, table = medium_hit(synth, track=2, place=0.3), SYNTHS[synth].table
    group = "unit" if values == "unit" else "values"
    numbers = {name: f32(parse_source(f"{group}.{name}").value(hit, 7, 0.5)) for name in table.names}
    (data,) = rendered(sink, hit, 7)
    messages = [(address, arguments) for _, address, _, arguments in same_for_all(data, liblo)]
    if form == "vector":
        assert messages == [("/remapd/3/hit", (7, 0.5, *map(f32, hit.scaled), *numbers.values()))]
    elif form == "supercollider":
        node = 1_000_000_007 + 100_000 * (zlib.crc32(b"1") % 10_000)
        pairs = [part for name, value in numbers.items() for part in (name.replace(".", "_"), value)]
        settings = (node, *pairs, "velocity", 0.5, "track", 3, "hit", 7)
        assert messages == [("/s_new", (f"remapd_{synth}", node, 0, 0)), ("/n_set", settings)]
    else:
        root = "/remapd/3" if form == "parameters" else "/remapd/track3"
        each = [(f"{root}/{name}", (value,)) for name, value in numbers.items()]
        assert messages == [*each, (f"{root}/hit", (7, 0.5))]


@pytest.mark.parametrize("synth", SYNTHS)
@pytest.mark.parametrize("form", READY_MADE)
def test_a_hit_of_a_ready_made_form_crosses_an_ethernet_in_one_piece(form, synth):
    sink = sink_from({"kind": "osc", "form": form, "latency_ms": 10.0})
    assert [len(packet.data) <= 1472 for packet in packets(sink, 32, SYNTHS[synth])] == [True]


@settings(max_examples=60, deadline=None)
@given(
    sink=osc_sinks(),
    synth=st.sampled_from(list(SYNTHS)),
    track=st.integers(0, 31),
    place=st.floats(0.0, 1.0),
    number=st.integers(1, 2**31 - 1),
    velocity=st.floats(0.0, 1.0),
)
def test_whatever_a_sink_sends_is_read_alike_by_all(liblo, sink, synth, track, place, number, velocity):
    hit = medium_hit(synth, track, place, onset_ns=ONSET_NS)
    for data in rendered(sink, hit, number, velocity):
        assert len(data) <= MAX_PACKET_BYTES
        reading = same_for_all(data, liblo)
        tag = 1 if sink.latency_ms is None else TimeTag.at(ONSET_S + 1e-3 * sink.latency_ms)
        assert all(found == pytest.approx(tag, rel=1e-15) for found, *_ in reading)


@settings(max_examples=40, deadline=None)
@given(sink=osc_sinks(), synth=st.sampled_from(list(SYNTHS.values())))
def test_sizes_are_known_before_a_packet_is_made(sink, synth):
    alone = dataclasses.replace(sink, bundle=False, latency_ms=None)
    made = packets(alone, 1, synth)
    assert [len(packet.data) for packet in made] == [message.size for message in messages(alone, 1, synth)]


SOURCES = ["velocity", "track", "hit", "onset_s", "trigger_s", "level_db", "floor_db", "strength_db"]
SOURCES += ["features.centroid_st", "scaled.crest", "modulation.osc1.mod", "values.osc1.freq", "unit.osc1.freq"]


@settings(max_examples=80, deadline=None)
@given(
    source=st.sampled_from([*SOURCES, "unit.tanh.in_gain"]),
    kind=st.sampled_from(["int", "float", "long", "double"]),
    scale=st.floats(-100.0, 100.0),
    offset=st.floats(-100.0, 100.0),
    modulo=st.sampled_from([0, 3, 100_000]),
    place=st.floats(0.0, 1.0),
    number=st.integers(1, 1_000_000),
)
def test_numbers_are_those_of_the_source_scaled(source, kind, scale, offset, modulo, place, number):
    modulo = modulo if source == "hit" else 0
    argument = {"source": source, "type": kind, "scale": scale, "offset": offset, "modulo": modulo}
    sink = sink_from({"kind": "osc", "form": "custom", "messages": [{"address": "/a", "arguments": [argument]}]})
    hit = medium_hit("snare808", 4, place)
    (data,) = rendered(sink, hit, number, place)
    ((_, _, types, (sent,)),) = ours(data)
    value = parse_source(source).value(hit, number, place)
    wanted = offset + scale * (value % modulo if modulo else value)
    assert types == {"int": "i", "float": "f", "long": "h", "double": "d"}[kind]
    # A whole number may have been a hair from the middle of two.
    assert sent == pytest.approx(wanted, rel=1e-6, abs=0.5 + 1e-6 if kind in ("int", "long") else 1e-4)


def test_natural_types():
    arguments = [*SOURCES, 1, 1.0, 2.5, 5_000_000_000, {"number": 1, "type": "float"}, {"text": "{synth} {track}"}]
    sink = sink_from({"kind": "osc", "form": "custom", "messages": [{"address": "/a", "arguments": arguments}]})
    (data,) = rendered(sink, medium_hit("snare808", 1))
    ((_, _, types, sent),) = ours(data)
    assert types == "fiiddfff" + "fffff" + "iifhfs"
    assert sent[-6:] == (1, 1, 2.5, 5_000_000_000, 1.0, "snare808 2")


def test_messages_for_each_name_of_a_table(liblo):
    messages = [
        {"address": "/{synth}/{control}", "arguments": ["unit.{parameter}", {"text": "{parameter}"}]},
        {"address": "/f/{feature}", "arguments": ["features.{feature}", "scaled.{feature}"]},
        {"address": "/pairs", "arguments": [{"pairs": "scaled"}]},
        {"address": "/all", "arguments": ["modulation.*"]},
    ]
    sink = sink_from({"kind": "osc", "form": "custom", "messages": messages})
    hit = medium_hit("simple_drum", place=0.75)
    (data,) = rendered(sink, hit)
    reading = [(address, arguments) for _, address, _, arguments in same_for_all(data, liblo)]
    names = SYNTHS["simple_drum"].table.names
    assert [one for one in reading if one[0].startswith("/simple_drum")] == [
        (f"/simple_drum/{name.replace('.', '_')}", (pytest.approx(0.75, abs=1e-6), name)) for name in names
    ]
    assert ("/f/loudness", (f32(hit.features["loudness_db"]), 0.75)) in reading
    assert reading[-2][1][:4] == ("loudness", 0.75, "centroid", 0.75)
    assert reading[-1] == ("/all", (0.5,) * len(names))


def test_a_message_is_left_out_where_the_synth_lacks_the_parameter():
    messages = [{"address": "/a", "arguments": ["values.osc2.freq"]}, {"address": "/b", "arguments": ["velocity"]}]
    sink = sink_from({"kind": "osc", "form": "custom", "messages": messages})
    assert [m[1] for data in rendered(sink, medium_hit("snare808")) for m in ours(data)] == ["/a", "/b"]
    assert [m[1] for data in rendered(sink, medium_hit("simple_drum")) for m in ours(data)] == ["/b"]
    only = sink_from({"kind": "osc", "form": "custom", "messages": messages[:1]})
    assert rendered(only, medium_hit("hat808")) == []


def test_one_message_needs_no_bundle_and_several_need_none_if_that_is_asked():
    assert not rendered(sink_from({"kind": "osc"}), medium_hit())[0].startswith(b"#bundle")
    (bundle,) = rendered(sink_from({"kind": "osc", "form": "pd"}), medium_hit())
    single = rendered(sink_from({"kind": "osc", "form": "pd", "bundle": False}), medium_hit())
    assert [decode(data) for data in single] == list(decode(bundle).elements)


@pytest.mark.parametrize("latency_ms", [0.0, 5.0, 20.125, 10_000.0])
def test_the_time_tag_is_that_of_the_onset_and_a_fixed_latency(latency_ms):
    sink = sink_from({"kind": "osc", "latency_ms": latency_ms})
    (data,) = rendered(sink, medium_hit(onset_ns=ONSET_NS))
    bundle = decode(data)
    assert isinstance(bundle, Bundle)
    assert bundle.time_tag.time_s == pytest.approx(ONSET_S + 1e-3 * latency_ms, abs=1e-6)
    assert OscBundle(data).timestamp == pytest.approx(ONSET_S + 1e-3 * latency_ms, abs=1e-6)


def test_an_onset_without_a_clock_is_for_at_once():
    (data,) = rendered(sink_from({"kind": "osc", "latency_ms": 5.0}), medium_hit())
    assert decode(data).time_tag == 1


@pytest.mark.parametrize(
    ("field", "number", "sent"),
    [
        (Field.INT32, 2.5, 2),
        (Field.INT32, 3.5, 4),
        (Field.INT32, -0.5, 0),
        (Field.INT32, 1e12, 2**31 - 1),
        (Field.INT32, -1e12, -(2**31)),
        (Field.INT32, 2**31 - 0.4, 2**31 - 1),
        (Field.INT32, -(2**31) - 0.4, -(2**31)),
        (Field.INT32, -math.inf, -(2**31)),
        (Field.INT32, math.nan, 0),
        (Field.INT32, math.inf, 2**31 - 1),
        (Field.INT64, 1e30, 2**63 - 1),
        (Field.INT64, -1e30, -(2**63)),
        (Field.FLOAT32, 1e300, math.inf),
        (Field.FLOAT64, 0.1, 0.1),
    ],
)
def test_whole_numbers_are_rounded_and_clipped(field, number, sent):
    form = {Field.INT32: ">i", Field.INT64: ">q", Field.FLOAT32: ">f", Field.FLOAT64: ">d"}[field]
    packet = Packet(bytes(struct.calcsize(form)), (Patch(0, field, Source.LEVEL_DB),))
    assert struct.unpack(form, render(packet, medium_hit(level_db=number), 1, 0.0)) == (sent,)


def test_nodes_of_supercollider_count_round():
    sink = sink_from({"kind": "osc", "form": "supercollider", "first_node": 1000, "group": 0, "synthdef": "x{track}"})
    for number, node in ((1, 1001), (99_999, 100_999), (100_000, 1000), (100_001, 1001), (2**31 - 1, 1000 + 83647)):
        (data,) = rendered(sink, medium_hit(), number)
        assert next(arguments[:4] for *_, arguments in ours(data)) == ("x1", node, 0, 0)


def test_two_sinks_for_one_server_number_their_nodes_apart():
    nodes = set()
    for name in map(str, range(1, 33)):
        (data,) = rendered(sink_from({"kind": "osc", "form": "supercollider", "id": name}), medium_hit())
        nodes.add(ours(data)[0][3][1] // 100_000)
    assert len(nodes) == 32


def test_only_a_group_of_supercollider_is_silenced():
    assert silencing(sink_from({"kind": "osc", "form": "vector"})) == ()
    for everybodys in (0, 1):
        assert silencing(sink_from({"kind": "osc", "form": "supercollider", "group": everybodys})) == ()
    (data,) = silencing(sink_from({"kind": "osc", "form": "supercollider", "group": 5}))
    assert python_osc(data) == [("/g_freeAll", (5,))]
