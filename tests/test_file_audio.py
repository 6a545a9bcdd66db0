from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from remapd.audio.file import ENCODINGS, FORMATS, MIX, AudioReader, AudioWriter, audio_format, check_size
from remapd.errors import AudioFileError, FieldError, RemapdError

RATE = 48000


def noise(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


def written(path: Path, samples: NDArray, encoding: str = "24", file_format: str = "WAV", rate: int = RATE) -> bytes:
    with AudioWriter(path, file_format, rate, samples.shape[1], encoding) as writer:
        writer.write(samples)
    return path.read_bytes()


def read(path: Path, channels: list[int] | None = None, block: int = 1000) -> NDArray[np.float32]:
    with AudioReader(path, channels) as reader:
        return np.concatenate(list(reader.blocks(block)))


def chunks(content: bytes) -> list[bytes]:
    """Names of the chunks of a RIFF file."""
    names, at = [], 12
    while at < len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        names.append(name)
        at += 8 + size + size % 2
    return names


@pytest.mark.parametrize(
    ("subtype", "suffix", "error"),
    [("PCM_U8", "wav", 2**-7), ("PCM_16", "wav", 2**-15), ("PCM_24", "wav", 2**-23), ("PCM_32", "wav", 2**-24),
     ("FLOAT", "wav", 0.0), ("DOUBLE", "wav", 0.0), ("PCM_24", "flac", 2**-23), ("PCM_16", "aiff", 2**-15)],
)  # fmt: skip
def test_every_width_is_read_to_its_own_precision(tmp_path: Path, subtype: str, suffix: str, error: float) -> None:
    samples = noise(5000, 2)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, samples, RATE, subtype=subtype)
    assert np.abs(read(path) - samples).max() <= error


