"""Texts with words in braces: ``/remapd/{track}/hit`` is an address on every track."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from remapd.errors import FieldError, Told
from remapd.fields import near
from remapd.osc.wire import is_plain

#: What may stand in braces, and what it becomes.
WORDS = {
    "track": "number of the track, from 1",
    "synth": "name of the track's synthesiser",
    "parameter": "each parameter of the synthesiser in turn, such as osc1.freq",
    "control": "the same with _ for dots: osc1_freq",
    "feature": "each feature in turn, such as loudness",
}
#: The words with which a message is sent once for each name of a table.
OF_PARAMETERS, OF_FEATURES = ("parameter", "control"), ("feature",)

MAX_TEXT_LENGTH = 255

_WORD = re.compile(r"\{([^{}]*)\}")
_BRACE = re.compile(r"[{}]")
#: What an address may not have: OSC gives these characters a meaning in patterns.
_NOT_IN_ADDRESS = re.compile(r"[ #*,?\[\]{}]")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is the same for all hits of a track.

    Parameters
    ----------
    template : str
        The text, with words in braces.
    """

    template: str

    @property
    def words(self) -> frozenset[str]:
        """The words that it has."""
        return frozenset(_WORD.findall(self.template))

    def filled(self, words: Mapping[str, str]) -> str:
        """Give the text with these words in place."""
        return _WORD.sub(lambda found: words[found[1]], self.template)


def parse_text(value: object, field: str, words: Mapping[str, str]) -> Text:
    """Check a text in which some of the words may stand.

    Raises
    ------
    FieldError
        If it is none of printable ASCII characters, is too long, or has another word in braces.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH or not is_plain(value):
        raise FieldError(field, f"a text of at most {MAX_TEXT_LENGTH} printable ASCII characters", value)
    for word in _WORD.findall(value):
        if word not in words:
            known = ", ".join(f"{{{known}}}" for known in words)
            raise FieldError(field, f"only {known} in braces{near(word, words)}", Told(f"{{{word}}}"))
    if _BRACE.search(_WORD.sub("", value)):
        raise FieldError(field, "a } for each {", value)
    return Text(value)


def parse_address(value: object, field: str) -> Text:
    """Check an address in which all words may stand.

    Raises
    ------
    FieldError
        If it is none, or stands for parameters and for features.
    """
    text = parse_text(value, field, WORDS)
    bare = _WORD.sub("", text.template)
    if not bare.startswith("/") or _NOT_IN_ADDRESS.search(bare):
        raise FieldError(field, "an address: / and names, without blanks and any of #*,?[]", value)
    if text.words.intersection(OF_PARAMETERS) and text.words.intersection(OF_FEATURES):
        raise FieldError(field, "{feature}, or {parameter} and {control}, but not both", value)
    return text


def control_name(parameter: str) -> str:
    """Name of a parameter where dots have another meaning: osc1_freq."""
    return parameter.replace(".", "_")
