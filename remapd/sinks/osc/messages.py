"""Messages as a document has them: an address and arguments, both the same for all hits of a track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from remapd.errors import FieldError, Told
from remapd.fields import checked_members
from remapd.sinks.osc.arguments import Argument, parse_argument
from remapd.sinks.osc.pieces import Piece, Scene
from remapd.sinks.osc.words import OF_FEATURES, OF_PARAMETERS, Text, parse_address
from remapd.sinks.sources import SCALED_NAMES
from remapd.synth.base import Synth

#: Messages of a document, and arguments that one of them may name.
MAX_MESSAGES = 64
MAX_ARGUMENTS = 64
#: Arguments that a message may have, as many as our own receiver takes.
MAX_PIECES = 256


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a track, with its arguments as they lie in a packet."""

    address: str
    pieces: tuple[Piece, ...]

    @property
    def types(self) -> str:
        """The types of its arguments, with the comma before them."""
        return "," + "".join(piece.tag for piece in self.pieces)

    @property
    def size(self) -> int:
        """Its bytes in a packet."""
        texts = (len(self.address), len(self.types))
        return sum(length + 4 - length % 4 for length in texts) + sum(len(piece.data) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """An address and arguments for every track and synthesiser."""

    address: Text
    arguments: tuple[Argument, ...]

    def messages(self, track: int, synth: Synth) -> Iterator[Message]:
        """Give the messages on a track, from 1; those are left out for which the synthesiser lacks a parameter."""
        for at in range(self._times(synth)):
            scene = Scene(track, synth, at)
            pieces = self._pieces(scene)
            if pieces is not None:
                yield Message(self.address.filled(scene.words()), tuple(pieces))

    def _pieces(self, scene: Scene) -> list[Piece] | None:
        pieces: list[Piece] = []
        for argument in self.arguments:
            part = argument.pieces(scene)
            if part is None:
                return None
            pieces += part
            if len(pieces) > MAX_PIECES:
                raise FieldError("messages", f"at most {MAX_PIECES} arguments in a message", Told("more"))
        return pieces

    def _times(self, synth: Synth) -> int:
        """How many messages it stands for."""
        if self.address.words.intersection(OF_PARAMETERS):
            return len(synth.table)
        return len(SCALED_NAMES) if self.address.words.intersection(OF_FEATURES) else 1

    def document(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {"address": self.address.template, "arguments": [argument.document() for argument in self.arguments]}


def parse_message(value: object, field: str = "message") -> MessageTemplate:
    """Check a message.

    Raises
    ------
    FieldError
        If a part of it does not fit.
    """
    members = checked_members(value, field, ("address",), ("arguments",))
    address = parse_address(members["address"], f"{field}.address")
    arguments = members.get("arguments", [])
    if not isinstance(arguments, list | tuple) or len(arguments) > MAX_ARGUMENTS:
        raise FieldError(f"{field}.arguments", f"a list of at most {MAX_ARGUMENTS} arguments", arguments)
    words = address.words
    parsed = (parse_argument(one, f"{field}.arguments[{at}]", words) for at, one in enumerate(arguments))
    return MessageTemplate(address, tuple(parsed))


def parse_messages(value: object, field: str = "messages") -> tuple[MessageTemplate, ...]:
    """Check a list of messages.

    Raises
    ------
    FieldError
        If there is none or too many, or a part of one does not fit.
    """
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_MESSAGES:
        raise FieldError(field, f"a list of 1 to {MAX_MESSAGES} messages", value)
    return tuple(parse_message(one, f"{field}[{at}]") for at, one in enumerate(value))
