"""Nodes of a TouchOSC document as XML: properties, values, messages and children.

The document is what TouchOSC's editor writes: keys and texts stand in CDATA sections, a property has a letter for its
type, and an OSC message is put together of "partials", each with a conversion and a range to scale to.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_HEAD = "<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>"
_TAIL = "</lexml>"
#: Ids of nodes are made of their places in the document, so that the same tree gives the same document.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "remapd/touchosc")
#: The first of the five connections of this version of the format.
_CONNECTION = "00001"


class Frame(NamedTuple):
    """Place within the parent, in pixels of the design."""

    x: int
    y: int
    w: int
    h: int


class Colour(NamedTuple):
    """Red, green, blue and opacity, each 0 to 1."""

    r: float
    g: float
    b: float
    a: float = 1.0


@dataclass(frozen=True, slots=True)
class Osc:
    """A message that a control sends and takes.

    Parameters
    ----------
    address : str
        Where it goes, and where it comes from.
    value : str
        Which value of the control it carries: ``x`` or ``text``; empty for a message without arguments.
    conversion : str
        ``FLOAT``, ``INTEGER``, ``BOOLEAN`` or ``STRING``.
    minimum, maximum : float
        What 0 and 1 of the control stand for.
    sends, receives : bool
        Which way it goes.
    """

    address: str
    value: str = "x"
    conversion: str = "FLOAT"
    minimum: float = 0.0
    maximum: float = 1.0
    sends: bool = True
    receives: bool = True


Property = bool | int | float | str | Frame | Colour


@dataclass(frozen=True, slots=True)
class Node:
    """A control.

    Parameters
    ----------
    kind : str
        ``GROUP``, ``PAGER``, ``FADER``, ``BUTTON``, ``LABEL`` or ``BOX``.
    name : str
        Unique among its siblings.
    frame : Frame
        Where it is.
    properties : mapping
        Everything else about it, by key.
    values : mapping
        What it holds at the start: ``x``, ``text``, ``page``; each kind has ``touch`` as well.
    messages : sequence of Osc
        What it sends and takes.
    children : sequence of Node
        Within a group or pager.
    """

    kind: str
    name: str
    frame: Frame
    properties: Mapping[str, Property] = field(default_factory=dict)
    values: Mapping[str, float | str] = field(default_factory=dict)
    messages: Sequence[Osc] = ()
    children: Sequence[Node] = ()


def document(root: Node) -> bytes:
    """A whole document, compressed as TouchOSC has it."""
    return zlib.compress((_HEAD + _xml(root, "") + _TAIL).encode(), 9)


def _xml(node: Node, place: str) -> str:
    place = f"{place}/{node.name}"
    properties = {**node.properties, "name": node.name, "frame": node.frame}
    parts = [
        f"<node ID='{uuid.uuid5(_NAMESPACE, place)}' type='{node.kind}'>",
        _within("properties", [_property(key, properties[key]) for key in sorted(properties)]),
        _within("values", [*(_value(key, value) for key, value in node.values.items()), _value("touch", "false")]),
        _within("messages", [_osc(message) for message in node.messages]),
        _within("children", [_xml(child, place) for child in node.children]),
        "</node>",
    ]
    return "".join(parts)


def _within(tag: str, parts: Sequence[str]) -> str:
    return f"<{tag}>{''.join(parts)}</{tag}>" if parts else ""


def _property(key: str, value: Property) -> str:
    kind, text = _typed(value)
    return f"<property type='{kind}'><key>{_cdata(key)}</key><value>{text}</value></property>"


def _typed(value: Property) -> tuple[str, str]:
    """Letter of the type, and the value as XML."""
    match value:
        case bool():
            return "b", str(int(value))
        case Frame() | Colour():
            inner = "".join(f"<{name}>{_number(part)}</{name}>" for name, part in value._asdict().items())
            return ("r" if isinstance(value, Frame) else "c"), inner
        case int():
            return "i", str(value)
        case float():
            return "f", _number(value)
        case str():
            return "s", _cdata(value)


def _value(key: str, default: float | str) -> str:
    text = default if isinstance(default, str) else _number(default)
    return (
        f"<value><key>{_cdata(key)}</key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_cdata(text)}</default><defaultPull>0</defaultPull></value>"
    )


def _osc(message: Osc) -> str:
    # Without an argument, the going down of a button is what counts.
    trigger = ("x", "RISE") if not message.value else (message.value, "ANY")
    arguments = (
        _partial("VALUE", message.conversion, message.value, message.minimum, message.maximum) if message.value else ""
    )
    return (
        f"<osc><enabled>1</enabled><send>{int(message.sends)}</send><receive>{int(message.receives)}</receive>"
        f"<feedback>0</feedback><connections>{_CONNECTION}</connections>"
        f"<triggers><trigger><var>{_cdata(trigger[0])}</var><condition>{trigger[1]}</condition></trigger></triggers>"
        f"<path>{_partial('CONSTANT', 'STRING', message.address, 0.0, 1.0)}</path>"
        f"<arguments>{arguments}</arguments></osc>"
    )


def _partial(kind: str, conversion: str, value: str, minimum: float, maximum: float) -> str:
    return (
        f"<partial><type>{kind}</type><conversion>{conversion}</conversion><value>{_cdata(value)}</value>"
        f"<scaleMin>{_number(minimum)}</scaleMin><scaleMax>{_number(maximum)}</scaleMax></partial>"
    )


def _number(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(round(number, 6))


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
