"""A FLAC file whose writer was killed does not tell its length; written anew it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import soundfile

from remapd.audio.file import AudioReader, AudioWriter, Samples
from remapd.errors import AudioFileError

_SUFFIX = ".flac"
#: What is left of the last block of these is lost.
_BLOCK_FRAMES = 1024
#: More frames than any file has stand for a number that is not known.
_UNKNOWN_FRAMES = 1 << 48


def complete(path: Path) -> None:
    """Write a file anew if it is one of ours that does not tell its length.

    Raises
    ------
    AudioFileError
        If it cannot be read, or the new one cannot be written.
    """
    if path.suffix != _SUFFIX:
        return
    with AudioReader(path) as reader:
        if reader.frames < _UNKNOWN_FRAMES:
            return
        whole = path.with_name(f"{path.name}.whole{path.suffix}")
        try:
            with AudioWriter(whole, "FLAC", reader.sample_rate, reader.file_channels, "24") as writer:
                for block in _readable(reader):
                    writer.write(block)
            whole.replace(path)
        except (OSError, soundfile.SoundFileError) as error:
            raise AudioFileError(f"{path}: cannot be written anew: {error}") from None
        finally:
            whole.unlink(missing_ok=True)


def _readable(reader: AudioReader) -> Iterator[Samples]:
    """Blocks up to the one that was not written in full."""
    try:
        yield from reader.blocks(_BLOCK_FRAMES)
    except AudioFileError:
        return
