"""Arguments of a message as a document has them, checked.

A number is sent as it is. A text names a source: ``velocity``, ``values.osc1.freq``; ``values.*`` is all of a group,
``values.{parameter}`` the one that the address names. An object says more: ``{"source": "hit", "type": "float"}`` with
``scale``, ``offset`` and ``modulo``, ``{"number": 1, "type": "float"}``, ``{"text": "drum"}`` for a constant text, and
``{"pairs": "values"}`` for the names and numbers of a group in turn.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remapd.errors import FieldError, Told
from remapd.fields import checked_choice, checked_members
from remapd.parameters import Parameter
from remapd.sinks.osc.pieces import NUMBER_TYPES, Piece, Scene, constant, natural_type, number
from remapd.sinks.osc.words import OF_FEATURES, OF_PARAMETERS, WORDS, Text, control_name, parse_text
from remapd.sinks.sources import GROUPS, SourceRef, names_of, parse_source

#: Words that a constant text may have wherever its message is sent.
PLAIN_WORDS = {word: WORDS[word] for word in ("track", "synth")}
FEATURE_GROUPS = ("features", "scaled")

_SCALE = Parameter("scale", "", -1e9, 1e9, 1.0, "By what the number is multiplied.")
_OFFSET = Parameter("offset", "", -1e10, 1e10, 0.0, "What is added then.")
_MODULO = Parameter("modulo", "", 0.0, 2**31 - 1.0, 0.0, "Where it begins anew, before all else; 0 is never.", "whole")
_LARGEST = Parameter("number", "", -1e18, 1e18, 0.0, "A constant.")
_INT_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, or a text with words in braces."""

    value: float | Text
    kind: str = ""

    def pieces(self, scene: Scene) -> list[Piece] | None:
        """Give it in a packet."""
        value = self.value
        return [constant(value.filled(scene.words()) if isinstance(value, Text) else value, self.kind)]

    def document(self) -> Any:
        """Give it as JSON has it."""
        if isinstance(self.value, Text):
            return {"text": self.value.template}
        return {"number": self.value, "type": self.kind} if self.kind else self.value


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of a number before it is sent: its type, empty for the natural one, and its scale."""

    kind: str = ""
    scale: float = 1.0
    offset: float = 0.0
    modulo: int = 0

    def piece(self, source: SourceRef, scene: Scene) -> Piece | None:
        """Number of a source in a packet; None if the synthesiser lacks it."""
        kind = self.kind or natural_type(source)
        return number(source, kind, scene.synth.table, self.scale, self.offset, self.modulo)

    def document(self) -> dict[str, Any]:
        """Give what is not as it is by itself."""
        members = {"type": self.kind, "scale": self.scale, "offset": self.offset, "modulo": self.modulo}
        natural = {"type": "", "scale": 1.0, "offset": 0.0, "modulo": 0}
        return {name: value for name, value in members.items() if value != natural[name]}


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the hit."""

    source: SourceRef
    treatment: Treatment = Treatment()

    def pieces(self, scene: Scene) -> list[Piece] | None:
        """Give it in a packet; None if the synthesiser lacks the parameter."""
        piece = self.treatment.piece(self.source, scene)
        return None if piece is None else [piece]

    def document(self) -> Any:
        """Give it as JSON has it."""
        return _short(self.source.text, self.treatment)


@dataclass(frozen=True, slots=True)
class Each:
    """The number of a group that the address of the message names."""

    group: str
    word: str
    treatment: Treatment = Treatment()

    def pieces(self, scene: Scene) -> list[Piece] | None:
        """Give it in a packet."""
        piece = self.treatment.piece(_sources(self.group, scene.synth.table.names)[scene.at], scene)
        return None if piece is None else [piece]

    def document(self) -> Any:
        """Give it as JSON has it."""
        return _short(f"{self.group}.{{{self.word}}}", self.treatment)


@dataclass(frozen=True, slots=True)
class All:
    """All numbers of a group in the order of its table, each after its name where they are pairs."""

    group: str
    are_pairs: bool = False
    treatment: Treatment = Treatment()

    def pieces(self, scene: Scene) -> list[Piece] | None:
        """Give them in a packet."""
        pieces = []
        for source in _sources(self.group, scene.synth.table.names):
            piece = self.treatment.piece(source, scene)
            if piece is not None:
                pieces += [constant(control_name(source.name)), piece] if self.are_pairs else [piece]
        return pieces

    def document(self) -> Any:
        """Give it as JSON has it."""
        if self.are_pairs:
            return {"pairs": self.group, **self.treatment.document()}
        return _short(f"{self.group}.*", self.treatment)


