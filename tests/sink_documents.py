"""Documents of OSC sinks for tests that try many."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from remapd.sinks.document import sink_from
from remapd.sinks.osc.document import OscSink
from remapd.sinks.osc.forms import FORMS
from remapd.sinks.sources import GROUPS, source_names

_NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=8)
_TYPES = st.sampled_from(["int", "float", "long", "double"])


def json_values() -> st.SearchStrategy[Any]:
    """Whatever JSON may hold, with some of the words of sinks."""
    words = ["osc", "vector", "custom", "velocity", "values.*", "values.osc1.freq", "/a/{track}", "{", "udp", "text"]
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(words)
    names = st.sampled_from(["kind", "form", "messages", "address", "arguments", "source", "text", "pairs", "type"])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=4), inner),
        max_leaves=12,
    )


@st.composite
def osc_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Valid documents, with defaults here and there."""
    form = draw(st.sampled_from(list(FORMS)))
    document: dict[str, Any] = {"kind": "osc", "form": form}
    optional: dict[str, st.SearchStrategy[Any]] = {
        "id": _NAMES.filter(lambda name: name[0].isalnum()),
        "tracks": st.lists(st.integers(1, 32), max_size=4),
        "enabled": st.booleans(),
        "host": st.sampled_from(["127.0.0.1", "localhost", "::1", "studio.local"]),
        "port": st.integers(1, 65535),
        "transport": st.sampled_from(["udp", "tcp", "tcp-slip"]),
        "latency_ms": st.none() | st.floats(0.0, 1000.0),
        "velocity": st.just([[0, 0], [0.5, 0.2], [1, 1]]),
    }
    if form == "custom":
        document["messages"] = draw(st.lists(_messages(), min_size=1, max_size=3))
    else:
        optional["values"] = st.sampled_from(["units", "unit"])
    if form == "supercollider":
        optional |= {
            "synthdef": st.just("drum_{track}"),
            "group": st.integers(0, 100),
            "first_node": st.integers(1, 10**9),
        }
    for name, strategy in optional.items():
        if draw(st.booleans()):
            document[name] = draw(strategy)
    if document.get("latency_ms") is None and form != "supercollider" and draw(st.booleans()):
        document["bundle"] = False
    return document


def osc_sinks() -> st.SearchStrategy[OscSink]:
    """Valid sinks."""
    return osc_documents().map(lambda document: sink_from(document))  # type: ignore[return-value]


@st.composite
def _messages(draw: st.DrawFn) -> dict[str, Any]:
    """A message whose sources all synths have."""
    word = draw(st.sampled_from(["", "{parameter}", "{control}", "{feature}", "{track}", "{synth}"]))
    address = "/" + "/".join([*draw(st.lists(_NAMES, min_size=1, max_size=3)), word or "x"])
    return {"address": address, "arguments": draw(st.lists(_arguments(word), max_size=4))}


def _arguments(word: str) -> st.SearchStrategy[Any]:
    known = [name for name in source_names() if name.partition(".")[0] not in ("values", "unit", "modulation")]
    # Not all of them for each name, or a packet would be too long.
    groups = [] if word in ("{parameter}", "{control}", "{feature}") else list(GROUPS)
    stars = [f"{group}.*" for group in groups]
    each = {"{parameter}": ["values", "unit", "modulation"], "{control}": ["unit"], "{feature}": ["features", "scaled"]}
    own = [f"{group}.{word}" for group in each.get(word, [])]
    sources = st.sampled_from([*known, *stars, *own, "values.tanh.in_gain"])
    scales = st.floats(-1000.0, 1000.0)
    return st.one_of(
        st.integers(-(2**31), 2**31 - 1),
        st.floats(-1e6, 1e6),
        sources,
        st.fixed_dictionaries({"source": sources}, optional={"type": _TYPES, "scale": scales, "offset": scales}),
        st.fixed_dictionaries({"pairs": st.sampled_from(groups)}) if groups else st.integers(0, 9),
        st.fixed_dictionaries(
            {"text": st.text("abc {track}", max_size=3).filter(lambda t: "{" not in t and "}" not in t)}
        ),
        st.fixed_dictionaries({"number": st.integers(-100, 100), "type": _TYPES}),
    )
