"""Models, presets and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from remapd_client.documents import Document, LibraryRow, SessionRow, Values
from remapd_client.transport import Transport, named


class _Shelf:
    """Things by name below one path."""

    _path = ""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _at(self, name: str, rest: str = "") -> str:
        return f"{self._path}/{named(name)}{rest}"

    def get(self, name: str) -> Document:
        """One of them, in full."""
        return cast(Document, self._transport.get(self._at(name)))

    def delete(self, name: str) -> None:
        """Delete one of the user's own."""
        self._transport.send("DELETE", self._at(name))

    def _activate(self, name: str, track: int) -> Values:
        return cast(Values, self._transport.send("POST", self._at(name, "/activate"), {"track": track})["values"])


class Models(_Shelf):
    """Models of the library; `get` returns a model's card."""

    _path = "/models"

    def list(self) -> list[LibraryRow]:
        """All models, each with the most of its card."""
        return cast("list[LibraryRow]", self._transport.get(self._path))

    def activate(self, name: str, track: int = 1) -> Values:
        """Have a track play one, with its own preset; returns what is different now."""
        return self._activate(name, track)

    def put(self, name: str, content: bytes) -> Document:
        """Store a model's file; returns its card."""
        return cast(Document, self._transport.upload(self._at(name), content))

    def file(self, name: str) -> bytes:
        """A model's file."""
        return self._transport.content(self._at(name, "/file"))

    def verify(self, name: str) -> Document:
        """Check a model in full, its sound too; takes seconds."""
        return cast(Document, self._transport.send("POST", self._at(name, "/verify")))


class Presets(_Shelf):
    """Presets of the library."""

    _path = "/presets"

    def list(self) -> list[LibraryRow]:
        """All presets."""
        return cast("list[LibraryRow]", self._transport.get(self._path))

    def activate(self, name: str, track: int = 1) -> Values:
        """Have a track play one; returns what is different now."""
        return self._activate(name, track)

    def save(self, name: str, track: int = 1, description: str = "", replace: bool = False) -> Document:
        """Make a preset of a track as it sounds now."""
        asked = {"name": name, "track": track, "description": description, "replace": replace}
        return cast(Document, self._transport.send("POST", self._path, asked))

    def put(self, name: str, document: Mapping[str, Any]) -> Document:
        """Store a preset."""
        return cast(Document, self._transport.send("PUT", self._at(name), dict(document)))

    def rename(self, name: str, new_name: str) -> Document:
        """Give a preset of the user's own another name."""
        return cast(Document, self._transport.send("POST", self._at(name, "/rename"), {"new_name": new_name}))


class Sessions(_Shelf):
    """Saved sessions, and the state as it is now."""

    _path = "/sessions"

    def list(self) -> list[SessionRow]:
        """All saved sessions."""
        return cast("list[SessionRow]", self._transport.get(self._path))

    def current(self) -> Document:
        """The whole state as it is now."""
        return cast(Document, self._transport.get("/session"))

    def restore(self, document: Mapping[str, Any]) -> Values:
        """Be as a session says; returns all values."""
        return cast(Values, self._transport.send("PUT", "/session", dict(document))["values"])

    def save(self, name: str, replace: bool = False) -> SessionRow:
        """Save the state as it is now."""
        return cast(SessionRow, self._transport.send("POST", self._path, {"name": name, "replace": replace}))

    def load(self, name: str) -> Values:
        """Be as a saved session says; returns all values."""
        return cast(Values, self._transport.send("POST", self._at(name, "/load"))["values"])

    def rename(self, name: str, new_name: str) -> SessionRow:
        """Give a session another name."""
        return cast(SessionRow, self._transport.send("POST", self._at(name, "/rename"), {"new_name": new_name}))
