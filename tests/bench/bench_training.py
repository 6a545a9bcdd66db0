"""Cost of a training step of 16 hits (808 snare, features, loss, backward, Adam), beside that of the published code.

Both compute the same mathematics from the same numbers (`published_step` says how the published code goes about it);
the least of several runs counts. The second table compares gradients by the modulation, hit by hit.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from remapd.synth.presets import load_preset
from remapd.training.ddsp.features import long_term_features
from remapd.training.ddsp.twin import get_twin, unit_to_values, white_noise
from remapd.training.kernels import threads
from remapd.training.long_term import SOUND_FRAMES, TRAINING_RATE_HZ
from remapd.training.mapper_module import Mapper
from tests.bench import published_step
from tests.bench.table import print_table

HITS = 16
ALL_THREADS = torch.get_num_threads()
PRESETS = Path(__file__).resolve().parents[2] / "models" / "presets"


class Ours:
    name, dtype, repeats = "ours", torch.float64, 40

    def __init__(self):
        self._noise = white_noise(0, SOUND_FRAMES)
        self._twin = get_twin("snare808")

    def synth(self, values):
        return self._twin(values, SOUND_FRAMES, TRAINING_RATE_HZ, self._noise)

    def features(self, sound):
        return long_term_features(sound)


class Published:
    name, dtype, repeats = "as published", torch.float32, 3

    def __init__(self):
        self._noise = white_noise(0, published_step.SAMPLES).float()

    def synth(self, values):
        return published_step.synth(values, self._noise)

    def features(self, sound):
        return published_step.features(sound)


class Step:
    """A step with one of both, in parts."""

    def __init__(self, form, preset_name):
        self.form = form
        preset = load_preset(PRESETS / f"{preset_name}.json")
        random = np.random.default_rng(0)
        self._table = preset.table
        self._preset, self._damping = (
            torch.from_numpy(x.copy()).to(form.dtype) for x in (preset.unit_values, preset.damping)
        )
        self._inputs = torch.from_numpy(random.uniform(-0.5, 0.5, (HITS, 3))).to(form.dtype)
        self._wanted = torch.from_numpy(random.normal(size=(HITS, 7))).to(form.dtype)
        self._mapper = Mapper((3, 32, len(preset.table)), 0.1, 0).to(form.dtype)
        self._optimiser = torch.optim.Adam(self._mapper.parameters(), lr=0.0)
        with torch.no_grad():
            self._bare = form.features(form.synth(self._values(torch.zeros(1, len(preset.table)))))

    def _values(self, modulation):
        unit = (self._preset + modulation * self._damping).clamp(0.0, 1.0)
        return unit_to_values(self._table, unit.to(self.form.dtype))

    def _loss(self, sound):
        return (self.form.features(sound) - self._bare - self._wanted).abs().mean()

    def run(self):
        loss = self._loss(self.form.synth(self._values(self._mapper(self._inputs))))
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        return loss.item()

    def gradient(self):
        """Of the loss by the modulation, (HITS, 14)."""
        modulation = self._mapper(self._inputs).detach().requires_grad_()
        return torch.autograd.grad(self._loss(self.form.synth(self._values(modulation))), modulation)[0].double()

    def parts(self):
        """What each part of a step takes in ms, and all of it."""
        values = self._values(self._mapper(self._inputs)).detach().requires_grad_()
        sound = self.form.synth(values)
        leaf = sound.detach().requires_grad_()
        found = self.form.features(leaf)
        by_found, by_sound = torch.ones_like(found), torch.ones_like(leaf)
        back = torch.autograd.grad
        jobs = {
            "synth forward": lambda: self.form.synth(values),
            "features forward": lambda: self.form.features(leaf),
            "features backward": lambda: back(found, leaf, by_found, retain_graph=True),
            "synth backward": lambda: back(sound, values, by_sound, retain_graph=True),
            "step": self.run,
        }
        return {name: _least_ms(job, self.form.repeats) for name, job in jobs.items()}


def _least_ms(job, repeats, clock=time.perf_counter):
    job()
    times = []
    for _ in range(repeats):
        begun = clock()
        job()
        times.append(1000.0 * (clock() - begun))
    return min(times)


def step_rows():
    """Time that passes, part by part, as many processors as there are; then processor time on one thread."""
    both = [Step(form, "snare_1") for form in (Published(), Ours())]
    published = both[0].parts()
    use_threads(torch_threads=1)  # as training does: only kernels run side by side
    rows = [(name, published[name], ms) for name, ms in both[1].parts().items()]
    use_threads(torch_threads=1, kernel_threads=1)
    alone = [_least_ms(step.run, step.form.repeats, time.process_time) for step in both]
    use_threads()
    rows.append(("step, one thread, processor time", *alone))
    return [(name, f"{theirs:.1f}", f"{ours:.2f}", f"{theirs / ours:.1f}") for name, theirs, ours in rows]


def use_threads(torch_threads=None, kernel_threads=None):
    torch.set_num_threads(torch_threads or ALL_THREADS)
    threads.use_threads(kernel_threads)


def gradient_rows():
    rows = []
    for preset in ("snare_1", "noisy_snare", "open_snare"):
        ours, published = Step(Ours(), preset), Step(Published(), preset)
        cosines = torch.nn.functional.cosine_similarity(ours.gradient(), published.gradient(), dim=1)
        rows.append(
            (preset, f"{ours.run():.5f}", f"{published.run():.5f}", f"{cosines.min():.4f}", f"{cosines.median():.4f}")
        )
    return rows


def main():
    print(f"{HITS} hits; torch on {ALL_THREADS} threads (ours on 1), compiled kernels on {threads.thread_count()}")
    print_table("Training step in ms, the least of many", ("part", Published.name, Ours.name, "ratio"), step_rows())
    header = ("preset", "loss, ours", "loss, float32", "least cosine", "median cosine")
    print_table("Gradients by the modulation: as published in float32 against ours", header, gradient_rows())


if __name__ == "__main__":
    main()
