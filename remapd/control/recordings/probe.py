"""The process in which an audio file of unknown origin is read; its parent is in `probing`.

It is given a path and a name on its command line, and answers with one JSON document: the members of an `AudioInfo`, or
why the file is refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from remapd.audio.file import AudioReader
from remapd.errors import AudioFileError
from remapd.processes import limit_this_process, lower_priority

#: What reading a file may take; the largest take 20 s.
CPU_S, MEMORY_BYTES = 120, 1 << 29
#: What libsndfile has to say goes into a temporary file.
FILE_BYTES = 1 << 16
MAX_CHANNELS = 256
#: A person waits for the answer, but the music comes first.
_NICENESS = 10
_BLOCK_SAMPLES = 1 << 18


def main() -> None:
    """Answer for one file."""
    path, name = Path(sys.argv[1]), sys.argv[2]
    lower_priority(_NICENESS)
    limit_this_process(CPU_S, MEMORY_BYTES, FILE_BYTES)
    try:
        answer = measured(path)
    except AudioFileError as error:
        answer = {"refused": str(error).replace(str(path), name)}
    sys.stdout.write(json.dumps(answer))


def measured(path: Path) -> dict[str, Any]:
    """Read a whole file.

    Raises
    ------
    AudioFileError
        If it is no audio file, damaged, or holds nothing.
    """
    with AudioReader(path) as reader:
        channels = reader.file_channels
        if channels > MAX_CHANNELS:
            raise AudioFileError(f"{path}: has {channels} channels, and {MAX_CHANNELS} is most")
        frames = sum(len(block) for block in reader.blocks(max(1, _BLOCK_SAMPLES // channels)))
        if frames == 0:
            raise AudioFileError(f"{path}: holds no audio")
        peaks = [float(peak) if np.isfinite(peak) else None for peak in reader.peaks]
        rate = reader.sample_rate
    kind = soundfile.info(str(path))
    return {
        "format": kind.format,
        "encoding": kind.subtype,
        "sample_rate_hz": rate,
        "channels": channels,
        "frames": frames,
        "duration_s": frames / rate,
        "peaks": peaks,
    }


if __name__ == "__main__":
    main()
