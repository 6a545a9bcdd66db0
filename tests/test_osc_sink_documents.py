"""Documents of OSC sinks: what is taken, what is refused, and why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.sinks.document import sink_from
from remapd.sinks.osc.document import OscSink
from remapd.sinks.osc.packets import packets
from remapd.synth.registry import SYNTHS
from tests.sink_documents import json_values, osc_documents


def custom(*arguments, address="/a", **members):
    message = {"address": address, "arguments": list(arguments), **members}
    return {"kind": "osc", "form": "custom", "messages": [message]}


def test_what_a_document_lacks_has_its_default():
    sink = sink_from({"kind": "osc"})
    assert sink == OscSink()
    assert sink.document() == {
        "id": "1",
        "kind": "osc",
        "tracks": [],
        "enabled": True,
        "host": "127.0.0.1",
        "port": 9001,
        "transport": "udp",
        "form": "vector",
        "values": "units",
        "bundle": True,
        "latency_ms": None,
        "velocity": [[0.0, 0.0], [1.0, 1.0]],
    }


@settings(max_examples=60, deadline=None)
@given(osc_documents())
def test_documents_round_trip(document):
    sink = sink_from(document)
    assert isinstance(sink, OscSink)
    again = json.loads(json.dumps(sink.document()))
    assert sink_from(again) == sink
    assert sink_from(again).document() == again
    assert {name: again[name] for name in document if name in ("host", "port", "form", "transport", "bundle")} == {
        name: document[name] for name in document if name in ("host", "port", "form", "transport", "bundle")
    }


def refused_field(document):
    """Field for which a document is refused; None if it is a sink. Anything but a `FieldError` comes through."""
    try:
        sink_from(document)
    except FieldError as error:
        return error.field
    return None


@settings(max_examples=100, deadline=None)
@given(json_values())
def test_whatever_is_no_sink_is_refused_by_field(value):
    for document in (value, {"kind": "osc", "form": "custom", "messages": value}, custom(value), custom(address=value)):
        assert (refused_field(document) or "sink").startswith("sink")


@settings(max_examples=80, deadline=None)
@given(osc_documents(), st.data())
def test_a_spoilt_member_is_refused_and_named(document, data):
    name = data.draw(st.sampled_from(sorted(sink_from(document).document())))
    field = refused_field({**document, name: data.draw(json_values())})
    # Another form makes other members wrong.
    assert field is None or field.startswith("sink" if name in ("form", "kind", "latency_ms") else f"sink.{name}")


def test_an_unknown_member_is_refused():
    assert refused_field({"kind": "osc", "nonsense": 1}) == "sink"


@pytest.mark.parametrize(
    ("document", "field", "expected"),
    [
        (None, "sink", "a JSON object"),
        ([], "sink", "a JSON object"),
        ({}, "sink.kind", "one of osc, midi"),
        ({"kind": "ocs"}, "sink.kind", "did you mean osc?"),
        ({"kind": "osc", "prot": 1}, "sink", "did you mean port?"),
        ({"kind": "osc", "port": 0}, "sink.port", "from 1 to 65535"),
        ({"kind": "osc", "port": "9001"}, "sink.port", "a whole number"),
        ({"kind": "osc", "port": True}, "sink.port", "a whole number"),
        ({"kind": "osc", "host": ""}, "sink.host", "a name or an IP address"),
        ({"kind": "osc", "host": "a b"}, "sink.host", "a name or an IP address"),
        ({"kind": "osc", "host": "http://a"}, "sink.host", "a name or an IP address"),
        ({"kind": "osc", "transport": "tpc"}, "sink.transport", "did you mean tcp?"),
        ({"kind": "osc", "form": "vektor"}, "sink.form", "did you mean vector?"),
        ({"kind": "osc", "values": "raw"}, "sink.values", "units, unit"),
        ({"kind": "osc", "tracks": [0]}, "sink.tracks[0]", "from 1 to 32"),
        ({"kind": "osc", "tracks": [33]}, "sink.tracks[0]", "from 1 to 32"),
        ({"kind": "osc", "tracks": 1}, "sink.tracks", "a list"),
        ({"kind": "osc", "enabled": 1}, "sink.enabled", "true or false"),
        ({"kind": "osc", "latency_ms": -1}, "sink.latency_ms", "from 0 to 10000 ms"),
        ({"kind": "osc", "latency_ms": float("nan")}, "sink.latency_ms", "from 0 to 10000 ms"),
        ({"kind": "osc", "velocity": [[0, 0]]}, "sink.velocity", "2 to 32 points"),
        ({"kind": "osc", "messages": []}, "sink.messages", "only the form custom"),
        ({"kind": "osc", "group": 1}, "sink.group", "only the form supercollider"),
        ({"kind": "osc", "form": "supercollider", "bundle": False}, "sink.bundle", "the form needs one"),
        ({"kind": "osc", "bundle": False, "latency_ms": 1}, "sink.bundle", "a time tag needs one"),
        ({"kind": "osc", "form": "supercollider", "synthdef": "{sinth}"}, "sink.synthdef", "did you mean synth?"),
        ({"kind": "osc", "form": "custom"}, "sink.messages", "a list of 1 to 64"),
        ({"kind": "osc", "form": "custom", "messages": []}, "sink.messages", "a list of 1 to 64"),
        ({**custom(), "values": "unit"}, "sink.values", "custom messages name"),
        (custom(address="a"), "sink.messages[0].address", "an address: /"),
        (custom(address="/a b"), "sink.messages[0].address", "an address: /"),
        (custom(address="/a*"), "sink.messages[0].address", "an address: /"),
        (custom(address="/\xe9"), "sink.messages[0].address", "ASCII"),
        (custom(address="/{trak}"), "sink.messages[0].address", "did you mean track?"),
        (custom(address="/{track"), "sink.messages[0].address", "a } for each {"),
        (custom(address="/" + 255 * "a"), "sink.messages[0].address", "at most 255"),
        (custom(address="/{feature}/{parameter}"), "sink.messages[0].address", "not both"),
        (custom(adress="/a"), "sink.messages[0]", "did you mean address?"),
        (custom("velocty"), "sink.messages[0].arguments[0]", "did you mean velocity?"),
        (custom("kick"), "sink.messages[0].arguments[0]", '{"text": ...} is a constant text'),
        (custom(1, "values.osc1.frq"), "sink.messages[0].arguments[1]", "did you mean osc1.freq?"),
        (custom("values.{parameter}"), "sink.messages[0].arguments[0]", "{parameter} in the address too"),
        (custom("scaled.{parameter}", address="/{parameter}"), "sink.messages[0].arguments[0]", "{feature} after"),
        (custom(None), "sink.messages[0].arguments[0]", "a number"),
        (custom(True), "sink.messages[0].arguments[0]", "a number"),
        (custom([]), "sink.messages[0].arguments[0]", "a number"),
        (custom(float("inf")), "sink.messages[0].arguments[0]", "a number"),
        (custom(10**400), "sink.messages[0].arguments[0]", "a number"),
        (custom({}), "sink.messages[0].arguments[0]", "one of source, pairs, text, number"),
        (custom({"text": "a", "source": "hit"}), "sink.messages[0].arguments[0]", "one of source"),
        (custom({"source": "hit", "type": "flaot"}), "sink.messages[0].arguments[0].type", "did you mean float?"),
        (custom({"source": "hit", "scale": "2"}), "sink.messages[0].arguments[0].scale", "a number"),
        (custom({"source": "hit", "modulo": 1.5}), "sink.messages[0].arguments[0].modulo", "a whole number"),
        (custom({"source": 3}), "sink.messages[0].arguments[0].source", "the name of a source"),
        (custom({"pairs": "value"}), "sink.messages[0].arguments[0].pairs", "did you mean values?"),
        (custom({"text": "a\nb"}), "sink.messages[0].arguments[0].text", "printable ASCII"),
        (custom({"text": "{parameter}"}), "sink.messages[0].arguments[0].text", "only {track}, {synth}"),
        (custom({"number": 2.5, "type": "int"}), "sink.messages[0].arguments[0].number", "fits int"),
        (custom({"number": 2**31, "type": "int"}), "sink.messages[0].arguments[0].number", "fits int"),
        (custom({"number": 1}), "sink.messages[0].arguments[0].type", "a value"),
        (custom(*[1] * 65), "sink.messages[0].arguments", "at most 64"),
        (custom(*["values.*"] * 64), "sink.messages", "at most 256 arguments in a message"),
        (custom("values.osc2.freq", "values.metal.tune"), "sink.messages[0]", "parameters that one synthesiser has"),
    ],
)
def test_refusals_name_the_field_and_what_would_do(document, field, expected):
    with pytest.raises(FieldError) as refused:
        sink_from(document)
    assert refused.value.field == field
    assert expected in refused.value.expected


def test_more_than_a_packet_holds_is_refused_at_once():
    long = {"address": "/" + 200 * "a", "arguments": ["values.*"] * 8}
    with pytest.raises(FieldError, match=r"sink.messages: expected at most 8192 bytes for a hit, got more with"):
        sink_from({"kind": "osc", "form": "custom", "messages": [long] * 64})
    many = {"address": "/{parameter}", "arguments": []}
    with pytest.raises(FieldError, match=r"sink.messages: expected at most 256 for a hit, got more with"):
        sink_from({"kind": "osc", "form": "custom", "messages": [many] * 64})


@pytest.mark.parametrize("form", ["vector", "parameters", "supercollider", "pd"])
def test_a_ready_made_form_is_also_what_custom_messages_can_say(form):
    ready = sink_from({"kind": "osc", "form": form})
    own = sink_from({"kind": "osc", "form": "custom", "messages": [t.document() for t in ready.templates()]})
    for synth in SYNTHS.values():
        assert packets(own, 3, synth) == packets(ready, 3, synth)


@pytest.mark.parametrize(
    ("tracks", "enabled", "heard"), [([], True, {1, 2, 32}), ([2, 1, 2], True, {1, 2}), ([], False, set())]
)
def test_tracks_that_are_heard(tracks, enabled, heard):
    sink = sink_from({"kind": "osc", "tracks": tracks, "enabled": enabled})
    assert {track for track in (1, 2, 32) if sink.hears(track)} == heard
    assert sink.tracks == tuple(sorted(set(tracks)))
