"""What the onset detector saw over a recording of any length: its trace, gathered block by block into envelopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.dsp.kernel import compiled
from remapd.offline.envelope import Envelope, EnvelopeBuilder
from remapd.onsets import detector, levels
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.onsets.strength import FOLLOWING_STEPS
from remapd.onsets.trace import sum_db

Values = NDArray[np.float64]

_SIGNAL, _THRESHOLD, _LEVEL, _FLOOR = range(4)


@dataclass(frozen=True, slots=True)
class Detection:
    """Envelopes of `remapd.onsets.trace.DetectionTrace`; all values in dB.

    Parameters
    ----------
    signal, threshold : Envelope
        Rise over mask and floor, and the strength that a candidate needs.
    level, floor : Envelope
        Level of the sound and of the noise floor, in dBFS.
    on_db, off_db : float
        Rise from which on there is a candidate, and below which the next one may come.
    """

    signal: Envelope
    threshold: Envelope
    level: Envelope
    floor: Envelope
    on_db: float
    off_db: float


class DetectionBuilder:
    """Runs the detector over a recording, block by block.

    Parameters
    ----------
    sample_rate : float
        Frames per second.
    values : mapping of str to float, optional
        Parameters of the detector that differ from their defaults.
    """

    def __init__(self, sample_rate: float, values: Mapping[str, float] | None = None) -> None:
        vector = ONSET_PARAMETERS.vector({**ONSET_PARAMETERS.mapping(ONSET_PARAMETERS.default), **(values or {})})
        self._on_db, self._off_db = (vector[ONSET_PARAMETERS.index(f"{x}_threshold_db")] for x in ("attack", "off"))
        self._state = np.zeros(1, detector.STATE)[0]
        detector.reset(self._state, sample_rate)
        detector.configure(self._state, vector, sample_rate)
        self._hop = int(self._state["step_frames"])
        self._step_rate = sample_rate / self._hop
        self._envelopes = [EnvelopeBuilder(self._step_rate) for _ in range(4)]
        self._rest: Values = np.zeros(0)
        self._steps = 0
        self.add(self._rest)  # Compiles, or loads what was compiled, so that no recording waits for it.

    def add(self, samples: ArrayLike) -> None:
        """Append samples of shape ``(frames,)``; what is no finite number is silence, as in the engine."""
        block = np.asarray(samples, dtype=np.float64)
        block = np.concatenate([self._rest, np.where(np.isfinite(block), block, 0.0)])
        rows = np.zeros((len(block) // self._hop, len(self._envelopes)))
        _run(self._state, block, self._hop, self._steps, rows)
        self._steps += len(rows)
        self._rest = block[len(rows) * self._hop :]
        for column, envelope in enumerate(self._envelopes):
            envelope.add(rows[:, column])

    def detection(self) -> Detection:
        """What was seen so far."""
        signal, threshold, level, floor = (self._at_its_time(builder.envelope()) for builder in self._envelopes)
        return Detection(signal, threshold, level, floor, float(self._on_db), float(self._off_db))

    def _at_its_time(self, envelope: Envelope) -> Envelope:
        """The detector judges a step when others have followed; the values belong to the time before."""
        late_s = (FOLLOWING_STEPS - 0.5) / self._step_rate
        return Envelope(envelope.time_s - late_s, envelope.low, envelope.high)


@compiled
def _run(state: Any, x: Any, hop: int, first: int, rows: Any) -> None:
    """Run over the whole steps in `x`, of which the first is step `first` of the recording."""
    for row in range(len(rows)):
        start = row * hop
        step = first + row
        detector.detect(state, x[start : start + hop], hop, step * hop)
        at = levels.slot(step - min(step, FOLLOWING_STEPS))
        rows[row, _SIGNAL] = state.signal_db
        rows[row, _THRESHOLD] = state.decision.threshold_db
        rows[row, _LEVEL] = sum_db(state.levels.level_db[at])
        rows[row, _FLOOR] = sum_db(state.levels.floor_db[at])
