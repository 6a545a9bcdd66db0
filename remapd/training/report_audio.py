"""The sounds of a training report: test hits, and the synthesiser's answers to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remapd.audio.file import AudioWriter
from remapd.training.long_term import TRAINING_RATE_HZ
from remapd.training.result import TrainingResult

Sounds = NDArray[np.float32]

FOLDER = "audio"
ALL_HITS, ALL_ANSWERS = f"{FOLDER}/all_hits.wav", f"{FOLDER}/all_answers.wav"
#: More are not listened to one by one; these are then drawn evenly over loudness.
MOST_PAIRS = 24


@dataclass(frozen=True, slots=True)
class Pair:
    """A test hit (its place in the data set, and among the answers), and the files of it and of its answer."""

    hit: int
    answer: int
    hit_file: str
    answer_file: str


def pairs(result: TrainingResult) -> list[Pair]:
    """Pairs of the test hits from soft to loud."""
    loudness = result.hits.loudness_db[result.answers.indices]
    order = np.argsort(loudness, kind="stable")
    chosen = np.unique(np.linspace(0, len(order) - 1, min(MOST_PAIRS, len(order))).round().astype(int))
    return [
        Pair(
            int(result.answers.indices[order[rank]]),
            int(order[rank]),
            f"{FOLDER}/hit_{number:02d}.wav",
            f"{FOLDER}/answer_{number:02d}.wav",
        )
        for number, rank in enumerate(chosen, 1)
    ]


def write_audio(folder: Path, result: TrainingResult) -> None:
    """Write each pair, and all hits and all answers one after the other, as 16 bit WAV files.

    Hits keep their levels among each other, and so do answers; both are turned down where they would clip.

    Raises
    ------
    AudioFileError
        If a file cannot be written.
    """
    listed = pairs(result)
    hits = _within_full_scale(result.hits.sounds[[pair.hit for pair in listed]])
    answers = _within_full_scale(result.answers.sounds[[pair.answer for pair in listed]])
    for pair, hit, answer in zip(listed, hits, answers, strict=True):
        _write(folder / pair.hit_file, hit)
        _write(folder / pair.answer_file, answer)
    if listed:
        _write(folder / ALL_HITS, hits.ravel())
        _write(folder / ALL_ANSWERS, answers.ravel())


def _within_full_scale(sounds: Sounds) -> Sounds:
    peak = np.max(np.abs(sounds), initial=1.0)
    return (sounds / peak).astype(np.float32)


def _write(path: Path, sound: Sounds) -> None:
    with AudioWriter(path, "WAV", TRAINING_RATE_HZ, 1, "16") as writer:
        writer.write(sound[:, np.newaxis])
