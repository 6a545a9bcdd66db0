"""Cost of a training step of 16 hits (808 snare, features, loss, backward, Adam), beside that of the published code.

Both compute the same mathematics from the same numbers; `published_step` says how far it is the published code. All of
a table is measured in one run of this program, wall clock and processor time, with as many threads for PyTorch as for
compiled loops; ours keeps PyTorch on one thread, as training does. The last table compares gradients by the modulation,
hit by hit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
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
#: Of the published form, the cheaper first.
CONVOLUTIONS = ("5512 samples, rows", "whole second, rows")
QUOTED_STEP_MS = 1150.0
PRESETS = Path(__file__).resolve().parents[2] / "models" / "presets"


class Ours:
    dtype, repeats = torch.float64, 40

    def __init__(self):
        self._noise = white_noise(0, SOUND_FRAMES)
        self._twin = get_twin("snare808")

    def synth(self, values):
        return self._twin(values, SOUND_FRAMES, TRAINING_RATE_HZ, self._noise)

    def features(self, sound):
        return long_term_features(sound)


class Published:
    dtype, repeats = torch.float32, 7

    def __init__(self, convolution):
        self.convolution = convolution
        self._noise = white_noise(0, published_step.SAMPLES).float()

    def synth(self, values):
        return published_step.synth(values, self._noise)

    def features(self, sound):
        return published_step.features(sound, self.convolution)


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
        """Jobs: each part of a step, and all of it."""
        values = self._values(self._mapper(self._inputs)).detach().requires_grad_()
        sound = self.form.synth(values)
        leaf = sound.detach().requires_grad_()
        found = self.form.features(leaf)
        by_found, by_sound = torch.ones_like(found), torch.ones_like(leaf)
        back = torch.autograd.grad
        return {
            "synth forward": lambda: self.form.synth(values),
            "features forward": lambda: self.form.features(leaf),
            "features backward": lambda: back(found, leaf, by_found, retain_graph=True),
            "synth backward": lambda: back(sound, values, by_sound, retain_graph=True),
            "step": self.run,
        }


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one job: wall clock, best and median, and the least processor time."""

    best: float
    median: float
    processor: float


def timed(job, repeats):
    job()
    wall, processor = [], []
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        job()
        wall.append(1000.0 * (time.perf_counter() - begun))
        processor.append(1000.0 * (time.process_time() - used))
    return Timing(min(wall), float(np.median(wall)), min(processor))


def step_rows(count):
    """Each part of a step on so many threads, then whole steps; ratios of ours to each published form."""
    forms = [Published(convolution) for convolution in CONVOLUTIONS]
    use_threads(1, count)
    ours = {name: timed(job, Ours.repeats) for name, job in Step(Ours(), "snare_1").parts().items()}
    use_threads(count, count)
    theirs = {name: timed(job, Published.repeats) for name, job in Step(forms[0], "snare_1").parts().items()}
    rows = [_row(name, theirs[name], ours[name]) for name in ours]
    for form in forms[1:]:
        rows.append(
            _row(f"step, {form.convolution}", timed(Step(form, "snare_1").run, Published.repeats), ours["step"])
        )
    use_threads()
    return rows


def _row(name, a, b):
    cells = [f"{x:.1f}" for x in (a.best, a.median, a.processor, b.best, b.median, b.processor)]
    return name, *cells, f"{a.best / b.best:.1f}", f"{a.median / b.median:.1f}", f"{a.processor / b.processor:.1f}"


def convolution_rows():
    """What the temporal centroid alone costs, forward and backward on one thread, in each form of its convolution."""
    use_threads(1, 1)
    sound = torch.randn(HITS, published_step.SAMPLES, requires_grad=True)
    rows = []
    for name in published_step.CONVOLUTIONS:

        def job(name=name):
            published_step.temporal_centroid(sound, name).sum().backward()

        rows.append((name, f"{timed(job, Published.repeats).processor:.1f}"))
    use_threads()
    return rows


def use_threads(torch_threads=None, kernel_threads=None):
    torch.set_num_threads(torch_threads or ALL_THREADS)
    threads.use_threads(kernel_threads)


def gradient_rows():
    rows = []
    for preset in ("snare_1", "noisy_snare", "open_snare"):
        ours, published = Step(Ours(), preset), Step(Published(CONVOLUTIONS[0]), preset)
        cosines = torch.nn.functional.cosine_similarity(ours.gradient(), published.gradient(), dim=1)
        rows.append(
            (preset, f"{ours.run():.5f}", f"{published.run():.5f}", f"{cosines.min():.4f}", f"{cosines.median():.4f}")
        )
    return rows


def main():
    header = ("published / ours", "wall", "median", "processor", "wall", "median", "processor", *("ratio",) * 3)
    for count in sorted({1, min(2, ALL_THREADS)}):
        title = f"Training step of {HITS} hits in ms, threads: {count}; published form: {CONVOLUTIONS[0]}"
        print_table(title, header, step_rows(count))
    print(f"\nThe published program itself, quoted and not measured here: {QUOTED_STEP_MS:.0f} ms a step on two cores.")
    header = ("convolution over", "processor ms")
    print_table("The published form's temporal centroid alone", header, convolution_rows())
    header = ("preset", "loss, ours", "loss, float32", "least cosine", "median cosine")
    print_table("Gradients by the modulation: as published in float32 against ours", header, gradient_rows())


if __name__ == "__main__":
    main()
