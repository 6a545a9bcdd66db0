"""What a run of the demo leaves behind: files, and a few lines on what was heard."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.audio.file import AudioWriter
from remapd.demo.performance import HARD, Performance
from remapd.demo.score import Part, Score
from remapd.engine.control import TrackSetup
from remapd.engine.events import Event, HitEvent, RejectedEvent
from remapd.engine.status import EngineStatus
from remapd.errors import RemapdError
from remapd.offline.event_files import JsonLinesWriter
from remapd.offline.midi_file import MidiFileWriter
from remapd.offline.outputs import OutputGroup
from remapd.offline.picture import draw_picture
from remapd.offline.picture_builder import PictureBuilder
from remapd.offline.picture_data import Picture
from remapd.sinks.midi.defaults import default_sink

Samples = NDArray[np.float32]

INPUT, OUTPUT = "input.wav", "output.wav"
EVENTS, REJECTED = "events.jsonl", "rejected.jsonl"
MIDI, PICTURE = "performance.mid", "picture.png"
FILES = (INPUT, OUTPUT, EVENTS, REJECTED, MIDI, PICTURE)

#: Exact, so that `remapd render` finds the same in the input as the demo did.
_ENCODING = "float"


@contextlib.contextmanager
def folder_for_files(folder: Path) -> Iterator[None]:
    """Make a folder for the files, if it is not there; one that was made and stays empty is removed again.

    Raises
    ------
    RemapdError
        If that is impossible.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RemapdError(f"{folder}: no folder can be made there ({error.strerror})") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # The first that is not empty.
            for path in missing:
                path.rmdir()


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run.

    Parameters
    ----------
    performance : Performance
        What the engine heard.
    output : ndarray of float32, shape (frames, channels)
        What it played.
    events : sequence of Event
        In the order of the engine.
    setup : TrackSetup
        Model and parameters of the track.
    """

    performance: Performance
    output: Samples
    events: Sequence[Event]
    setup: TrackSetup

    @property
    def hits(self) -> list[HitEvent]:
        """The hits among the events, in the order of time."""
        return sorted((e for e in self.events if isinstance(e, HitEvent)), key=lambda hit: hit.onset_s)

    @property
    def rejected(self) -> list[RejectedEvent]:
        """The rejected candidates among the events, in the order of time."""
        return sorted((e for e in self.events if isinstance(e, RejectedEvent)), key=lambda candidate: candidate.time_s)


def reserve_files(group: OutputGroup, folder: Path) -> dict[str, Path]:
    """Reserve every file of a run, so that a folder that cannot be written to is known before anything is played.

    Returns
    -------
    dict of str to Path
        The temporary path of each of `FILES`, for `write_files`.

    Raises
    ------
    RemapdError
        If a file cannot be written.
    """
    return {name: group.add(folder / name) for name in FILES}


def write_files(group: OutputGroup, paths: dict[str, Path], run: Run) -> None:
    """Write every file of a run, all of them or none; those of an earlier run are replaced.

    Raises
    ------
    RemapdError
        If a file cannot be written.
    """
    rate = round(run.performance.sample_rate)
    _write_audio(paths[INPUT], run.performance.samples[:, np.newaxis], rate)
    _write_audio(paths[OUTPUT], run.output, rate)
    _write_lines(paths[EVENTS], run.hits)
    _write_lines(paths[REJECTED], run.rejected)
    _write_midi(paths[MIDI], run)
    draw_picture(paths[PICTURE], _picture(run))
    group.commit()


def _write_lines(path: Path, events: Sequence[Event]) -> None:
    with JsonLinesWriter(path) as writer:
        for event in events:
            writer.write(event.as_dict())


def _write_midi(path: Path, run: Run) -> None:
    writer = MidiFileWriter(path, [default_sink(1)], [run.setup.model.name])
    for hit in run.hits:
        writer.write(hit)
    writer.close()


def _picture(run: Run) -> Picture:
    builder = PictureBuilder("remapd demo", run.performance.sample_rate, [run.setup])
    builder.add(run.performance.samples[:, np.newaxis], run.output)
    for hit in run.hits:
        builder.add_hit(hit)
    for candidate in run.rejected:
        builder.add_rejected(candidate)
    return builder.picture()


def _write_audio(path: Path, samples: Samples, rate: int) -> None:
    writer = AudioWriter(path, "WAV", rate, samples.shape[1], _ENCODING)
    writer.write(samples)
    writer.close()


def _why(part: Part) -> str:
    return f" ({HARD[part.name]})" if part.found < part.clear and part.name in HARD else ""


def summary(score: Score, status: EngineStatus, synth: str) -> Iterator[str]:
    """Say in a few lines what was heard, how late, and what it cost."""
    width = max((len(part.name) for part in score.parts), default=0)
    for part in score.parts:
        buried = f", and {part.buried} buried in the ring of the one before" if part.buried else ""
        yield f"  {part.name:<{width}}  heard {part.found} of {part.clear} strokes{buried}{_why(part)}"
    yield f"heard {score.found} of {score.clear} clear strokes; {score.missed} missed, {score.false} without a stroke"
    if score.found:
        yield (
            f"median after the stroke: onset as reported {score.onset_error_ms:+.2f} ms, "
            f"{synth} sounds {score.sounds_after_ms:.2f} ms"
        )
    if status.callbacks:
        budget_us = 1e6 * status.block_frames / status.sample_rate
        yield (
            f"block of {status.block_frames} frames ({budget_us:.0f} us) computed in {status.callback_us_p50:.0f} us, "
            f"p99 {status.callback_us_p99:.0f} us, max {status.callback_us_max:.0f} us; {status.xruns} late"
        )
