"""What is sent and answered about MIDI; the numbers' ranges are those of the mappings' own checks."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from remapd.control.http.names import NewName
from remapd.control.midi.learning import TIMEOUT
from remapd.control.midi.mapping_document import BANK, CHANNEL, MAX_NAMES
from remapd.control.midi.mapping_list import MAX_MAPPINGS
from remapd.control.midi.mappings import SESSION, Curve, Press
from remapd.control.midi.messages import LARGEST_NUMBER, Kind
from remapd.control.tree import MAX_TEXT_LENGTH

_SOURCE: JsonDict = {"kind": "cc14", "number": 7, "channel": 1, "port": "nanoKONTROL2", "bank": None}
_MAPPING: JsonDict = {
    "path": "/track/1/gain_db",
    "source": _SOURCE,
    "minimum": -24.0,
    "maximum": 0.0,
    "pick_up": True,
}
_ROW: JsonDict = {
    "id": "1", **_MAPPING, "invert": False, "curve": "", "press": "momentary", "names": [], "active": True
}  # fmt: skip
_COUNTS: JsonDict = {"messages": 120, "ignored": 0, "changes": 60, "refused": 0, "overflows": 0}


def _strict(example: JsonDict) -> ConfigDict:
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": example})


class SourceDocument(BaseModel):
    """Which movements a mapping listens to."""

    model_config = _strict(_SOURCE)
    kind: Kind
    number: int = Field(
        0, ge=0, le=max(LARGEST_NUMBER.values()),
        description="Controller, parameter, note or program, from 0; where there is a list, the first program of it.",
    )  # fmt: skip
    channel: int = Field(0, ge=CHANNEL.minimum, le=CHANNEL.maximum, description=CHANNEL.description)
    port: str = Field("", max_length=MAX_TEXT_LENGTH, description="Part of the port's name, in any case; empty is any.")
    bank: int | None = Field(None, ge=BANK.minimum, le=BANK.maximum, description=f"{BANK.description} Null is any.")


class _Settings(BaseModel):
    """How a movement changes a control."""

    path: str = Field(
        min_length=1, max_length=MAX_TEXT_LENGTH,
        description=f"Path of the control in the tree; `{SESSION}` loads sessions.",
    )  # fmt: skip
    minimum: float | None = Field(None, description="Least value, in the control's unit; null is that of its range.")
    maximum: float | None = Field(None, description="Greatest value, in the control's unit; null is that of its range.")
    invert: bool = Field(False, description="Whether it runs the other way round.")
    curve: Curve = Field("", description="How it runs through the range; empty is as the control has it.")
    pick_up: bool = Field(False, description="Whether a knob must come to where the control is before it moves it.")
    names: list[NewName] = Field(
        [], max_length=MAX_NAMES, description="Models, presets or sessions to choose from; empty is all of them."
    )


class MappingDocument(_Settings):
    """A mapping as a client sends it; `active` is not looked at."""

    model_config = _strict(_MAPPING)
    id: NewName | None = Field(None, description="Its name; without one it gets one.")
    source: SourceDocument
    press: Press | None = Field(
        None, description="What a button does; without it notes and programs toggle, and controllers follow."
    )
    active: bool = Field(True, description="As in the answers.")


class MappingRow(_Settings):
    """A mapping."""

    model_config = ConfigDict(json_schema_extra={"example": _ROW})
    id: str
    source: SourceDocument
    press: Press
    active: bool = Field(description="Whether its control is there and can be changed by it.")


class Mappings(BaseModel):
    """All mappings as a client sends them."""

    model_config = _strict({"mappings": [_MAPPING]})
    mappings: list[MappingDocument] = Field(max_length=MAX_MAPPINGS)


class MappingTable(BaseModel):
    """All mappings."""

    model_config = ConfigDict(json_schema_extra={"example": {"mappings": [_ROW]}})
    mappings: list[MappingRow]


class LearnRequest(_Settings):
    """For what to wait for a movement."""

    model_config = _strict({"path": "/track/1/gain_db", "timeout_s": TIMEOUT.default})
    press: Press | None = Field(None, description="As in a mapping.")
    replace: bool = Field(True, description="Whether other mappings of the path go.")
    timeout_s: float = Field(TIMEOUT.default, ge=TIMEOUT.minimum, le=TIMEOUT.maximum, description=TIMEOUT.description)


class LearningState(BaseModel):
    """Whether a movement is waited for."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"waiting": True, "path": "/track/1/gain_db", "remaining_s": 19.5}}
    )
    waiting: bool
    path: str | None = Field(description="For what.")
    remaining_s: float = Field(description="For how many seconds more.")


class PortsDocument(BaseModel):
    """What is listened to."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "enabled": True, "interface": "ALSA", "virtual": "remapd", "wanted": ["nano"],
                "available": ["nanoKONTROL2:nanoKONTROL2 MIDI 1"],
                "open": ["remapd", "nanoKONTROL2:nanoKONTROL2 MIDI 1"], "faults": {}, "fault": "", "counts": _COUNTS,
                "outputs": ["TR-8S:TR-8S MIDI 1"],
            }
        }
    )  # fmt: skip
    enabled: bool = Field(description="Whether MIDI is listened to at all.")
    interface: str = Field(description="ALSA, Jack, ...; empty while there is none.")
    virtual: str = Field(description="Name of our own port; empty if there is none.")
    wanted: list[str] = Field(description="Parts of the names of ports to listen to; from the config.")
    available: list[str] = Field(description="Ports that there are.")
    open: list[str] = Field(description="Ports that are listened to.")
    faults: dict[str, str] = Field(description="Why a wanted port is not open, by its name.")
    fault: str = Field(description="Why there is no MIDI; empty if there is.")
    counts: dict[str, int] = Field(
        description="Messages, those that moved nothing, changes made and refused, and overflows of a port."
    )
    outputs: list[str] = Field(
        description="Ports that a sink may send to; they are looked for as long as there is a MIDI sink."
    )
