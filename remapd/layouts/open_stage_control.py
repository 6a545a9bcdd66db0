"""Session of Open Stage Control: a tab for what there is once, and one for each track with tabs of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from remapd.control.osc.addresses import PING, SUBSCRIBE, address_of
from remapd.control.tree import Control
from remapd.layouts.surface import Row, Surface, TrackPage, node_name, value_format

#: Version of the program that the session is written for; an older one says so.
_VERSION = "1.26.0"
#: How often the service is told that we are there; it forgets who is silent for a minute.
_PING_MS = 20_000
#: How long a hit is seen.
_HIT_MS = 150
_ROW, _HEADER, _PANIC = 48, 56, 110
_NAME, _VALUE, _DEPTH, _LOCK = "22%", "16%", "14%", 44
_ACCENT, _DEPTH_COLOUR, _LOCK_COLOUR, _DANGER, _HIT = "#f29e33", "#4d99d9", "#bfa640", "#d94040", "#4dd973"
_TRACKS = (_ACCENT, "#40a6e6", "#73cc66", "#d973bf", "#d9cc4d", "#66cccc", "#e68073", "#998ce6")

Widget = dict[str, Any]


def open_stage_control_session(surface: Surface) -> bytes:
    """Content of a session file; the same surface gives the same bytes."""
    tabs = [_global_tab(surface), *map(_track_tab, surface.tracks)]
    # Whoever talks to the service is told all values and then each change.
    script = f"send('{SUBSCRIBE}')\nsetInterval(() => send('{PING}'), {_PING_MS})"
    root = {"type": "root", "id": "root", "colorWidget": _ACCENT, "tabs": tabs, "onCreate": script}
    session = {"createdWith": "Open Stage Control", "version": _VERSION, "type": "session", "content": root}
    return (json.dumps(session, indent=1) + "\n").encode()


def _global_tab(surface: Surface) -> Widget:
    actions = _panel("actions", "horizontal", _PANIC, [_action(row) for row in surface.actions])
    return _tab("all", "All", _ACCENT, [actions, *(_row(row) for row in surface.rows)])


def _track_tab(track: TrackPage) -> Widget:
    tabs = [
        _tab(f"{tab.title.lower()}_{track.number}", tab.title, "auto", [_row(row) for row in tab.rows])
        for tab in track.tabs
    ]
    inner = {"type": "panel", "id": f"tabs_{track.number}", "expand": True, "tabs": tabs}
    colour = _TRACKS[(track.number - 1) % len(_TRACKS)]
    header = _panel(f"header_{track.number}", "horizontal", _HEADER, list(_header(track)))
    return _tab(f"track_{track.number}", f"Track {track.number}", colour, [header, inner])


def _header(track: TrackPage) -> Iterable[Widget]:
    """What plays, the hits, and the switches."""
    for row in track.texts:
        kind = "input" if row.control.osc else "text"
        yield {**_widget(kind, row.control), "html": row.label, "expand": True, "typeTags": "s"}
    name = f"hit_{track.number}"
    yield {
        "type": "fader", "id": name, "design": "compact", "horizontal": True, "interaction": False, "bypass": True,
        "colorWidget": _HIT, "expand": True,
    }  # fmt: skip
    # A hit is many numbers: its own, the velocity, and so on.
    script = f"set('{name}', value[1])\nsetTimeout(() => set('{name}', 0), {_HIT_MS})"
    yield {
        "type": "variable", "id": f"{name}_numbers", "address": track.hit_address, "bypass": True, "onValue": script,
    }  # fmt: skip
    yield from (_switch(row.control, row.label) for row in track.switches)


def _row(row: Row) -> Widget:
    control, name = row.control, node_name(row.control)
    if control.kind == "switch":
        return {**_switch(control, row.label), "height": _ROW, "width": "100%"}
    widgets = [
        {"type": "text", "id": f"{name}_name", "default": row.label, "width": _NAME, "align": "left", "bypass": True},
        {**_fader(control), "expand": True},
        {"type": "text", "id": f"{name}_value", "value": f"@{{{name}}} {control.unit}".rstrip(), "width": _VALUE,
         "bypass": True},
    ]  # fmt: skip
    if row.depth is not None:
        widgets.append({**_fader(row.depth), "width": _DEPTH, "colorWidget": _DEPTH_COLOUR})
    if row.lock is not None:
        widgets.append({**_switch(row.lock, "L"), "width": _LOCK, "expand": False, "colorWidget": _LOCK_COLOUR})
    return _panel(f"{name}_row", "horizontal", _ROW, widgets)


def _fader(control: Control) -> Widget:
    assert control.minimum is not None, control.path
    assert control.maximum is not None, control.path
    # A number as logScale is the ratio of the ends: equal ways are equal ratios then.
    log = control.maximum / control.minimum if control.curve == "log" else False
    return {
        **_widget("fader", control), "horizontal": True, "design": "compact", "logScale": log, "doubleTap": True,
        "range": {"min": control.minimum, "max": control.maximum}, "default": control.default,
        "typeTags": "i" if control.kind == "whole" else "f", "decimals": _decimals(control),
    }  # fmt: skip


def _switch(control: Control, label: str) -> Widget:
    return {**_widget("button", control), "label": label, "mode": "toggle", "on": True, "off": False, "expand": True}


def _action(row: Row) -> Widget:
    return {
        **_widget("button", row.control), "label": row.label.upper(), "mode": "momentary", "colorWidget": _DANGER,
        "expand": True,
    }  # fmt: skip


def _decimals(control: Control) -> int:
    """Decimals that are sent: one more than is shown, and enough for the low end of a log curve."""
    return 3 if control.curve == "log" else int(value_format(control)[2]) + 1


def _widget(kind: str, control: Control) -> Widget:
    return {
        "type": kind,
        "id": node_name(control),
        "address": address_of(control.path),
        "comments": control.description,
    }


def _plain(text: str) -> str:
    """Text in which the program finds nothing to work out."""
    return text.replace("{", "(").replace("}", ")")


def _panel(name: str, layout: str, height: int, widgets: list[Widget]) -> Widget:
    return {
        "type": "panel", "id": name, "layout": layout, "height": height, "width": "100%", "scroll": False,
        "innerPadding": False, "padding": 4, "alphaStroke": 0, "bypass": True, "widgets": widgets,
    }  # fmt: skip


def _tab(name: str, label: str, colour: str, widgets: list[Widget]) -> Widget:
    return {
        "type": "tab", "id": name, "label": label, "colorWidget": colour, "layout": "vertical", "contain": False,
        "padding": 6, "bypass": True, "widgets": widgets,
    }  # fmt: skip
