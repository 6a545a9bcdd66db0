"""Ready-made messages. Each form is what a document with the form ``custom`` could say too."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from remapd.sinks.osc.sink import OscSink

FormName = Literal["vector", "parameters", "supercollider", "pd", "custom"]

#: Nodes of SuperCollider count from the first one up to so many, and begin anew.
NODES = 100_000
#: Where sinks begin that say nothing of it, each at a place of its own: sclang's clients count from 1000 on.
_FIRST_NODE, _PLACES = 1_000_000_000, 10_000


class Form(NamedTuple):
    """A form of messages.

    Parameters
    ----------
    description : str
        What it is for, in one sentence.
    messages : callable
        Gives the messages of a sink as a document has them.
    members : tuple of str
        Members of a sink's document that only this form has.
    needs_bundle : bool
        Whether its messages mean nothing one by one.
    """

    description: str
    messages: Callable[[OscSink], list[dict[str, Any]]]
    members: tuple[str, ...] = ()
    needs_bundle: bool = False


def _vector(sink: OscSink) -> list[dict[str, Any]]:
    arguments = ["hit", "velocity", "scaled.*", f"{_values(sink)}.*"]
    return [{"address": "/remapd/{track}/hit", "arguments": arguments}]


def _parameters(sink: OscSink) -> list[dict[str, Any]]:
    return _one_by_one("/remapd/{track}", sink)


def _pd(sink: OscSink) -> list[dict[str, Any]]:
    # Pd makes a symbol of each level of an address, and [route 1] does not match the symbol 1.
    return _one_by_one("/remapd/track{track}", sink)


def _one_by_one(root: str, sink: OscSink) -> list[dict[str, Any]]:
    """One message for each parameter, and the hit last: whoever plays on it has all values then."""
    return [
        {"address": f"{root}/{{parameter}}", "arguments": [f"{_values(sink)}.{{parameter}}"]},
        {"address": f"{root}/hit", "arguments": ["hit", "velocity"]},
    ]


def _supercollider(sink: OscSink) -> list[dict[str, Any]]:
    node = {"source": "hit", "modulo": NODES, "offset": _first_node(sink)}
    # At the head of the group; a synth's control that the definition lacks is ignored.
    new = [{"text": sink.synthdef}, node, 0, sink.group]
    controls = [[{"text": name}, name] for name in ("velocity", "track", "hit")]
    settings = [node, {"pairs": _values(sink)}, *(part for control in controls for part in control)]
    return [{"address": "/s_new", "arguments": new}, {"address": "/n_set", "arguments": settings}]


def _first_node(sink: OscSink) -> int:
    """Where the nodes of a sink begin; those of two sinks for one server must not meet."""
    if sink.first_node is not None:
        return sink.first_node
    return _FIRST_NODE + zlib.crc32(sink.id.encode()) % _PLACES * NODES


def _custom(sink: OscSink) -> list[dict[str, Any]]:
    return [message.document() for message in sink.messages]


def _values(sink: OscSink) -> str:
    """Group of sources that has the parameters' values as the sink wants them."""
    return "unit" if sink.values == "unit" else "values"


FORMS: dict[FormName, Form] = {
    "vector": Form("One message with everything, for whoever counts arguments.", _vector),
    "parameters": Form("One message for each parameter and one for the hit, in one bundle.", _parameters),
    "supercollider": Form(
        "A new synth in scsynth for each hit, with a control for each parameter.",
        _supercollider,
        ("synthdef", "group", "first_node"),
        needs_bundle=True,
    ),
    "pd": Form("As parameters, with addresses that [route] of Pure Data and Max can take apart.", _pd),
    "custom": Form("Messages of your own.", _custom, ("messages",)),
}
