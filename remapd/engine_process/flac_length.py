"""Tells readers how long a FLAC file is that was not closed: its writer leaves that open until then."""

from __future__ import annotations

import contextlib
import os

#: Frames that the encoder puts out at once; the last of them it still holds back.
_BLOCK_FRAMES = 4096
#: Where the number of frames is: the last 36 bits of eight bytes.
_OFFSET, _BYTES, _BITS = 18, 8, 36
_MAGIC = b"fLaC\x00\x00\x00\x22"


def note_length(path: str, frames: int) -> None:
    """Write into the header of the FLAC file at `path` that it is as long as is certain after `frames` were written.

    A header that cannot be written, or is another, is left as it is.
    """
    certain = max(0, frames // _BLOCK_FRAMES - 1) * _BLOCK_FRAMES
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            if certain and os.pread(descriptor, len(_MAGIC), 0) == _MAGIC:
                word = int.from_bytes(os.pread(descriptor, _BYTES, _OFFSET), "big") >> _BITS << _BITS
                os.pwrite(descriptor, (word | certain).to_bytes(_BYTES, "big"), _OFFSET)
        finally:
            os.close(descriptor)
