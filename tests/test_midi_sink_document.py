import json

import pytest
from hypothesis import given

from remapd.control.midi.messages import LARGEST_NUMBER
from remapd.errors import FieldError
from remapd.sinks.midi.control import REACH
from remapd.sinks.midi.document import MidiSink, parse_midi_sink
from tests.midi_sinks import sinks


def refused(changes: dict[str, object]) -> FieldError:
    with pytest.raises(FieldError) as told:
        parse_midi_sink({"kind": "midi", **changes}, "sinks[0]")
    return told.value


def with_control(**changes: object) -> dict[str, object]:
    control = {"source": "values.osc1.freq", "kind": "cc", "number": 20, **changes}
    return {"controls": [{name: value for name, value in control.items() if value is not ...}]}


@given(sinks())
def test_a_document_is_the_sink_again(sink: MidiSink) -> None:
    assert parse_midi_sink(json.loads(json.dumps(sink.document()))) == sink


def test_a_short_document_has_the_defaults() -> None:
    assert parse_midi_sink({"kind": "midi"}) == MidiSink()
    sink = parse_midi_sink(
        {"kind": "midi", "port": "TR-8S", "controls": [{"source": "velocity", "kind": "pitch_bend"}]}
    )
    assert (sink.port, sink.virtual, sink.controls[0].minimum, sink.controls[0].maximum) == (
        "TR-8S",
        False,
        -8192,
        8191,
    )
    assert parse_midi_sink({"kind": "midi", "mpe": True}).channel == 1


def test_kinds_have_the_names_and_numbers_of_those_that_come_in() -> None:
    for kind in ("cc", "cc14", "nrpn", "pitch_bend", "pressure"):
        assert REACH[kind].largest_number == LARGEST_NUMBER[kind]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"chanel": 3}, "sinks[0]", "did you mean channel?"),
        ({"channel": 0}, "sinks[0].channel", "from 1 to 16"),
        ({"channel": 10**400}, "sinks[0].channel", "from 1 to 16"),
        ({"note": 38.5}, "sinks[0].note", "whole number"),
        ({"late_ms": -1}, "sinks[0].late_ms", "ms"),
        ({"wire": "usbc"}, "sinks[0].wire", "did you mean usb?"),
        ({"port": "a\nb"}, "sinks[0].port", "one line"),
        ({"virtual": False}, "sinks[0].port", "virtual"),
        ({"virtual": 1}, "sinks[0].virtual", "true or false"),
        ({"tracks": [0]}, "sinks[0].tracks[0]", "1"),
        ({"mpe": True, "channel": 2}, "sinks[0].channel", "manager"),
        ({"mpe": True, **with_control(kind="poly_pressure", number=...)}, "sinks[0].controls[0].kind", "pressure"),
        ({"bank": 3}, "sinks[0].bank", "program"),
        ({"program": 128}, "sinks[0].program", "127"),
        ({"programs": {"snare_1": -1}}, "sinks[0].programs.snare_1", "127"),
        ({"programs": {"../x": 1}}, "sinks[0].programs", "letters"),
        ({"minimum_velocity": 100, "maximum_velocity": 50}, "sinks[0].maximum_velocity", "100"),
        ({"velocity": [[0, 0], [1, 2]]}, "sinks[0].velocity[1][1]", "0 to 1"),
        ({"controls": {}}, "sinks[0].controls", "list"),
        (with_control(source="values.osc1.frq"), "sinks[0].controls[0].source", "did you mean osc1.freq?"),
        (with_control(source=...), "sinks[0].controls[0].source", "none"),
        (with_control(kind="cc7"), "sinks[0].controls[0].kind", "did you mean cc?"),
        (with_control(number=...), "sinks[0].controls[0].number", "none"),
        (with_control(number=120), "sinks[0].controls[0].number", "119"),
        (with_control(number=99), "sinks[0].controls[0].number", "numbered"),
        (with_control(kind="pitch_bend"), "sinks[0].controls[0].number", "one pitch_bend"),
        (with_control(maximum=128), "sinks[0].controls[0].maximum", "127"),
        (with_control(minimum=9, maximum=9), "sinks[0].controls[0].maximum", "invert"),
        (with_control(minimum=9, centre=8), "sinks[0].controls[0].centre", "9"),
        (with_control(curve="lin"), "sinks[0].controls[0].curve", "did you mean linear?"),
        (with_control(source="velocity", curve="log"), "sinks[0].controls[0].curve", "log"),
        (with_control(source_minimum=1), "sinks[0].controls[0].source_minimum", "Hz"),
        (with_control(source_minimum=500, source_maximum=400), "sinks[0].controls[0].source_maximum", "500"),
        (with_control(smoothing=1), "sinks[0].controls[0].smoothing", "0.99"),
        (with_control(synth="snare909"), "sinks[0].controls[0].synth", "did you mean snare808?"),
        (with_control(synth="clap808"), "sinks[0].controls[0].synth", "osc1.freq"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(changes: dict[str, object], field: str, words: str) -> None:
    error = refused(changes)
    assert error.field == field
    assert words in str(error)


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        ({"kind": "cc", "number": 20}, {"kind": "cc", "number": 21}, True),
        ({"kind": "cc", "number": 20}, {"kind": "cc", "number": 20}, False),
        ({"kind": "cc", "number": 52}, {"kind": "cc14", "number": 20}, False),
        ({"kind": "nrpn", "number": 20}, {"kind": "nrpn7", "number": 20}, False),
        ({"kind": "cc", "number": 20, "synth": "snare808"}, {"kind": "cc", "number": 20, "synth": "kick808"}, True),
        ({"kind": "cc", "number": 20, "synth": "snare808"}, {"kind": "cc", "number": 20}, False),
    ],
)
def test_two_controls_do_not_move_the_same(one: dict[str, object], other: dict[str, object], fits: bool) -> None:
    changes: dict[str, object] = {"controls": [{"source": "velocity", **c} for c in (one, other)]}
    if fits:
        parse_midi_sink({"kind": "midi", **changes})
    else:
        assert refused(changes).field == "sinks[0].controls[1]"
