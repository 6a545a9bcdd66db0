"""What the native sender sends, byte for byte against the slow way in Python."""

import struct

import numpy as np
import pytest

from remapd.engine.events import decode
from remapd.sinks.document import sink_from
from remapd.sinks.osc.packets import packets
from remapd.sinks.osc.rendering import render as render_slowly
from remapd.sinks.velocity import parse_velocity
from remapd.sinks.wire.native.render import render, velocity_of
from remapd.sinks.wire.packet import MAX_PACKET_BYTES, Field, Packet, Patch, Source
from remapd.sinks.wire.plan import Destination, Plan, Routes
from remapd.synth.registry import SYNTHS
from tests.wire_hits import random_event

OFFSET_NS = 1_790_000_000_123_456_789


def render_natively(packet, event, number, velocity, offset_ns=OFFSET_NS):
    plan = Plan([Destination("x", None, routes=Routes({(0, "snare808"): [packet]}))], [(0, 1)])
    out = np.zeros(MAX_PACKET_BYTES, np.uint8)
    arguments = (plan.packets[0], plan.patches, plan.data, event, number, velocity, offset_ns)
    render(out, *arguments)
    return out[: len(packet.data)].tobytes()


def render_both(packet, event, number=1, velocity=0.5):
    slow = render_slowly(packet, decode(event), number, velocity, OFFSET_NS)
    return render_natively(packet, event, number, velocity), slow


FORMS = [
    {"form": "vector"},
    {"form": "vector", "values": "unit", "latency_ms": 12.5},
    {"form": "parameters", "latency_ms": 0.0},
    {"form": "parameters", "bundle": False},
    {"form": "supercollider", "latency_ms": 20.0, "group": 5},
    {"form": "pd"},
    {
        "form": "custom",
        "messages": [{"address": "/{track}/{synth}", "arguments": ["hit", "onset_s", "trigger_s", {"text": "x"}, 7]}],
    },
    {
        "form": "custom",
        "messages": [{"address": "/a", "arguments": ["level_db", "features.*", "modulation.*", "unit.*"]}],
    },
]


@pytest.mark.parametrize("synth", SYNTHS)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form['form']}-{len(form)}")
def test_every_form_is_what_the_slow_way_makes_of_it(form, synth):
    sink = sink_from({"kind": "osc", **form})
    made = packets(sink, 3, SYNTHS[synth])
    assert made
    for seed in range(10):
        event = random_event(seed, track=2, synth=synth)
        for packet in made:
            native, slow = render_both(packet, event, number=seed * 77777 + 1, velocity=seed / 9)
            assert native == slow


def test_a_hit_without_a_clock_asks_for_no_delay():
    sink = sink_from({"kind": "osc", "latency_ms": 20.0})
    (packet,) = packets(sink, 1, SYNTHS["snare808"])
    native, slow = render_both(packet, random_event(onset_ns=0))
    assert native == slow
    assert native[8:16] == bytes([0] * 7 + [1])


NUMBERS = [
    0.0,
    -0.0,
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    1e-40,
    3.4e38,
    1e39,
    -1e39,
    2.0**31,
    -(2.0**31),
    2.0**31 - 0.5,
    2.0**63,
]
NUMBERS += [-(2.0**63), 1e300, np.inf, -np.inf, np.nan, 123456789.5]


@pytest.mark.parametrize("field", [Field.INT32, Field.FLOAT32, Field.INT64, Field.FLOAT64])
@pytest.mark.parametrize("number", NUMBERS)
def test_odd_numbers_are_written_alike(field, number):
    packet = Packet(bytes(16), (Patch(4, field, Source.LEVEL_DB),))
    native, slow = render_both(packet, random_event(level_db=number))
    if np.isnan(number) and field in (Field.FLOAT32, Field.FLOAT64):  # There are many that are no number.
        form = ">f" if field == Field.FLOAT32 else ">d"
        assert np.isnan(struct.unpack_from(form, native, 4)).all()
    else:
        assert native == slow


@pytest.mark.parametrize("seed", range(20))
def test_random_patches_are_written_alike(seed):
    rng = np.random.default_rng(seed)
    sources = [source for source in Source if source != Source.ONSET_NTP_S]
    fields = [field for field in Field if field != Field.TIME_TAG]
    for _ in range(50):
        log_of = float(rng.choice([0.0, rng.uniform(0.001, 100.0)]))
        modulo = int(rng.choice([0, rng.integers(1, 1000)]))
        scale, offset = rng.normal(0, 10, 2)
        patch = Patch(3, rng.choice(fields), rng.choice(sources), 2, scale, offset, log_of, modulo)
        if patch.source > Source.VALUE:
            patch = Patch(3, patch.field, patch.source, 0, scale, offset, log_of, modulo)
        event = random_event(int(rng.integers(1000)), track=int(rng.integers(32)))
        packet = Packet(rng.bytes(24), (patch,))
        native, slow = render_both(packet, event, int(rng.integers(1, 10**6)), float(rng.uniform()))
        assert native == slow


def test_a_number_that_is_written_by_hand():
    packet = Packet(b"/x\0\0,f\0\0" + bytes(4), (Patch(8, Field.FLOAT32, Source.SCALED, 1),))
    event = random_event()
    assert render_natively(packet, event, 1, 0.0) == b"/x\0\0,f\0\0" + struct.pack(">f", event["scaled"][1])


def test_velocity_follows_the_curve():
    curve = parse_velocity([[0.0, 0.1], [0.25, 0.6], [1.0, 0.9]])
    table = curve.table()
    for loudness in np.linspace(0.0, 1.0, 1001):
        event = random_event()
        event["scaled"][0] = loudness
        assert velocity_of(table, event) == pytest.approx(curve.at(loudness), abs=1e-12)


@pytest.mark.parametrize(("loudness", "velocity"), [(-0.5, 0.1), (1.5, 0.9), (np.nan, 0.1), (np.inf, 0.9)])
def test_velocity_beyond_the_curve_is_that_of_its_ends(loudness, velocity):
    event = random_event()
    event["scaled"][0] = loudness
    assert velocity_of(np.linspace(0.1, 0.9, 129), event) == pytest.approx(velocity)