Argument = Constant | Number | Each | All


def parse_argument(value: object, field: str, words: frozenset[str] = frozenset()) -> Argument:
    """Check an argument.

    Parameters
    ----------
    value : object
        As its ``document`` gives it.
    field : str
        Its name, for errors.
    words : frozenset of str
        The words in the address of its message.

    Raises
    ------
    FieldError
        If it is none; it says what is nearest.
    """
    if isinstance(value, str):
        return _numbers(value, field, words, Treatment())
    if isinstance(value, Mapping):
        return _object(value, field, words)
    return Constant(_plain(_LARGEST.check(value, field)))


def _object(value: Mapping[str, Any], field: str, words: frozenset[str]) -> Argument:
    kinds = [name for name in ("source", "pairs", "text", "number") if name in value]
    if len(kinds) != 1:
        raise FieldError(field, "one of source, pairs, text, number", Told(", ".join(kinds) or "none of them"))
    if "text" in value:
        checked_members(value, field, ("text",))
        return Constant(parse_text(value["text"], f"{field}.text", _known_words(words)))
    if "number" in value:
        return _typed_constant(checked_members(value, field, ("number", "type")), field)
    checked_members(value, field, kinds, ("type", "scale", "offset", "modulo"))
    treatment = _treatment(value, field)
    if "pairs" in value:
        return All(checked_choice(value["pairs"], f"{field}.pairs", tuple(GROUPS)), True, treatment)
    return _numbers(value["source"], f"{field}.source", words, treatment)


def _known_words(words: frozenset[str]) -> dict[str, str]:
    """Words that a text may have in a message whose address has these."""
    of_names = [family for family in (OF_PARAMETERS, OF_FEATURES) if words.intersection(family)]
    return PLAIN_WORDS | {word: WORDS[word] for family in of_names for word in family}


def _numbers(value: object, field: str, words: frozenset[str], treatment: Treatment) -> Argument:
    """One source, the one that the address names, or all of a group."""
    group, _, name = value.partition(".") if isinstance(value, str) else ("", "", "")
    if group in GROUPS and name == "*":
        return All(group, treatment=treatment)
    if group in GROUPS and name.startswith("{") and name.endswith("}"):
        return Each(group, _each_word(group, name[1:-1], field, words), treatment)
    try:
        return Number(parse_source(value, field), treatment)
    except FieldError as error:
        hint = '; {"text": ...} is a constant text' if isinstance(value, str) else ""
        raise FieldError(error.field, error.expected + hint, error.got) from None


def _each_word(group: str, word: str, field: str, words: frozenset[str]) -> str:
    fitting = OF_FEATURES if group in FEATURE_GROUPS else OF_PARAMETERS
    if word not in fitting:
        raise FieldError(field, f"{{{fitting[0]}}} after {group}.", Told(f"{{{word}}}"))
    if not words.intersection(fitting):
        raise FieldError(
            field, f"{{{fitting[0]}}} in the address too, or {group}.* for all of them", Told(f"{{{word}}}")
        )
    return word


def _treatment(value: Mapping[str, Any], field: str) -> Treatment:
    return Treatment(
        checked_choice(value["type"], f"{field}.type", tuple(NUMBER_TYPES)) if "type" in value else "",
        _SCALE.check(value.get("scale", 1.0), f"{field}.scale"),
        _OFFSET.check(value.get("offset", 0.0), f"{field}.offset"),
        int(_MODULO.check(value.get("modulo", 0), f"{field}.modulo")),
    )


def _typed_constant(value: Mapping[str, Any], field: str) -> Constant:
    kind = checked_choice(value["type"], f"{field}.type", tuple(NUMBER_TYPES))
    number = _LARGEST.check(value["number"], f"{field}.number")
    is_whole = number == round(number)
    if (kind in ("int", "long") and not is_whole) or (kind == "int" and abs(number) >= _INT_LIMIT):
        raise FieldError(f"{field}.number", f"a number that fits {kind}", value["number"])
    return Constant(_plain(number), kind)


def _plain(number: float) -> float:
    """A whole number as one, as it is written then."""
    return int(number) if number == round(number) else number


@functools.cache
def _sources(group: str, parameters: tuple[str, ...]) -> list[SourceRef]:
    """Sources of a group in the order of its table, or in that of a synthesiser's parameters."""
    names = names_of(group) if group in FEATURE_GROUPS else parameters
    return [SourceRef(GROUPS[group][0], name, group == "unit") for name in names]


def _short(text: str, treatment: Treatment) -> Any:
    more = treatment.document()
    return {"source": text, **more} if more else text
