"""Tracks, and the sinks to which their hits go."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any, cast

from remapd_client.documents import Document, Track, Value
from remapd_client.transport import Transport, named


class Tracks:
    """Tracks, counted from 1; what can be set of them is in the tree."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Track]:
        """What each track plays."""
        return cast("list[Track]", self._transport.get("/tracks"))

    def add(self, model: str | None = None, preset: str = "", values: Mapping[str, Value] | None = None) -> Track:
        """Append a track.

        Parameters
        ----------
        model, preset : str, optional
            What it plays; by default the service's own model, and the model's own preset.
        values : mapping, optional
            Values by name within the track, such as ``onset/hold_ms``.
        """
        asked: Document = {"preset": preset, "values": dict(values or {})}
        return cast(Track, self._transport.send("POST", "/tracks", asked | ({"model": model} if model else {})))

    def remove(self, number: int) -> None:
        """Take a track away; the numbers of later ones fall."""
        self._transport.send("DELETE", f"/tracks/{number}")


class Sinks:
    """Where hits go: OSC and MIDI."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Document]:
        """All sinks; the member ``status`` of each says how it fares."""
        return cast("list[Document]", self._transport.get("/sinks")["sinks"])

    def add(self, sink: Mapping[str, Any]) -> Document:
        """Add a sink, such as ``{"kind": "osc", "host": "127.0.0.1", "port": 9001, "form": "vector"}``."""
        return cast(Document, self._transport.send("POST", "/sinks", dict(sink)))

    def replace(self, sinks: Iterable[Mapping[str, Any]]) -> builtins.list[Document]:
        """Put these in the place of all that there are."""
        table = self._transport.send("PUT", "/sinks", {"sinks": [dict(sink) for sink in sinks]})
        return cast("builtins.list[Document]", table["sinks"])

    def get(self, identity: str) -> Document:
        """One sink."""
        return cast(Document, self._transport.get(_sink(identity)))

    def put(self, identity: str, sink: Mapping[str, Any]) -> Document:
        """Change a sink."""
        return cast(Document, self._transport.send("PUT", _sink(identity), dict(sink)))

    def delete(self, identity: str) -> None:
        """Take a sink away."""
        self._transport.send("DELETE", _sink(identity))

    def test(self, identity: str) -> Document:
        """Send a made-up hit of medium loudness through one sink alone; returns how it fared until then."""
        return cast(Document, self._transport.send("POST", f"{_sink(identity)}/test"))


class Profiles:
    """Device profiles, from which MIDI sinks are made."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[Document]:
        """All profiles."""
        return cast("list[Document]", self._transport.get("/profiles")["profiles"])

    def get(self, name: str) -> Document:
        """One profile with its instruments."""
        return cast(Document, self._transport.get(f"/profiles/{named(name)}"))


def _sink(identity: str) -> str:
    return f"/sinks/{named(identity)}"
