from __future__ import annotations

import itertools
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from remapd.offline.detection import DetectionBuilder
from remapd.offline.envelope import EnvelopeBuilder, envelope_of
from remapd.offline.heat_map import heat
from remapd.offline.picture import draw_picture
from remapd.offline.picture_data import Picture, TrackPicture
from remapd.onsets.detector import REASONS
from remapd.onsets.trace import analyse
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit, rejected
from tests.engines import hits

TABLE = SYNTHS["snare808"].table
RATE = 48000.0


def split(values: NDArray, sizes: list[int]) -> list[NDArray]:
    return np.split(values, np.minimum(np.cumsum(sizes), len(values)))


# -- envelope --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 5000), st.lists(st.integers(0, 900), max_size=12), st.integers(1, 3))
@settings(max_examples=50)
def test_envelope_does_not_depend_on_blocks(frames: int, sizes: list[int], channels: int) -> None:
    values = np.random.default_rng(frames).normal(size=(frames, channels))
    whole, pieces = EnvelopeBuilder(RATE, 64), EnvelopeBuilder(RATE, 64)
    whole.add(values)
    for piece in split(values, sizes):
        pieces.add(piece)
    for name in ("time_s", "low", "high"):
        np.testing.assert_array_equal(getattr(whole.envelope(), name), getattr(pieces.envelope(), name))


def test_envelope_holds_the_extremes_of_each_stretch() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    builder = EnvelopeBuilder(100.0, 64)
    builder.add(values)
    envelope = builder.envelope()
    # 1000 values need stretches of 16, the next power of two that fits 64 bins.
    padded = np.concatenate([values, np.full(8, values[-1])]).reshape(-1, 16)
    np.testing.assert_array_equal(envelope.low, padded.min(axis=1))
    np.testing.assert_array_equal(envelope.high, padded.max(axis=1))
    np.testing.assert_allclose(envelope.time_s, (np.arange(63) + 0.5) * 0.16)


def test_envelope_takes_what_is_no_number_for_silence() -> None:
    envelope = envelope_of([np.nan, np.inf, -np.inf], 1.0)
    assert (envelope.low == 0.0).all()
    assert (envelope.high == 0.0).all()


# -- detection -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [44100.0, 96000.0])
def test_detection_in_blocks_is_that_of_the_detector_itself(rate: float) -> None:
    """On a recording so short that the envelope keeps every step."""
    samples = hits([0.1, 0.4], 0.8, rate)[:, 0]
    samples += 0.001 * np.random.default_rng(3).normal(size=len(samples)).astype(np.float32)
    changed = {"floor_margin_db": 5.0}
    trace = analyse(samples, rate, changed)
    builder = DetectionBuilder(rate, changed)
    for piece in split(samples, [17, 4096, 1, 0, 333]):
        builder.add(piece)
    detection = builder.detection()
    for name in ("signal", "level", "floor"):
        np.testing.assert_array_equal(getattr(detection, name).high, getattr(trace, f"{name}_db"))
        np.testing.assert_allclose(getattr(detection, name).time_s, trace.time_s, atol=1e-9)
    np.testing.assert_array_equal(detection.threshold.high, trace.strength_threshold_db)
    assert (detection.on_db, detection.off_db) == (trace.on_db, trace.off_db)


def test_detection_takes_what_is_no_number_for_silence() -> None:
    builder = DetectionBuilder(RATE)
    builder.add(np.full(5000, np.nan))
    assert np.isfinite(builder.detection().level.high).all()


# -- heat map --------------------------------------------------------------------------------------------------------


def test_heat_has_each_hit_at_its_time() -> None:
    events = [hit(1.0, {"osc1.mod": 0.5}), hit(5.0, {"osc1.mod": -0.25})]
    image = heat(TABLE.names, events, 10.0)
    row, columns = image[TABLE.index("osc1.mod")], image.shape[1]
    assert row[columns // 10] == 0.5
    assert row[columns // 2] == -0.25
    assert np.isnan(row[: columns // 10]).all()
    assert np.isnan(row[columns // 10 + 100 : columns // 2]).all()


def test_heat_of_hits_in_one_column_is_that_of_the_greatest() -> None:
    events = [hit(1.0, {"osc1.mod": m}) for m in (0.1, -0.7, 0.2)]
    row = heat(TABLE.names, events, 1000.0)[TABLE.index("osc1.mod")]
    assert row[1] == -0.7


@given(st.lists(st.floats(0.0, 3.0), max_size=30))
def test_heat_takes_hits_anywhere(times: list[float]) -> None:
    image = heat(TABLE.names, [hit(time_s) for time_s in sorted(times)], 3.0)
    assert np.isfinite(image).any() == bool(times)


# -- picture ---------------------------------------------------------------------------------------------------------


def track(seconds: float, name: str = "track 1", **changes: Any) -> TrackPicture:
    builder = DetectionBuilder(RATE)
    builder.add(hits([0.2], seconds)[:, 0])
    found = [hit(0.2 + 0.1 * i, {"osc1.mod": 0.1 * i}) for i in range(5)]
    fields: dict[str, Any] = {"hits": found, "rejected": [rejected(0.3)], "detection": builder.detection()}
    return TrackPicture(name, TABLE, **(fields | changes))


def picture(tracks: list[TrackPicture], title: str = "a title", seconds: float = 1.0) -> Picture:
    sound = envelope_of(hits([0.2], seconds), RATE)
    return Picture(title, seconds, sound, sound, tracks)


def size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_same_picture_gives_same_bytes_without_a_time_or_a_version(tmp_path: Path) -> None:
    for name in "ab":
        draw_picture(tmp_path / name, picture([track(1.0)]))
    content = (tmp_path / "a").read_bytes()
    assert content == (tmp_path / "b").read_bytes()
    for chunk in (b"tIME", b"tEXt", b"zTXt", b"iTXt"):
        assert chunk not in content
    width, height = size(tmp_path / "a")
    assert width >= 1600
    assert height >= 1000


def test_each_track_adds_its_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remapd.offline.picture.MAX_TRACKS", 2)
    heights = []
    for count in (1, 2, 3):
        draw_picture(tmp_path / "a.png", picture([track(1.0, detection=None)] * count))
        heights.append(size(tmp_path / "a.png")[1])
    assert heights[0] < heights[1] == heights[2]


def test_user_settings_of_matplotlib_do_not_matter(tmp_path: Path) -> None:
    import matplotlib

    draw_picture(tmp_path / "a", picture([track(1.0)]))
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "black", "savefig.dpi": 30}):
        draw_picture(tmp_path / "b", picture([track(1.0)]))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("title", ["cost $5_{", "日本🥁", "bad\udcff", "", "x" * 500])
def test_title_may_be_any_file_name(tmp_path: Path, title: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_picture(tmp_path / "a.png", picture([track(1.0)], title))
    assert size(tmp_path / "a.png")


def test_run_without_sound_and_without_hits_can_be_drawn(tmp_path: Path) -> None:
    silence = envelope_of(np.zeros(1), RATE)
    nothing = track(1.0, hits=[], rejected=[])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_picture(tmp_path / "a.png", Picture("silence", 1 / RATE, silence, silence, [nothing]))
    assert size(tmp_path / "a.png")


def test_every_reason_can_be_drawn(tmp_path: Path) -> None:
    import dataclasses

    events = [
        dataclasses.replace(rejected(0.05 * i), reason=reason)
        for i, reason in enumerate(itertools.islice(itertools.cycle(REASONS[1:]), 20))
    ]
    draw_picture(tmp_path / "a.png", picture([track(1.0, rejected=events)]))
    assert size(tmp_path / "a.png")
