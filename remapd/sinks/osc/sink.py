"""An OSC sink: where its packets go, and what they say."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Literal

from remapd.parameters import Parameter, ParameterTable
from remapd.sinks.common import Common
from remapd.sinks.osc.forms import FORMS, FormName
from remapd.sinks.osc.messages import MessageTemplate, parse_messages
from remapd.sinks.velocity import VelocityCurve

Transport = Literal["udp", "tcp", "tcp-slip"]
Values = Literal["units", "unit"]

#: The numbers of a sink.
SETTINGS = ParameterTable(
    "osc sink",
    [
        Parameter("port", "", 1.0, 65535.0, 9001.0, "Port of the receiver.", "whole"),
        Parameter("latency_ms", "ms", 0.0, 10000.0, 0.0, "From the onset to the time tag."),
        Parameter("group", "", 0.0, 2**31 - 1.0, 0.0, "SuperCollider's group for synths; every server has 0.", "whole"),
        Parameter("first_node", "", 1.0, 2.0e9, 1.0e9, "Number of SuperCollider's first synth.", "whole"),
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OscSink(Common):
    """A receiver of OSC, and the messages that it gets for a hit.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        Its port.
    transport : {"udp", "tcp", "tcp-slip"}
        How packets travel; over TCP with their length before each, or in SLIP.
    form : {"vector", "parameters", "supercollider", "pd", "custom"}
        What is sent, see `remapd.sinks.osc.forms`.
    values : {"units", "unit"}
        Whether parameters are sent in their units or as 0..1 along their curves; a custom form says it by itself.
    bundle : bool
        Whether messages of one hit travel in one packet; if not, each has its own.
    latency_ms : float, optional
        Time tag of the bundle after the onset; None asks for no delay.
    velocity : VelocityCurve
        From loudness to velocity.
    messages : tuple of MessageTemplate
        Those of a custom form.
    synthdef : str
        Name of SuperCollider's definition, with words in braces.
    group : int
        The group into which its synths are put.
    first_node : int, optional
        Where the numbers of its synths begin; None is a place that follows from its name.
    """

    host: str = "127.0.0.1"
    port: int = int(SETTINGS["port"].default)
    transport: Transport = "udp"
    form: FormName = "vector"
    values: Values = "units"
    bundle: bool = True
    latency_ms: float | None = None
    velocity: VelocityCurve = field(default_factory=VelocityCurve)
    messages: tuple[MessageTemplate, ...] = ()
    synthdef: str = "remapd_{synth}"
    group: int = int(SETTINGS["group"].default)
    first_node: int | None = None

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        names = [name for name in COMMON_OF_FORMS if name != "values" or self.form != "custom"]
        own = {name: getattr(self, name) for name in (*names, *FORMS[self.form].members)}
        nested = {"velocity": self.velocity.document(), "messages": [m.document() for m in self.messages]}
        return self.common_document("osc") | {name: nested.get(name, value) for name, value in own.items()}

    def templates(self) -> tuple[MessageTemplate, ...]:
        """What is sent for a hit."""
        return self.messages or _ready_made(self)


#: Members of a document that all forms have, but for `values`, which a custom form has in its messages.
COMMON_OF_FORMS = ("host", "port", "transport", "form", "values", "bundle", "latency_ms", "velocity")


@functools.lru_cache(maxsize=64)
def _ready_made(sink: OscSink) -> tuple[MessageTemplate, ...]:
    return parse_messages(FORMS[sink.form].messages(sink))
