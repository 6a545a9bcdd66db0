"""Audio files: read at any rate, width and channel count, and written with the same bytes for the same samples."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from remapd.audio.portaudio_library import silenced_stderr
from remapd.errors import AudioFileError, FieldError
from remapd.units import MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

#: Stands for the mean of all channels where a channel's number is expected.
MIX = -1

#: What is written for a file name's suffix. Ogg is absent on purpose: its stream numbers differ from run to run.
FORMATS = {".wav": "WAV", ".flac": "FLAC", ".aif": "AIFF", ".aiff": "AIFF", ".w64": "W64"}
#: Sample formats by the name a user gives, with their width in bytes.
ENCODINGS = {"16": ("PCM_16", 2), "24": ("PCM_24", 3), "float": ("FLOAT", 4)}

#: WAV and AIFF count bytes in 32 bits; some are left for the header.
_LARGEST_32_BIT_FILE = 2**32 - 4096
_SFC_SET_ADD_PEAK_CHUNK, _SFC_SET_UPDATE_HEADER_AUTO = 0x1050, 0x1061


class AudioReader:
    """A file read in blocks, so that its length does not matter.

    Parameters
    ----------
    path : Path
        Any file that libsndfile reads (WAV, FLAC, AIFF, Ogg, MP3, ...).
    channels : sequence of int, optional
        Channels to hand out, from 0, in this order; `MIX` is the mean of all. All of them if left out.

    Attributes
    ----------
    peaks : ndarray, shape (channels of the file,)
        Largest sample of each channel in the blocks so far, whether it was handed out or not.

    Raises
    ------
    AudioFileError
        If the file is missing, is no audio file, holds no frames, or lacks a channel asked for.
    """

    def __init__(self, path: Path, channels: Sequence[int] | None = None) -> None:
        self.path = path
        _refuse_what_is_no_file(path)
        self._file = _open_for_reading(path)
        self.peaks: NDArray[np.float64] = np.zeros(self.file_channels)
        try:
            self._check()
            self.channels = tuple(range(self.file_channels)) if channels is None else tuple(channels)
            _check_channels(path, self.channels, self.file_channels)
        except BaseException:
            self._file.close()
            raise

    @property
    def sample_rate(self) -> int:
        """Frames per second."""
        return int(self._file.samplerate)

    @property
    def frames(self) -> int:
        """Frames that the file's header promises."""
        return int(self._file.frames)

    @property
    def file_channels(self) -> int:
        """Channels in the file, whatever is handed out of them."""
        return int(self._file.channels)

    def blocks(self, frames: int) -> Iterator[Samples]:
        """Blocks of `frames` frames (the last may be shorter), float32, shape ``(frames, channels)``, contiguous.

        Samples come as they are: those of a float file may be beyond full scale, infinite or no numbers.

        Raises
        ------
        AudioFileError
            If the file turns out to be damaged.
        """
        while True:
            try:
                block = self._file.read(frames, dtype="float32", always_2d=True)
            except _library_errors() as error:
                raise AudioFileError(f"{self.path}: damaged ({_reason(error)})") from error
            if len(block) == 0:
                return
            self.peaks = np.fmax(self.peaks, np.fmax.reduce(np.abs(block), axis=0))
            yield self._selected(block)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check(self) -> None:
        if self.frames == 0:
            raise AudioFileError(f"{self.path}: holds no audio (0 frames)")
        if not MIN_SAMPLE_RATE_HZ <= self.sample_rate <= MAX_SAMPLE_RATE_HZ:
            limits = f"{MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz"
            raise AudioFileError(f"{self.path}: sample rate {self.sample_rate} Hz is not within {limits}")

    def _selected(self, block: Samples) -> Samples:
        if self.channels == tuple(range(self.file_channels)):
            return np.ascontiguousarray(block)
        columns = [_mean(block) if channel == MIX else block[:, channel] for channel in self.channels]
        return np.ascontiguousarray(np.stack(columns, axis=1))