@given(st.integers(1, 3000), st.integers(1, 700), st.lists(st.sampled_from([MIX, 0, 1, 2]), min_size=1, max_size=4))
@settings(max_examples=25)
def test_block_size_makes_no_difference(frames: int, block: int, channels: list[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        samples = noise(frames, 3, frames)
        soundfile.write(path, samples, RATE, subtype="FLOAT")
        columns = [samples.astype(float).mean(axis=1) if c == MIX else samples[:, c] for c in channels]
        blocks = read(path, channels, block)
        np.testing.assert_array_equal(blocks, read(path, channels, 10**6))
        np.testing.assert_allclose(blocks, np.stack(columns, axis=1), atol=1e-7)
        assert blocks.flags.c_contiguous


def test_what_is_no_number_is_passed_on(tmp_path: Path) -> None:
    samples = noise(100, 2)
    samples[3, 0], samples[5, 1], samples[6, 1] = np.nan, np.inf, -np.inf
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read(tmp_path / "a.wav"), samples)
    assert (~np.isfinite(read(tmp_path / "a.wav", [MIX]))).sum() == 3


def damaged_flac(path: Path) -> None:
    soundfile.write(path, noise(50000), RATE, format="FLAC")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


BAD_FILES = {
    "missing": (lambda path: None, "no such file"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "empty": (lambda path: path.touch(), "is empty"),
    "no frames": (lambda path: soundfile.write(path, np.zeros(0), RATE), "holds no audio"),
    "garbage": (
        lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
        "is no audio file that remapd knows",
    ),
    "half a header": (
        lambda path: path.write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt "),
        "is no audio file that remapd knows",
    ),
    "rate too low": (lambda path: soundfile.write(path, np.zeros(10), 4000), "sample rate 4000 Hz"),
    "rate too high": (lambda path: soundfile.write(path, np.zeros(10), 500000), "sample rate 500000 Hz"),
    "half a FLAC": (damaged_flac, "damaged"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wav"
    make, words = BAD_FILES[kind]
    make(path)
    with pytest.raises(AudioFileError, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_garbage_makes_no_library_talk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, start in (("a.wav", b"ID3\x03"), ("a.mp3", b"\xff\xfb\x90\x64")):
        (tmp_path / name).write_bytes(start + np.random.default_rng(0).bytes(50000))
        with pytest.raises(AudioFileError):
            AudioReader(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_peaks_are_those_of_every_channel(tmp_path: Path) -> None:
    samples = noise(3000, 3) * np.array([0.1, 1.0, 0.5], np.float32)
    samples[7, 0] = np.nan
    written(tmp_path / "a.wav", samples, "float")
    with AudioReader(tmp_path / "a.wav", [2]) as reader:
        list(reader.blocks(1000))
    np.testing.assert_array_equal(reader.peaks, np.nanmax(np.abs(samples), axis=0))


def test_raw_samples_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(100))
    with pytest.raises(AudioFileError, match="convert it to WAV"):
        read(tmp_path / "a.raw")


@pytest.mark.parametrize("channel", [2, -2])
def test_missing_channel_is_refused(tmp_path: Path, channel: int) -> None:
    soundfile.write(tmp_path / "a.wav", noise(10, 2), RATE)
    with pytest.raises(AudioFileError, match="has 2 channels, so there is no channel"):
        AudioReader(tmp_path / "a.wav", [channel])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("suffix", FORMATS)
def test_same_samples_give_same_bytes_at_any_time_and_in_any_blocks(tmp_path: Path, encoding: str, suffix: str) -> None:
    if (suffix, encoding) == (".flac", "float"):
        return
    samples, path = noise(3000, 2), tmp_path / f"a{suffix}"
    content = written(path, samples, encoding, FORMATS[suffix])
    # Whatever holds the time of day would be found by its name: the clock of libsndfile is out of reach.
    assert b"PEAK" not in content
    with AudioWriter(path, FORMATS[suffix], RATE, 2, encoding) as writer:
        for start in range(0, 3000, 170):
            writer.write(samples[start : start + 170])
    # FLAC cuts its own frames; their borders follow the stream, not the calls.
    assert path.read_bytes() == content
    assert np.abs(read(path) - samples).max() <= 2.0 ** -(15 if encoding == "16" else 23)


def test_wav_has_no_chunk_that_holds_a_time(tmp_path: Path) -> None:
    for encoding in ENCODINGS:
        names = set(chunks(written(tmp_path / "a.wav", noise(100), encoding)))
        assert names <= {b"fmt ", b"fact", b"data", b"PAD ", b"JUNK"}


def test_integers_are_clipped_not_wrapped(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", np.array([[1.5], [-1.5], [0.5]], np.float32), "16")
    np.testing.assert_allclose(read(tmp_path / "a.wav")[:, 0], [1.0, -1.0, 0.5], atol=1e-4)


def test_failed_write_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = AudioWriter(tmp_path / "a.wav", "WAV", RATE, 1, "24")

    def full(self: object, samples: object) -> None:
        raise AssertionError

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(AudioFileError, match="disk full"), writer:
        writer.write(noise(10))


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3", "a", "a.txt"])
def test_suffix_that_cannot_be_written_is_refused(name: str) -> None:
    with pytest.raises(FieldError, match=r"\.flac"):
        audio_format(Path(name), "24")


def test_what_does_not_fit_a_format_is_refused() -> None:
    with pytest.raises(FieldError, match="FLAC"):
        audio_format(Path("a.flac"), "float")
    hours = 4 * 3600 * 192000
    for name in ("a.flac", "a.w64"):
        check_size(Path(name), hours, 2, "24")
    with pytest.raises(RemapdError, match="4 GiB"):
        check_size(Path("a.wav"), hours, 2, "24")


@pytest.mark.parametrize(("suffix", "encoding"), [(".wav", "float"), (".flac", "24")])
def test_what_was_written_so_far_can_be_read_though_the_file_was_never_closed(
    tmp_path: Path, suffix: str, encoding: str
) -> None:
    path, samples = tmp_path / f"cut{suffix}", np.linspace(-0.9, 0.9, 20_000, dtype=np.float32)[:, None]
    writer = AudioWriter(path, audio_format(path, encoding), 48000, 1, encoding, always_readable=True)
    writer.write(samples)
    copy = tmp_path / f"copy{suffix}"
    copy.write_bytes(path.read_bytes())
    writer.close()
    with AudioReader(copy) as reader:
        read = np.concatenate(list(itertools.islice(reader.blocks(4096), 3)))
        assert suffix == ".flac" or reader.frames == len(samples)
    np.testing.assert_allclose(read, samples[: len(read)], atol=2**-23)
    assert len(read) == 3 * 4096
