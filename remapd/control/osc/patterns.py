"""Patterns of OSC addresses: ``?`` ``*`` ``[a-z]`` ``[!a]`` ``{this,that}`` within a name, ``//`` across levels.

A name is matched by following all places at once that the pattern may have reached, never by trying one way after the
other, so the work is at most (pieces of the pattern) x (length of the name), whatever the pattern is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from remapd.errors import FieldError, Told

#: Levels of an address, wildcards in all of them, and names in all its braces.
MAX_LEVELS = 16
MAX_WILDCARDS = 16
MAX_ALTERNATIVES = 32

_WILDCARDS = "?*[{"
_SPECIAL = frozenset("?*[]{},")


@dataclass(frozen=True, slots=True)
class _Text:
    text: str

    def after(self, name: str, places: Iterable[int]) -> set[int]:
        """Places in a name that are reached from `places` by what this piece matches."""
        return {place + len(self.text) for place in places if name.startswith(self.text, place)}


@dataclass(frozen=True, slots=True)
class _OneOf:
    characters: str
    excluded: bool

    def after(self, name: str, places: Iterable[int]) -> set[int]:
        return {place + 1 for place in places if place < len(name) and self._fits(name[place])}

    def _fits(self, character: str) -> bool:
        return (character in self.characters) != self.excluded


@dataclass(frozen=True, slots=True)
class _Anything:
    def after(self, name: str, places: Iterable[int]) -> set[int]:
        return set(range(min(places), len(name) + 1))


@dataclass(frozen=True, slots=True)
class _AnyOf:
    texts: tuple[str, ...]

    def after(self, name: str, places: Iterable[int]) -> set[int]:
        return {place + len(text) for place in places for text in self.texts if name.startswith(text, place)}


_Piece = _Text | _OneOf | _Anything | _AnyOf


class NamePattern:
    """Pattern of one name, which is what stands between two ``/``.

    Raises
    ------
    FieldError
        If a bracket or brace has no partner.
    """

    def __init__(self, text: str) -> None:
        self._pieces = _pieces(text)

    def matches(self, name: str) -> bool:
        """Whether the whole of a name is what the pattern describes."""
        places: set[int] = {0}
        for piece in self._pieces:
            places = piece.after(name, places)
            if not places:
                return False
        return len(name) in places


class Descent:
    """Any number of levels: what ``//`` stands for."""


DESCENT = Descent()


@functools.lru_cache(maxsize=64)
def levels(pattern: str) -> tuple[NamePattern | Descent, ...]:
    """Patterns of the levels of an address.

    Raises
    ------
    FieldError
        If it is no pattern, or one that is too long.
    """
    names = pattern[1:].split("/")
    if names[-1] == "":
        names.pop()
    if len(names) > MAX_LEVELS:
        raise FieldError("pattern", f"at most {MAX_LEVELS} levels", Told(f"{len(names)}"))
    _check_size(pattern, sum(pattern.count(c) for c in _WILDCARDS), MAX_WILDCARDS, "wildcards")
    _check_size(pattern, pattern.count(","), MAX_ALTERNATIVES, "commas")
    found: list[NamePattern | Descent] = []
    for name in names:
        if name:
            found.append(NamePattern(name))
        elif found[-1:] != [DESCENT]:
            found.append(DESCENT)
    return tuple(found)


def is_pattern(address: str) -> bool:
    """Whether an address stands for others than itself."""
    return not _SPECIAL.isdisjoint(address) or "//" in address


def _check_size(pattern: str, count: int, most: int, what: str) -> None:
    if count > most:
        raise FieldError("pattern", f"at most {most} {what}", Told(f"{count} in {pattern[:40]}"))


def _pieces(text: str) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    at = 0
    while at < len(text):
        piece, at = _piece(text, at)
        if not (isinstance(piece, _Anything) and pieces[-1:] == [piece]):
            pieces.append(piece)
    return tuple(pieces)


def _piece(text: str, at: int) -> tuple[_Piece, int]:
    """The piece that begins at a place, and where the next one does."""
    character = text[at]
    if character == "*":
        return _Anything(), at + 1
    if character == "?":
        return _OneOf("", excluded=True), at + 1
    if character == "[":
        end = _partner(text, at, "]")
        return _one_of(text[at + 1 : end]), end + 1
    if character == "{":
        end = _partner(text, at, "}")
        return _AnyOf(tuple(dict.fromkeys(text[at + 1 : end].split(",")))), end + 1
    if character in "]}":
        raise FieldError("pattern", f"no {character} without its partner", text)
    end = next((i for i in range(at, len(text)) if text[i] in "?*[]{}"), len(text))
    return _Text(text[at:end]), end


def _partner(text: str, at: int, closing: str) -> int:
    end = text.find(closing, at)
    if end < 0 or not _SPECIAL.isdisjoint(text[at + 1 : end].replace(",", "")):
        raise FieldError("pattern", f"a {closing} for each {text[at]}, and no wildcard between", text)
    return end


def _one_of(text: str) -> _OneOf:
    """Characters of ``a-cx`` or ``!a-cx``; a ``-`` at the end is itself, and a range that runs down is empty."""
    excluded = text.startswith("!")
    rest, characters = text[excluded:], ""
    while rest:
        if len(rest) >= 3 and rest[1] == "-":
            characters += "".join(map(chr, range(ord(rest[0]), ord(rest[2]) + 1)))
            rest = rest[3:]
        else:
            characters, rest = characters + rest[0], rest[1:]
    return _OneOf(characters, excluded)