class AudioWriter:
    """An audio file written in blocks.

    Parameters
    ----------
    path : Path
        Where to write; its suffix does not matter.
    file_format : str
        One of the values of `FORMATS`.
    sample_rate, channels : int
        Of the file.
    encoding : str
        One of the keys of `ENCODINGS`. Integers are rounded, and clipped at full scale.
    always_readable : bool
        Whether the header follows every write, so that the file is whole even if this process is killed. FLAC has no
        such header: its frames can be read then, but their number is not told.
    """

    def __init__(
        self,
        path: Path,
        file_format: str,
        sample_rate: int,
        channels: int,
        encoding: str,
        always_readable: bool = False,
    ) -> None:
        import soundfile

        self.path = path
        subtype = ENCODINGS[encoding][0]
        try:
            self._file: Any = soundfile.SoundFile(
                _library_name(path), "w", sample_rate, channels, subtype, format=file_format
            )
        except _library_errors() as error:
            raise AudioFileError(f"cannot write {file_format} with {sample_rate} Hz: {_reason(error)}") from error
        _command(self._file, _SFC_SET_ADD_PEAK_CHUNK, False)  # It holds the time of day: two renders would differ.
        _command(self._file, _SFC_SET_UPDATE_HEADER_AUTO, always_readable)

    def write(self, samples: Samples) -> None:
        """Append samples of shape ``(frames, channels)``."""
        try:
            self._file.write(samples)
        except _library_errors() as error:
            raise AudioFileError(
                f"cannot write the audio ({_reason(error) or 'too little written'}); is the disk full?"
            ) from error

    def close(self) -> None:
        """Write what is left and close the file."""
        try:
            self._file.close()
        except _library_errors() as error:
            raise AudioFileError(f"cannot write the audio ({_reason(error)}); is the disk full?") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.close()
        except AudioFileError:
            return  # The error on its way says what went wrong first.


def audio_format(path: Path, encoding: str) -> str:
    """The format that a file's suffix asks for.

    Raises
    ------
    FieldError
        If the suffix is none of `FORMATS`, or the format cannot hold `encoding`.
    """
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise FieldError("output", f"a name that ends in {', '.join(FORMATS)}", path.name)
    if file_format == "FLAC" and encoding == "float":
        raise FieldError("encoding", "16 or 24 for FLAC, which holds no floats", encoding)
    return file_format


def check_size(path: Path, frames: int, channels: int, encoding: str) -> None:
    """Refuse a file that would outgrow its format, before anything is written."""
    size = frames * channels * ENCODINGS[encoding][1]
    if FORMATS[path.suffix.lower()] in ("WAV", "AIFF") and size > _LARGEST_32_BIT_FILE:
        raise FieldError("output", "a name that ends in .flac or .w64, as this is too long for 4 GiB", path.name)


def _refuse_what_is_no_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise AudioFileError(f"{path}: is a folder, not an audio file")
        if not path.exists():
            raise AudioFileError(f"{path}: no such file")
        if not path.is_file():
            raise AudioFileError(f"{path}: is no regular file")
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path}: is empty")
        with path.open("rb"):
            pass
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror}") from error


def _open_for_reading(path: Path) -> Any:
    try:
        import soundfile
    except OSError as error:
        raise AudioFileError(f"libsndfile is missing ({error}); on Debian: apt install libsndfile1") from error
    try:
        with silenced_stderr():  # Its MP3 decoder prints notes on whatever it is shown.
            return soundfile.SoundFile(_library_name(path))
    except TypeError as error:  # What soundfile raises for names that end in .raw.
        raise AudioFileError(f"{path}: raw samples without a header cannot be read; convert it to WAV") from error
    except _library_errors() as error:
        raise AudioFileError(f"{path}: is no audio file that remapd knows ({_reason(error)})") from error


def _check_channels(path: Path, wanted: Sequence[int], channels: int) -> None:
    for channel in wanted:
        if channel != MIX and not 0 <= channel < channels:
            has = "1 channel" if channels == 1 else f"{channels} channels"
            raise AudioFileError(f"{path}: has {has}, so there is no channel {channel + 1}")


def _mean(block: Samples) -> Samples:
    """Mean over channels, summed in order, so that it has the same bits for every block size."""
    total = np.zeros(len(block))
    with np.errstate(all="ignore"):  # What is no number stays none; the engine silences and counts it.
        for channel in range(block.shape[1]):
            total += block[:, channel]
        return (total / block.shape[1]).astype(np.float32)


def _library_name(path: Path) -> str | bytes:
    """The path as libsndfile wants it; elsewhere than on Windows a name need not be text."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def _library_errors() -> tuple[type[Exception], ...]:
    import soundfile

    # The assertion is how soundfile says that fewer frames were written than given.
    return (soundfile.SoundFileError, OSError, RuntimeError, ValueError, AssertionError)


def _reason(error: BaseException) -> str:
    """The library's own words on one line, without the path that we say ourselves."""
    words = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(words).split()).removeprefix("Error : ").removeprefix("Internal error : ").rstrip(".")


def _command(file: Any, command: int, on: bool) -> None:
    """Switch something of libsndfile for which soundfile has no public call."""
    import soundfile

    soundfile._snd.sf_command(file._file, command, soundfile._ffi.NULL, int(on))
