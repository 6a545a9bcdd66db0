"""What training compares: the changes that a player made from hit to hit, and those that the synth makes.

``y = f(x_a) - f(x_ref)`` and ``y_hat = f(synth(clip(pre + m damping, 0, 1))) - f(synth(pre))`` with the long-term
features `f` (Shier et al., NIME 2024). Of a hit that the next one cuts short only what is undisturbed counts: all four
`f` are then taken over as many frames as it has, and the temporal centroid is left out if it needs more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from remapd.synth.presets import Preset
from remapd.training.ddsp.features import long_term_features
from remapd.training.ddsp.twin import get_twin, unit_to_values, white_noise
from remapd.training.long_term import FRAMES, LONG_TERM, SOUND_FRAMES, TEMPORAL_CENTROID_FRAMES, TRAINING_RATE_HZ
from remapd.training.result import Differences
from remapd.training.splits import reference_hit

if TYPE_CHECKING:
    from remapd.training.dataset import HitSet

#: Seed of the noise that the synth plays.
NOISE_SEED = 0

_LOUDNESS, _TEMPORAL = LONG_TERM.index("loudness_t_db"), LONG_TERM.index("temporal_centroid")
# So many hits are measured at a time where no gradient is needed.
_CHUNK = 32


class Objective:
    """Wanted changes of a set of hits, and the changes that a synth makes.

    What does not depend on the modulation is computed once, as it is made.

    Parameters
    ----------
    hits : HitSet
    preset : Preset
        What is modulated.
    uses_horizons : bool
        Whether hits that are cut short are compared over what is heard of them alone; else they are taken as they are.
    device : torch.device
        Where to compute.

    Attributes
    ----------
    loudness_db : Tensor, shape (hits,)
        Loudness of the hits' transients.
    reference : int
        Place of the reference hit.
    wanted : Tensor, shape (hits, 7)
        `y`.
    counted : Tensor of bool, shape (hits, 7)
        Which of them count.
    """

    def __init__(self, hits: HitSet, preset: Preset, uses_horizons: bool, device: torch.device) -> None:
        self._twin, self._table = get_twin(preset.synth), preset.table
        self._preset = torch.from_numpy(preset.unit_values.copy()).to(device)
        self._damping = torch.from_numpy(preset.damping.copy()).to(device)
        self._noise = white_noise(NOISE_SEED, SOUND_FRAMES).to(device)
        horizons = torch.from_numpy(hits.horizon_frames if uses_horizons else hits.horizon_frames * 0 + FRAMES)
        self._set_wanted(torch.from_numpy(hits.sounds), horizons.to(device))
        self.counted = torch.ones_like(self.wanted, dtype=torch.bool)
        if uses_horizons:
            frames = torch.from_numpy(hits.horizon_s).to(device) * TRAINING_RATE_HZ
            self.counted[:, _TEMPORAL] = frames >= TEMPORAL_CENTROID_FRAMES

    def _set_wanted(self, sounds: Tensor, horizons: Tensor) -> None:
        features = measured(sounds, horizons)
        self.loudness_db = features[:, _LOUDNESS]
        self.reference = reference_hit(self.loudness_db.cpu().numpy(), horizons.cpu().numpy())
        # What the reference hit has not got itself cannot be asked of the others.
        self._horizons = horizons.clamp(max=int(horizons[self.reference]))
        if (horizons > self._horizons).any():
            features = measured(sounds, self._horizons)
        self.wanted = features - _at_horizons(sounds[self.reference], self._horizons)
        self._bare = _at_horizons(self.sounds(torch.zeros_like(self._preset)[None])[0], self._horizons)

    def sounds(self, modulation: Tensor) -> Tensor:
        """What the synth plays with modulations (hits, parameters); shape (hits, SOUND_FRAMES)."""
        unit = (self._preset + modulation * self._damping).clamp(0.0, 1.0)
        return self._twin(unit_to_values(self._table, unit), SOUND_FRAMES, TRAINING_RATE_HZ, self._noise)

    def reached(self, modulation: Tensor, indices: Tensor) -> Tensor:
        """`y_hat` (hits, 7) of modulations (hits, parameters) for the hits at `indices`."""
        return self.changes(self.sounds(modulation), indices)

    def changes(self, sounds: Tensor, indices: Tensor) -> Tensor:
        """Differences (hits, 7) from the bare preset, of sounds (hits, SOUND_FRAMES) for the hits at `indices`."""
        return long_term_features(sounds, self._horizons[indices]) - self._bare[indices]

    def errors(self, modulation: Tensor, indices: Tensor) -> Tensor:
        """Mean absolute error (hits,) over the features that count."""
        counted = self.counted[indices]
        return ((self.reached(modulation, indices) - self.wanted[indices]).abs() * counted).sum(1) / counted.sum(1)

    def within_range(self, modulation: Tensor) -> Tensor:
        """Modulations (hits, parameters) held within -1..1, and where they move a parameter to the end of its range."""
        damping = self._damping.clamp(min=1e-9)
        low = (-self._preset / damping).clamp(min=-1.0)
        high = ((1.0 - self._preset) / damping).clamp(max=1.0)
        return modulation.clamp(low, high)

    @torch.no_grad()
    def reached_in_parts(self, modulation: Tensor, indices: Tensor) -> Tensor:
        """`reached`, without gradients and a few hits at a time."""
        parts = zip(modulation.split(_CHUNK), indices.split(_CHUNK), strict=True)
        return torch.cat([self.reached(*part) for part in parts])

    def differences(self, modulation: Tensor, indices: Tensor) -> Differences:
        """Wanted and reached changes for the hits at `indices`, without gradients."""
        reached = self.reached_in_parts(modulation, indices)
        tensors = self.wanted[indices], reached, self.counted[indices]
        return Differences(*(tensor.cpu().numpy() for tensor in tensors))


@torch.no_grad()
def measured(sounds: Tensor, horizons: Tensor) -> Tensor:
    """Features (hits, 7) of sounds, a few at a time, on the device of the horizons.

    Sounds may lie elsewhere and be of any float: only what is measured at a time is moved and widened.
    """
    parts = zip(sounds.split(_CHUNK), horizons.split(_CHUNK), strict=True)
    return torch.cat([long_term_features(sound.to(horizon.device), horizon) for sound, horizon in parts])


def _at_horizons(sound: Tensor, horizons: Tensor) -> Tensor:
    """Features (hits, 7) of one sound at each of many horizons."""
    distinct, places = horizons.unique(return_inverse=True)
    return measured(sound.expand(len(distinct), -1), distinct)[places]
