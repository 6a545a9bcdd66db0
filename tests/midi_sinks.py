"""MIDI sinks of every kind, for tests over all of them."""

from __future__ import annotations

from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.sinks.midi.control import REACH, RESERVED, Kind
from remapd.sinks.midi.document import MidiSink, parse_midi_sink

SOURCES = ("unit.osc1.freq", "values.osc1.mod", "modulation.noise_gain.gain", "scaled.centroid", "velocity", "hit")
UNIT = st.floats(0.0, 1.0)


@st.composite
def controls(draw, kinds: tuple[Kind, ...] = tuple(REACH)) -> dict[str, object]:
    kind = draw(st.sampled_from(kinds))
    reach = REACH[kind]
    low, high = sorted(draw(st.sets(st.integers(reach.minimum, reach.maximum), min_size=2, max_size=2)))
    number = draw(st.integers(0, reach.largest_number).filter(lambda n: n not in RESERVED))
    return {
        "source": draw(st.sampled_from(SOURCES)),
        "kind": kind,
        "number": number,
        "minimum": low,
        "maximum": high,
        "centre": draw(st.none() | st.integers(low, high)),
        "curve": draw(st.sampled_from(["", "linear", "slow", "fast"])),
        "invert": draw(st.booleans()),
        "smoothing": draw(st.sampled_from([0.0, 0.5, 0.99])),
        "threshold": draw(st.sampled_from([0, 1, 5])),
        "weight": draw(st.sampled_from([0.0, 1.0, 3.5])),
        "synth": draw(st.sampled_from(["", "", "snare808"])),
    }


@st.composite
def sinks(draw, id: str = "1", kinds: tuple[Kind, ...] = tuple(REACH), **given: object) -> MidiSink:
    document: dict[str, object] = {
        "id": id,
        "kind": "midi",
        "tracks": draw(st.sampled_from([[], [1], [1, 2]])),
        "wire": draw(st.sampled_from(["usb", "din"])),
        "note": draw(st.integers(36, 39)),
        "note_length_ms": draw(st.sampled_from([1.0, 10.0, 100.0, 1000.0])),
        "choke": draw(st.booleans()),
        "late_ms": draw(st.sampled_from([0.0, 1.0, 5.0, 1000.0])),
        "mpe": (mpe := draw(st.booleans())),
        "channel": 1 if mpe else draw(st.sampled_from([1, 10])),
        "mpe_channels": draw(st.integers(1, 15)),
        **given,
    }  # fmt: skip
    found: list[dict[str, object]] = []
    for control in draw(st.lists(controls(kinds), max_size=6)):
        try:
            parse_midi_sink(document | {"controls": [*found, control]})
        except FieldError:
            continue  # It would move what another one moves.
        found.append(control)
    return parse_midi_sink(document | {"controls": found})
