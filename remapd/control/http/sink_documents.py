"""What is sent and answered about sinks; the numbers' ranges are those of the sinks' own checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from remapd.control.sinks.limits import MAX_SINKS
from remapd.control.sinks.sink_list import Origin
from remapd.control.sinks.states import State
from remapd.parameters import Parameter
from remapd.sinks.midi.control import Curve, Kind
from remapd.sinks.midi.document import SETTINGS as MIDI
from remapd.sinks.midi.document import Wire
from remapd.sinks.osc.forms import FORMS, FormName
from remapd.sinks.osc.sink import SETTINGS as OSC
from remapd.sinks.osc.sink import Transport, Values

#: What a client may send; what is left out has its default.
OSC_EXAMPLE: JsonDict = {
    "kind": "osc", "host": "127.0.0.1", "port": 57110, "form": "supercollider", "tracks": [1]
}  # fmt: skip
MIDI_EXAMPLE: JsonDict = {
    "kind": "midi", "port": "TR-8S", "channel": 10, "note": 38,
    "controls": [{"source": "unit.osc1.freq", "kind": "cc", "number": 24}],
}  # fmt: skip
GIVEN = (
    "A sink, with the members that the answers show; what is left out has its default. `origin` and `status` are not "
    "looked at. With `profile` and `instrument` a MIDI sink takes what it leaves out from that profile."
)


def _number(parameter: Parameter) -> Any:
    return Field(ge=parameter.minimum, le=parameter.maximum, description=parameter.description)


class SinkStatus(BaseModel):
    """How a sink fares; its figures count from the start of the engine."""

    model_config = ConfigDict(extra="allow")
    state: State = Field(
        description="Open sends; waiting is for a name, peer, port or engine that may come; off is not enabled."
    )
    fault: str = Field(description="Why it is not open; empty if it is.")
    sent: int = Field(description="Hits that were sent.")
    dropped: int = Field(description="Hits that were not, as the receiver did not keep up.")
    coalesced: int = Field(description="Values of controllers that gave way to newer ones.")


class _Sink(BaseModel):
    id: str
    tracks: list[int] = Field(description="Whose hits it sends, from 1; none is all of them.")
    enabled: bool
    velocity: list[tuple[float, float]] = Field(description="Points from loudness to velocity, each from 0 to 1.")
    origin: Origin = Field(description="Those of the config and of options come back with those.")
    status: SinkStatus


class OscRow(_Sink):
    """A receiver of OSC."""

    kind: Literal["osc"]
    host: str
    port: Annotated[int, _number(OSC["port"])]
    transport: Transport
    form: FormName = Field(description="; ".join(f"{name}: {form.description}" for name, form in FORMS.items()))
    values: Values | None = Field(None, description="Parameters in their units or from 0 to 1; not of a custom form.")
    bundle: bool = Field(description="Whether messages of one hit travel in one packet.")
    latency_ms: Annotated[float, _number(OSC["latency_ms"])] | None
    messages: list[dict[str, Any]] | None = Field(None, description="Those of a custom form.")
    synthdef: str | None = Field(None, description="Of the form supercollider, as all below.")
    group: Annotated[int, _number(OSC["group"])] | None = None
    first_node: Annotated[int, _number(OSC["first_node"])] | None = None


class ControlRow(BaseModel):
    """One controller of a MIDI sink."""

    source: str = Field(description="Number of the hit that moves it.")
    kind: Kind
    number: int
    minimum: int
    maximum: int
    centre: int | None
    curve: Curve
    invert: bool
    source_minimum: float | None
    source_maximum: float | None
    smoothing: float
    threshold: int
    weight: float
    synth: str = Field(description="It moves only while the track plays this one; empty is any.")


class MidiRow(_Sink):
    """An instrument behind a MIDI port."""

    kind: Literal["midi"]
    port: str = Field(description="Name of a port or a part of it; of a virtual one its own name.")
    virtual: bool
    wire: Wire
    channel: Annotated[int, _number(MIDI["channel"])]
    note: Annotated[int, _number(MIDI["note"])]
    note_length_ms: Annotated[float, _number(MIDI["note_length_ms"])]
    minimum_velocity: Annotated[int, _number(MIDI["minimum_velocity"])]
    maximum_velocity: Annotated[int, _number(MIDI["maximum_velocity"])]
    late_ms: Annotated[float, _number(MIDI["late_ms"])]
    choke: bool
    controls: list[ControlRow]
    mpe: bool
    mpe_channels: Annotated[int, _number(MIDI["mpe_channels"])]
    bank: int | None
    program: int | None
    programs: dict[str, int] = Field(description="Program by name of preset.")
    profile: str
    instrument: str


SinkRow = Annotated[OscRow | MidiRow, Field(discriminator="kind")]


class SinkTable(BaseModel):
    """All sinks."""

    sinks: list[SinkRow]


class BriefRow(BaseModel):
    """Where a sink sends, and how that fares."""

    id: str
    kind: Literal["osc", "midi"]
    place: str = Field(description="Host and port, or the name of a MIDI port, for people.")
    status: SinkStatus


class BriefTable(BaseModel):
    """All sinks in short."""

    sinks: list[BriefRow]


class GivenSinks(BaseModel):
    """All sinks as a client sends them."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"example": {"sinks": [OSC_EXAMPLE, MIDI_EXAMPLE]}}
    )
    sinks: list[dict[str, Any]] = Field(max_length=MAX_SINKS, description=GIVEN)


class ProfileSummary(BaseModel):
    """A device profile in short."""

    model_config = ConfigDict(extra="allow")
    name: str


class ProfileTable(BaseModel):
    """All device profiles."""

    profiles: list[ProfileSummary]
