"""A TouchOSC document of a surface: a tab for what there is once, and one for each track with tabs of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from remapd.control.tree import Control
from remapd.layouts.surface import Row, Surface, Tab, TrackPage, node_name
from remapd.layouts.touchosc import widgets
from remapd.layouts.touchosc.nodes import Colour, Frame, Node, Property, document
from remapd.layouts.touchosc.screens import RECEIVE_PORT, SCREENS, Screen
from remapd.layouts.touchosc.scripts import root_script
from remapd.layouts.touchosc.widgets import BACKGROUND, DIM, PANEL, TEXT, TRACKS

_MARGIN, _GAP = 10, 6
_TAB_BAR, _INNER_BAR = 52, 40
_HEADER = 64
_TALLEST_ROW = 72


def touchosc_layout(surface: Surface, screen: str = "tablet", receive_port: int = RECEIVE_PORT) -> bytes:
    """Content of a ``.tosc`` file; the same surface gives the same document.

    Parameters
    ----------
    surface : Surface
        What is shown.
    screen : str
        One of `SCREENS`.
    receive_port : int
        Where TouchOSC receives; the layout tells the service.
    """
    return document(_Builder(SCREENS[screen], receive_port).root(surface))


class _Builder:
    """Builds the nodes of one document."""

    def __init__(self, screen: Screen, receive_port: int) -> None:
        self._screen, self._port = screen, receive_port
        self._logs: dict[str, Control] = {}

    def root(self, surface: Surface) -> Node:
        """Everything."""
        whole = Frame(0, 0, self._screen.width, self._screen.height)
        below = Frame(0, _TAB_BAR, whole.w, whole.h - _TAB_BAR)
        pages = [self._global_page(surface, below), *(self._track_page(track, below) for track in surface.tracks)]
        script = root_script(self._logs, len(surface.tracks), self._port)
        properties: dict[str, Property] = {"color": BACKGROUND, "background": True, "script": script}
        pager = _pager("pages", whole, pages, _TAB_BAR)
        return Node("GROUP", "remapd", whole, properties, children=(pager,))

    def _global_page(self, surface: Surface, frame: Frame) -> Node:
        inside = _inside(frame)
        head = inside._replace(h=2 * _HEADER)
        places = _split(head, len(surface.actions))
        nodes = [
            node
            for row, place in zip(surface.actions, places, strict=True)
            for node in widgets.action(node_name(row.control), row, place)
        ]
        connection = Frame(inside.x, head.y + head.h + _GAP, inside.w, _HEADER // 2)
        nodes.append(widgets.label("connection", "", connection, 16, DIM))
        top = connection.y + connection.h + _GAP
        rest = inside._replace(y=top, h=inside.h - (top - inside.y))
        nodes += self._rows(surface.rows, rest, widgets.ACCENT)
        return _page("all", "All", frame, nodes, widgets.ACCENT)

    def _track_page(self, track: TrackPage, frame: Frame) -> Node:
        colour = TRACKS[(track.number - 1) % len(TRACKS)]
        inside = _inside(frame)
        nodes = list(self._header(track, inside._replace(h=_HEADER), colour))
        top = inside.y + _HEADER + _GAP
        inner = Frame(0, top, frame.w, frame.h - top)
        below = Frame(0, _INNER_BAR, inner.w, inner.h - _INNER_BAR)
        tabs = [self._tab(track, tab, below, colour) for tab in track.tabs]
        nodes.append(_pager(f"tabs_{track.number}", inner, tabs, _INNER_BAR))
        return _page(f"track_{track.number}", f"Track {track.number}", frame, nodes, colour)

    def _header(self, track: TrackPage, frame: Frame, colour: Colour) -> Iterator[Node]:
        """What plays, the hits, and the switches."""
        texts, meter, switches = _split(frame, 3)
        for row, place in zip(track.texts, _split(texts, len(track.texts)), strict=True):
            yield from widgets.readout(node_name(row.control), row, place)
        yield widgets.meter(f"hit_{track.number}", meter)
        for row, place in zip(track.switches, _split(switches, len(track.switches)), strict=True):
            yield from widgets.switch(node_name(row.control), row, place, colour)

    def _tab(self, track: TrackPage, tab: Tab, frame: Frame, colour: Colour) -> Node:
        nodes = self._rows(tab.rows, _inside(frame), colour)
        return _page(f"{tab.title.lower()}_{track.number}", tab.title, frame, nodes, colour)

    def _rows(self, rows: Sequence[Row], frame: Frame, colour: Colour) -> list[Node]:
        """Rows in columns that fill the frame, though none becomes taller than it needs to be."""
        nodes: list[Node] = []
        columns = _split(frame, self._screen.columns)
        deep = math.ceil(len(rows) / len(columns)) or 1
        height = min(_TALLEST_ROW, frame.h // deep)
        for index, row in enumerate(rows):
            column, down = divmod(index, deep)
            place = columns[column]._replace(y=frame.y + down * height, h=height - _GAP)
            nodes += widgets.row_nodes(row, place, colour)
            for control in (row.control, row.depth):
                if control is not None and control.curve == "log":
                    self._logs[node_name(control)] = control
        return nodes


def _page(name: str, title: str, frame: Frame, nodes: Sequence[Node], colour: Colour) -> Node:
    properties: dict[str, Property] = {
        "color": BACKGROUND, "background": True, "interactive": False, "outline": False, "tabLabel": title,
        "tabColorOff": PANEL, "tabColorOn": colour, "textColorOff": DIM, "textColorOn": TEXT,
    }  # fmt: skip
    return Node("GROUP", name, frame, properties, children=nodes)


def _pager(name: str, frame: Frame, pages: Sequence[Node], bar: int) -> Node:
    properties: dict[str, Property] = {
        "color": BACKGROUND, "outline": False, "tabbar": True, "tabLabels": True, "tabbarSize": bar,
        "tabbarDoubleTap": False, "textSizeOff": 16, "textSizeOn": 18,
    }  # fmt: skip
    return Node("PAGER", name, frame, properties, {"page": 0.0}, children=pages)


def _inside(frame: Frame) -> Frame:
    """What is left for a page's controls, in the page's own coordinates."""
    return Frame(_MARGIN, _MARGIN, frame.w - 2 * _MARGIN, frame.h - 2 * _MARGIN)


def _split(frame: Frame, count: int) -> list[Frame]:
    """Equal frames one beside the other."""
    width = (frame.w - _GAP * (count - 1)) // max(1, count)
    return [frame._replace(x=frame.x + index * (width + _GAP), w=width) for index in range(count)]
