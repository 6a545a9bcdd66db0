"""Controls of a TouchOSC page: rows with a name, a fader and its value, buttons, readouts."""

from __future__ import annotations

from remapd.control.osc.addresses import address_of
from remapd.control.tree import Control
from remapd.layouts.surface import Row, node_name, value_text
from remapd.layouts.touchosc.nodes import Colour, Frame, Node, Osc, Property
from remapd.layouts.touchosc.scripts import fader_script

BACKGROUND, PANEL = Colour(0.07, 0.07, 0.09), Colour(0.15, 0.15, 0.18)
TEXT, DIM = Colour(1.0, 1.0, 1.0), Colour(0.72, 0.72, 0.76)
ACCENT, DEPTH, LOCK, DANGER, HIT = (
    Colour(0.95, 0.62, 0.2), Colour(0.3, 0.6, 0.85), Colour(0.75, 0.65, 0.25), Colour(0.85, 0.25, 0.25),
    Colour(0.3, 0.85, 0.45),
)  # fmt: skip
#: Colours of tracks, again and again.
TRACKS = (
    ACCENT, Colour(0.25, 0.65, 0.9), Colour(0.45, 0.8, 0.4), Colour(0.85, 0.45, 0.75), Colour(0.85, 0.8, 0.3),
    Colour(0.4, 0.8, 0.8), Colour(0.9, 0.5, 0.45), Colour(0.6, 0.55, 0.9),
)  # fmt: skip

_CENTRE, _LEFT = 2, 1
_MOMENTARY, _TOGGLE = 0, 2
_EAST = 1
_GAP = 6
#: Sizes of texts: the least, and how large one is whose characters are each a pixel wide.
_SMALLEST, _CHARACTER = 9, 1.8
#: Parts of a row's width: name, value, and beside the fader depth and lock.
_NAME_PART, _VALUE_PART, _DEPTH_PART, _LOCK_PART = 0.24, 0.17, 0.13, 0.07


def label(
    name: str, text: str, frame: Frame, size: int = 16, colour: Colour = TEXT, align: int = _CENTRE,
    messages: tuple[Osc, ...] = (), background: bool = False,
) -> Node:  # fmt: skip
    """A text that nobody touches."""
    fitting = int(frame.w * _CHARACTER / max(1, len(text)))
    properties: dict[str, Property] = {
        "background": background, "color": PANEL, "outline": False, "interactive": False, "textColor": colour,
        "textSize": max(_SMALLEST, min(size, fitting)), "textAlignH": align,
    }  # fmt: skip
    return Node("LABEL", name, frame, properties, {"text": text}, messages)


def readout(name: str, row: Row, frame: Frame) -> list[Node]:
    """A text of the tree that is shown as it is now."""
    receives = Osc(address_of(row.control.path), "text", "STRING", sends=False)
    small, rest = frame._replace(h=frame.h // 3), frame._replace(y=frame.y + frame.h // 3, h=frame.h - frame.h // 3)
    return [
        label(f"{name}_name", row.label, small, 12, DIM),
        label(name, "", rest, 17, TEXT, messages=(receives,), background=True),
    ]


def button(name: str, text: str, frame: Frame, colour: Colour, message: Osc, toggles: bool) -> list[Node]:
    """A button with its text on it."""
    properties: dict[str, Property] = {"color": colour, "buttonType": _TOGGLE if toggles else _MOMENTARY}
    return [
        Node("BUTTON", name, frame, properties, {"x": 0.0}, (message,)),
        label(f"{name}_name", text, frame, min(18, max(10, frame.h // 3))),
    ]


def switch(name: str, row: Row, frame: Frame, colour: Colour) -> list[Node]:
    """A toggle."""
    return button(name, row.label, frame, colour, Osc(address_of(row.control.path), conversion="BOOLEAN"), True)


def action(name: str, row: Row, frame: Frame) -> list[Node]:
    """A button that does something when it goes down."""
    return button(name, row.label.upper(), frame, DANGER, Osc(address_of(row.control.path), "", receives=False), False)


def meter(name: str, frame: Frame) -> Node:
    """A bar that shows hits; the script of the document moves it."""
    properties: dict[str, Property] = {
        "color": HIT, "orientation": _EAST, "interactive": False, "cursor": False, "grid": False,
    }  # fmt: skip
    return Node("FADER", name, frame, properties, {"x": 0.0})


def fader(name: str, control: Control, frame: Frame, colour: Colour) -> Node:
    """A fader of a number, from left to right."""
    properties: dict[str, Property] = {
        "color": colour, "orientation": _EAST, "grid": False, "script": fader_script(control),
    }  # fmt: skip
    assert control.minimum is not None, control.path
    assert control.maximum is not None, control.path
    if control.minimum < 0.0 < control.maximum and control.curve == "linear" and control.unit != "dB":
        properties["centered"] = True
    conversion = "INTEGER" if control.kind == "whole" else "FLOAT"
    # With a log curve the scripts send and take it, as a message can only be scaled linearly.
    message = Osc(address_of(control.path), "x", conversion, control.minimum, control.maximum)
    start = control.to_position(control.default) if control.default is not None else 0.0
    return Node("FADER", name, frame, properties, {"x": start}, () if control.curve == "log" else (message,))


def row_nodes(row: Row, frame: Frame, colour: Colour) -> list[Node]:
    """A row: name, fader, value, and of a synthesiser's parameter its depth and lock."""
    name = node_name(row.control)
    if row.control.kind == "switch":
        return switch(name, row, frame, colour)
    parts = [_NAME_PART, 0.0, _VALUE_PART, _DEPTH_PART * (row.depth is not None), _LOCK_PART * (row.lock is not None)]
    parts[1] = 1.0 - sum(parts)
    named, moved, told, deep, locked = _beside(frame, parts)
    size = min(17, max(11, frame.h // 3))
    nodes = [
        label(f"{name}_name", row.label, named, size, DIM, _LEFT),
        fader(name, row.control, moved, colour),
        label(f"{name}_value", value_text(row.control, row.control.default), told, size),
    ]
    if row.depth is not None:
        nodes.append(fader(node_name(row.depth), row.depth, deep, DEPTH))
    if row.lock is not None:
        nodes += switch(node_name(row.lock), Row("L", row.lock), locked, LOCK)
    return nodes


def _beside(frame: Frame, parts: list[float]) -> list[Frame]:
    """Frames one beside the other that take these parts of a width."""
    frames, x = [], float(frame.x)
    for part in parts:
        width = part * frame.w
        frames.append(Frame(round(x), frame.y, max(1, round(width) - _GAP), frame.h))
        x += width
    return frames
