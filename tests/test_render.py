from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from remapd.audio.ending import FADE_S, fade_from
from remapd.audio.file import MIX, AudioWriter
from remapd.engine.control import TrackSetup
from remapd.errors import FieldError, RemapdError
from remapd.mapping.library import load_model_named
from remapd.offline.outputs import OutputError
from remapd.offline.render import render
from remapd.offline.render_job import RenderFiles, RenderSettings, RenderSummary
from tests.engines import hits, make_engine, play

RATE = 48000
HITS = [0.1, 0.4, 0.45, 0.7]


def files(folder: Path, name: str = "out", audio: str = ".wav", events: str = ".jsonl") -> RenderFiles:
    return RenderFiles(
        folder / (name + audio),
        folder / (name + events),
        folder / f"{name}-rejected{events}",
        folder / f"{name}.mid",
        folder / f"{name}.png",
    )


def setup(channel: int = 0, **parameters: float) -> TrackSetup:
    return TrackSetup(load_model_named("velocity"), None, channel, parameters)


def source(folder: Path, samples: NDArray | None = None, rate: int = RATE, **options: Any) -> Path:
    path = folder / "in.wav"
    soundfile.write(path, hits(HITS, 1.0, rate) if samples is None else samples, rate, **options)
    return path


def rendered(folder: Path, path: Path, name: str = "out", audio: str = ".wav", **changes: Any) -> RenderSummary:
    options = {"tracks": [setup()], "encoding": "float"} | changes
    return render(path, RenderFiles(folder / (name + audio), folder / f"{name}.jsonl"), RenderSettings(**options))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_file_is_what_the_engine_plays_and_then_rings_out(tmp_path: Path) -> None:
    summary = rendered(tmp_path, source(tmp_path, hits(HITS, 0.75), subtype="FLOAT"))
    output, rate = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)
    drum = hits(HITS, 0.75)
    fade = fade_from(drum[-1], round(FADE_S * RATE))
    samples = np.concatenate([drum, fade, np.zeros((2 * RATE, 1), np.float32)])
    expected = play(make_engine(outputs=1), samples)
    assert rate == RATE
    assert len(output) > 0.75 * RATE
    np.testing.assert_array_equal(output, expected[: len(output)])
    assert not expected[len(output) :].any()
    assert (summary.hits, summary.duration_s) == (len(HITS), 0.75)


def test_events_are_at_the_hits(tmp_path: Path) -> None:
    rendered(tmp_path, source(tmp_path))
    found = lines(tmp_path / "out.jsonl")
    np.testing.assert_allclose([event["onset_s"] for event in found], HITS, atol=0.001)
    assert all(event["trigger_s"] > event["onset_s"] for event in found)


@given(st.sampled_from([1, 17, 64, 777, 4096, 65536]), st.integers(1, 3))
@settings(max_examples=6)
def test_block_size_makes_no_difference(tmp_path_factory: Any, block_size: int, tracks: int) -> None:
    folder = tmp_path_factory.mktemp("render")
    other = 0.8 * np.roll(hits(HITS, 0.8), 100)
    path = source(folder, np.concatenate([hits(HITS, 0.8), other, other], axis=1))
    setups = [setup(i, pan=0.3 * i) for i in range(tracks)]
    for name, size in (("a", 4096), ("b", block_size)):
        job = RenderSettings(setups, range(tracks), size, encoding="float")
        render(path, RenderFiles(folder / f"{name}.wav", folder / f"{name}.csv", folder / f"{name}2.csv"), job)
    for suffix in (".wav", ".csv", "2.csv"):
        assert (folder / f"a{suffix}").read_bytes() == (folder / f"b{suffix}").read_bytes()


@pytest.mark.parametrize(("audio", "events"), [(".wav", ".jsonl"), (".flac", ".csv"), (".aiff", ".ndjson")])
def test_two_renders_give_the_same_bytes(tmp_path: Path, audio: str, events: str) -> None:
    path = source(tmp_path)
    pairs = [files(tmp_path, name, audio, events) for name in "ab"]
    for names in pairs:
        render(path, names, RenderSettings([setup(neurality=2.0)]))
    for field in ("audio", "events", "rejected", "midi", "plot"):
        assert getattr(pairs[0], field).read_bytes() == getattr(pairs[1], field).read_bytes()


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000, 192000])
def test_every_rate_is_kept_and_hears_the_same_hits(tmp_path: Path, rate: int) -> None:
    summary = rendered(tmp_path, source(tmp_path, rate=rate))
    assert soundfile.info(tmp_path / "out.wav").samplerate == summary.sample_rate == rate
    onsets = [event["onset_s"] for event in lines(tmp_path / "out.jsonl")]
    np.testing.assert_allclose(onsets, HITS, atol=0.003)


def test_input_rings_out_even_if_it_ends_with_a_hit(tmp_path: Path) -> None:
    summary = rendered(tmp_path, source(tmp_path, hits([0.5], 0.505)))
    assert summary.hits == 1
    assert soundfile.info(tmp_path / "out.wav").duration > 0.6


@pytest.mark.parametrize("noise", [0.0, 5e-4])
@pytest.mark.parametrize("offset", [0.1, 0.9])
def test_end_of_an_input_with_an_offset_is_no_stroke(tmp_path: Path, offset: float, noise: float) -> None:
    samples = offset + noise * np.random.default_rng(0).normal(size=RATE)
    summary = rendered(tmp_path, source(tmp_path, samples, subtype="FLOAT"))
    assert summary.hits == 0
    output, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_array_equal(output, np.zeros(RATE))


