"""Mappings held against the controls they are to change."""

from __future__ import annotations

from collections.abc import Mapping as Members
from typing import Any

from remapd.control.midi.mapping_document import parse_mapping
from remapd.control.midi.mappings import SESSION, Mapping
from remapd.control.tree import Control, Tree
from remapd.errors import FieldError, Told
from remapd.parameters import Parameter


def check_fits(mapping: Mapping, control: Control | None, field: str) -> None:
    """Hold a mapping against its control; None is the list of sessions.

    Raises
    ------
    FieldError
        If MIDI may not change the control, or a setting makes no sense for it.
    """
    if control is not None and not control.midi:
        raise FieldError(f"{field}.path", "a control that MIDI may change", control.path)
    if mapping.press == "momentary" and mapping.source.kind == "program":
        raise FieldError(f"{field}.press", "toggle, as a program is never let go", mapping.press)
    if control is None or control.kind not in ("number", "whole"):
        _refuse_range(mapping, field)
    else:
        range_of(mapping, control, field)
    if mapping.names and control is not None and control.kind != "text":
        raise FieldError(f"{field}.names", "none, as the control has no names", Told("some"))


def range_of(mapping: Mapping, control: Control, field: str = "mapping") -> Parameter:
    """The part of a control's range that a mapping runs through, as a parameter of its own.

    Raises
    ------
    FieldError
        If it is empty, outside the control's range, or cannot have the curve.
    """
    whole = control.parameter
    assert whole is not None, control.path
    ends = [(mapping.minimum, whole.minimum, "minimum"), (mapping.maximum, whole.maximum, "maximum")]
    low, high = (whole.check(at, f"{field}.{name}") if at is not None else end for at, end, name in ends)
    if low >= high:
        raise FieldError(f"{field}.maximum", f"more than {low:g}, the minimum", high)
    curve = mapping.curve or whole.curve
    if curve == "log" and low <= 0.0:
        raise FieldError(f"{field}.curve", "linear, as a log curve needs a positive range", curve)
    return Parameter(control.path, whole.unit, low, high, low, whole.description, curve)


def check_changeable(document: Members[str, Any], tree: Tree, field: str) -> Control | None:
    """Check a mapping whose movement is not known yet; returns its control, None for sessions.

    Raises
    ------
    FieldError
        If there is no such path, MIDI may not change it, or the rest does not fit.
    """
    mapping = parse_mapping({**document, "source": {"kind": "cc"}}, field, "new")
    control = None if mapping.path == SESSION else tree[mapping.path]
    check_fits(mapping, control, field)
    return control


def _refuse_range(mapping: Mapping, field: str) -> None:
    for name in ("minimum", "maximum"):
        if getattr(mapping, name) is not None:
            raise FieldError(f"{field}.{name}", "none, as the control has no range", getattr(mapping, name))
    if mapping.curve:
        raise FieldError(f"{field}.curve", "none, as the control has no range", mapping.curve)
