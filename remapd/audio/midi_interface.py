"""What reading and sending MIDI have in common: which interface works, and what its ports are called.

All of it takes the module `rtmidi`, or what has its names, so that nothing is imported where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

#: Names of all our clients begin with it.
OWN = "remapd"
#: ALSA appends numbers that are others after a replug.
_ALSA_NUMBERS = re.compile(r" \d+:\d+$")
_SEQUENCER = Path("/dev/snd/seq")

_Made = TypeVar("_Made")


class MidiUnavailableError(Exception):
    """There is no interface to MIDI at the moment; its text says why."""


def plain_names(names: Sequence[str]) -> list[str]:
    """Names of ports without numbers that change; equal ones are told apart in their order."""
    seen: dict[str, int] = {}
    plain = []
    for name in (_ALSA_NUMBERS.sub("", name) for name in names):
        seen[name] = seen.get(name, 0) + 1
        plain.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return plain


def is_own(name: str) -> bool:
    """Whether a port is one of ours, by its name."""
    return name.casefold().startswith(OWN)


def one_line(error: BaseException) -> str:
    """Text of an error of rtmidi's."""
    return " ".join(str(error).split()).removesuffix(".") or type(error).__name__


def first_working(rtmidi: Any, make: Callable[[int], _Made]) -> tuple[int, _Made]:
    """The first interface that works, with the input or output that `make` makes of its number.

    Raises
    ------
    MidiUnavailableError
        If none does at the moment.
    """
    faults = []
    for api in rtmidi.get_compiled_api():
        name = rtmidi.get_api_display_name(api)
        if api == rtmidi.API_LINUX_ALSA and not _SEQUENCER.exists():
            faults.append(f"{name}: no sequencer (sudo modprobe snd-seq)")
            continue
        try:
            return api, make(api)
        except Exception as error:  # rtmidi's own, which differ from version to version.
            faults.append(f"{name}: {one_line(error)}")
    raise MidiUnavailableError("; ".join(faults) or "rtmidi was built without any interface")
