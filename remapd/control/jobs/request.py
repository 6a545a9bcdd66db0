"""What a person asks of a training job, checked before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from remapd.errors import FieldError, Told
from remapd.fields import checked_name, checked_text, name_from
from remapd.mapping.bundle import MAX_LICENCE_LENGTH
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.parameters import Parameter
from remapd.synth.registry import get_synth

MAX_RECORDINGS = 20
SEED = Parameter("seed", "", 0, 2**32 - 1, 0, "Another seed holds other hits out and begins elsewhere.", "whole")
EPOCHS = Parameter("epochs", "", 0, 100_000, 0, "Passes through the hits; 0 is what the recipe says.", "whole")
CHANNEL = Parameter("channel", "", 0, 64, 1, "Channel of the recordings, from 1; 0 is the mean of all.", "whole")
DEFAULT_RECIPE, DEFAULT_LICENCE = "default", "not stated"


@dataclass(frozen=True)
class JobRequest:
    """What is to be trained, and from what.

    Parameters
    ----------
    recordings : tuple of str
        Names of recordings of the store.
    name : str
        Of the model; if empty, it is made of the first recording's.
    preset : str
        Name of the sound that is modulated; if empty, one of the synth's.
    synth : str
        Name of the synthesiser; if empty, the preset's.
    recipe : str
        How to train.
    seed, epochs, channel : int
        See `SEED`, `EPOCHS` and `CHANNEL`.
    licence : str
        Of the model.
    onset : mapping of str to float
        Parameters of the detector that differ from their defaults.
    replace : bool
        Whether a model of that name may be replaced.

    Raises
    ------
    FieldError
        If a field does not fit.
    """

    recordings: tuple[str, ...]
    name: str = ""
    preset: str = ""
    synth: str = ""
    recipe: str = DEFAULT_RECIPE
    seed: int = 0
    epochs: int = 0
    channel: int = 1
    licence: str = DEFAULT_LICENCE
    onset: Mapping[str, float] = field(default_factory=dict)
    replace: bool = False

    def __post_init__(self) -> None:
        names = tuple(checked_name(name, "recordings") for name in self.recordings)
        if not 1 <= len(names) <= MAX_RECORDINGS or len(set(names)) < len(names):
            got = Told(f"{len(names)} names, {len(set(names))} of them different")
            raise FieldError("recordings", f"1 to {MAX_RECORDINGS} different names of recordings", got)
        for parameter in (SEED, EPOCHS, CHANNEL):
            object.__setattr__(self, parameter.name, int(parameter.check(getattr(self, parameter.name))))
        checked_text(self.licence, "licence", MAX_LICENCE_LENGTH, 1)
        checked_text(self.recipe, "recipe", 40, 1)
        if self.synth:
            get_synth(self.synth, "synth")
        onset = {name: _onset(name).check(value, f"onset.{name}") for name, value in self.onset.items()}
        own = self.name or name_from(names[0], "model").replace(" ", "_")
        for what, value in (("recordings", names), ("onset", onset), ("name", checked_name(own))):
            object.__setattr__(self, what, value)

    def arguments(self) -> list[str]:
        """Options of ``remapd train`` that stand for it, but for recordings and preset, which are files."""
        options = {"--name": self.name, "--recipe": self.recipe, "--seed": self.seed, "--licence": self.licence}
        options["--channel"] = self.channel or "mix"
        if self.epochs:
            options["--epochs"] = self.epochs
        if self.synth:
            options["--synth"] = self.synth
        given = [f"{option}={value}" for option, value in options.items()]
        return given + [f"--set=onset.{name}={value!r}" for name, value in self.onset.items()]

    def document(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {**asdict(self), "recordings": list(self.recordings)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The request that `document` gave."""
        return cls(**{**document, "recordings": tuple(document["recordings"])})


def _onset(name: str) -> Parameter:
    return ONSET_PARAMETERS.parameters[ONSET_PARAMETERS.index(name, "onset")]