def test_no_event_is_later_than_the_input(tmp_path: Path) -> None:
    samples = 0.5 * np.sin(2.0 * np.pi * 100.0 * np.arange(RATE + 120) / RATE)  # It ends in a corner.
    path = source(tmp_path, samples, subtype="FLOAT")
    render(path, files(tmp_path), RenderSettings([setup()]))
    events = [*lines(tmp_path / "out.jsonl"), *lines(tmp_path / "out-rejected.jsonl")]
    assert all(event.get("onset_s", event.get("time_s")) < len(samples) / RATE for event in events)


def test_dry_input_that_does_not_end_at_zero_keeps_its_length(tmp_path: Path) -> None:
    rendered(tmp_path, source(tmp_path, np.full(RATE, 0.1), subtype="FLOAT"), tracks=[setup(dry_wet=0.0)])
    output, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    np.testing.assert_array_equal(output, np.full(RATE, np.float32(0.1)))


@pytest.mark.parametrize("frames", [1, 3, 1000])
def test_silence_stays_as_long_as_it_is(tmp_path: Path, frames: int) -> None:
    summary = rendered(tmp_path, source(tmp_path, np.zeros(frames)))
    assert (summary.hits, summary.rejected) == (0, 0)
    output, _ = soundfile.read(tmp_path / "out.wav")
    np.testing.assert_array_equal(output, np.zeros(frames))


def test_what_is_no_number_is_silenced_and_counted(tmp_path: Path) -> None:
    samples = hits(HITS, 1.0)
    samples[5000:5010] = np.nan
    samples[7000], samples[7001] = np.inf, -np.inf
    path = source(tmp_path, samples, subtype="FLOAT")
    assert rendered(tmp_path, path).non_finite == 12
    assert np.isfinite(soundfile.read(tmp_path / "out.wav")[0]).all()


def test_clipped_and_huge_input_stays_within_full_scale(tmp_path: Path) -> None:
    for gain in (30.0, 1e30):
        path = source(tmp_path, gain * hits(HITS, 1.0), subtype="FLOAT")
        rendered(tmp_path, path, tracks=[setup(dry_wet=0.5)])
        assert np.abs(soundfile.read(tmp_path / "out.wav")[0]).max() <= 1.0


def test_channels_are_chosen_and_mixed(tmp_path: Path) -> None:
    quiet = 0.001 * np.random.default_rng(0).normal(size=(RATE, 7))
    path = source(tmp_path, np.insert(quiet, 5, hits(HITS, 1.0)[:, 0], axis=1))
    assert rendered(tmp_path, path).hits == 0
    assert rendered(tmp_path, path, channels=[5]).hits == len(HITS)
    assert rendered(tmp_path, path, channels=[MIX]).hits == len(HITS)
    both = [setup(0), setup(1)]
    assert rendered(tmp_path, path, channels=[5, MIX], tracks=both).hits == 2 * len(HITS)
    assert soundfile.info(tmp_path / "out.wav").channels == 2


@pytest.mark.parametrize(("inputs", "wanted", "outputs"), [(1, None, 1), (2, None, 2), (1, 2, 2), (2, 1, 1)])
def test_output_has_the_channels_of_the_input_or_those_wanted(
    tmp_path: Path, inputs: int, wanted: int | None, outputs: int
) -> None:
    rendered(tmp_path, source(tmp_path, np.repeat(hits([0.1], 0.2), inputs, axis=1)), output_channels=wanted)
    assert soundfile.info(tmp_path / "out.wav").channels == outputs


def test_progress_ends_at_the_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = source(tmp_path, np.zeros(3 * 65536))
    job = RenderSettings([setup()])
    render(path, RenderFiles(tmp_path / "out.wav"), job, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == [65536, 2 * 65536, 3 * 65536]
    assert {total for _, total in seen} == {3 * 65536}


# -- nothing half-written --------------------------------------------------------------------------------------------


def interrupted() -> None:
    raise KeyboardInterrupt


def terminated() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def disk_full() -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("fault", "error"), [(interrupted, KeyboardInterrupt), (terminated, KeyboardInterrupt), (disk_full, OutputError)]
)
def test_render_that_is_broken_off_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], None], error: type[BaseException]
) -> None:
    path, names = source(tmp_path), files(tmp_path)
    names.audio.write_text("old audio")
    names.midi.write_text("old midi")
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}
    write = AudioWriter.write

    def break_off(self: AudioWriter, samples: NDArray) -> None:
        write(self, samples)
        fault()

    monkeypatch.setattr(AudioWriter, "write", break_off)
    with pytest.raises(error):
        render(path, names, RenderSettings([setup()]))
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


def test_damaged_input_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in.flac"
    soundfile.write(path, np.random.default_rng(0).normal(size=100000), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(RemapdError, match="damaged"):
        render(path, files(tmp_path), RenderSettings([setup()]))
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.flac"]


@pytest.mark.parametrize(
    ("field", "name", "words"),
    [("audio", "in.wav", "is the input"), ("events", "in.wav", "ends in .jsonl"), ("midi", "a.txt", "ends in .mid"),
     ("plot", "a.jpg", "ends in .png"), ("rejected", "a.json", "ends in .jsonl"), ("events", "no/a.csv", "no folder")],
)  # fmt: skip
def test_output_that_cannot_be_is_refused_before_the_engine_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, name: str, words: str
) -> None:
    path = source(tmp_path)
    monkeypatch.setattr("remapd.offline.render.Engine", None)
    named = {"audio": tmp_path / "out.wav", field: tmp_path / name}
    with pytest.raises(RemapdError, match=words):
        render(path, RenderFiles(**named), RenderSettings([setup()]))
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.wav"]


@pytest.mark.parametrize("values", [{"block_size": 0}, {"output_channels": 3}, {"encoding": "32"}])
def test_settings_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        RenderSettings([setup()], **values)
