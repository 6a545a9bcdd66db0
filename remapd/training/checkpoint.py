"""A training that was broken off, in a file to go on from: numbers and text, nothing that runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
import torch
from numpy.typing import NDArray

from remapd import __version__
from remapd.errors import FieldError, TrainingError
from remapd.files import replace_file
from remapd.synth.presets import Preset
from remapd.training.dataset import HitSet
from remapd.training.fingerprints import data_digest, digest, preset_text, recipe_fields
from remapd.training.fit import FitState
from remapd.training.recipes import Recipe
from remapd.training.splits import Split

_KEY = "remapd-checkpoint"
_HISTORY = ("train_loss", "validation_loss", "learning_rate")
_ADAM = ("step", "exp_avg", "exp_avg_sq")

Arrays = dict[str, NDArray[np.float64]]


def fingerprint(hits: HitSet, preset: Preset, recipe: Recipe, split: Split, seed: int, device: str) -> dict[str, str]:
    """Everything that training depends on, by name: where one differs, a checkpoint does not fit."""
    return {
        "version": __version__,
        "data": data_digest(hits),
        "split": digest(split.train, split.validation, split.test),
        "preset": preset_text(preset),
        "seed": str(seed),
        "device": device,
        **{f"recipe.{name}": json.dumps(value) for name, value in recipe_fields(recipe).items() if name != "name"},
    }


@dataclass
class Checkpoint:
    """The file of one training.

    Parameters
    ----------
    path : Path
    fingerprint : mapping of str to str
        See `fingerprint`.
    interval_s : float
        Least time from one writing to the next.
    """

    path: Path
    fingerprint: Mapping[str, str]
    interval_s: float = 5.0
    _written: float = field(default_factory=time.monotonic, init=False)

    def keep(self, state: FitState, is_last: bool) -> None:
        """Write the file, whole or not at all, if it is the last time or the one before is long enough ago.

        Raises
        ------
        ModelError
            If it cannot be written.
        """
        if not is_last and time.monotonic() - self._written < self.interval_s:
            return
        document = json.dumps(dict(self.fingerprint), sort_keys=True)
        content = safetensors.numpy.save(_arrays(state), metadata={_KEY: document})
        replace_file(self.path, content, "checkpoint")
        self._written = time.monotonic()

    def read(self, state: FitState) -> None:
        """Bring a state that was just made to where the file is.

        Raises
        ------
        TrainingError
            If there is no file, or it is no checkpoint or a damaged one.
        FieldError
            If it is one of another training; `field` names what differs.
        """
        try:
            with safetensors.safe_open(self.path, "numpy") as file:  # type: ignore[no-untyped-call]
                self._check((file.metadata() or {}).get(_KEY, ""))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            _restore(state, arrays)
        except FileNotFoundError:
            raise TrainingError(f"there is no checkpoint {str(self.path)!r} to resume from") from None
        except (OSError, safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise TrainingError(f"checkpoint {str(self.path)!r} is damaged or none at all: {error}") from None

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)

    def _check(self, text: str) -> None:
        found = json.loads(text)
        for name, wanted in self.fingerprint.items():
            if found.get(name) != wanted:
                raise FieldError(f"checkpoint.{name}", f"{wanted}, as training is set up now", found.get(name))


def _arrays(state: FitState) -> Arrays:
    arrays = {name: np.array(getattr(state, name), dtype=np.float64) for name in _HISTORY}
    arrays["elapsed_s"] = np.array([state.elapsed_s])
    for i, (parameter, best) in enumerate(zip(state.mapper.parameters(), state.best, strict=True)):
        tensors = {"now": parameter.detach(), "best": best, **state.optimiser.state[parameter]}
        arrays |= {f"{i}.{name}": tensor.cpu().to(torch.float64).numpy() for name, tensor in tensors.items()}
    return arrays


def _restore(state: FitState, arrays: Arrays) -> None:
    for name in _HISTORY:
        setattr(state, name, arrays[name].tolist())
    state.elapsed_s = float(arrays["elapsed_s"][0])
    with torch.no_grad():
        for i, (parameter, best) in enumerate(zip(state.mapper.parameters(), state.best, strict=True)):
            parameter.copy_(torch.from_numpy(arrays[f"{i}.now"]))
            best.copy_(torch.from_numpy(arrays[f"{i}.best"]))
            state.optimiser.state[parameter] = {
                name: _adam_tensor(name, arrays[f"{i}.{name}"], parameter) for name in _ADAM
            }


def _adam_tensor(name: str, array: NDArray[np.float64], parameter: torch.Tensor) -> torch.Tensor:
    """One of Adam's numbers; the count of steps is kept as torch makes it."""
    tensor = torch.from_numpy(array)
    return tensor.to(torch.float32) if name == "step" else tensor.to(parameter.device)
