"""Checks of MIDI."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Iterator
from typing import Any

from remapd.audio.portaudio_library import one_line, silenced_stderr
from remapd.daemon.health.finding import Finding, ok, warn

_TOPIC = "MIDI"
_FILES = "MIDI files are written all the same"


def check_midi() -> Iterator[Finding]:
    """Whether rtmidi is there, and which outputs its interfaces show."""
    try:
        rtmidi = importlib.import_module("rtmidi")
    except ImportError as error:
        yield warn(_TOPIC, f"rtmidi is missing ({one_line(error)}); {_FILES}", install_remedy(sys.version_info[:2]))
        return
    apis = rtmidi.get_compiled_api()
    found = {rtmidi.get_api_display_name(api): _ports(rtmidi, api) for api in apis}
    yield from judge(found)


def judge(found: dict[str, list[str] | str]) -> Iterator[Finding]:
    """Judge the ports, or the fault, by the name of the interface."""
    working = {name: ports for name, ports in found.items() if isinstance(ports, list)}
    broken = [f"{name}: {fault}" for name, fault in found.items() if isinstance(fault, str)]
    if working:
        ports = [f"{name}: {', '.join(ports) or 'no outputs'}" for name, ports in working.items()]
        yield ok(_TOPIC, f"outputs for sinks: {'; '.join([*ports, *broken])}")
    else:
        remedy = "load the sequencer (sudo modprobe snd-seq) or start a JACK server"
        yield warn(_TOPIC, "; ".join(broken) or "rtmidi was built without any interface", remedy)


def install_remedy(version: tuple[int, int], system: str = platform.system()) -> str:
    """How to get rtmidi for a version of Python."""
    if version < (3, 13):
        return "pip install 'remapd[midi]'"
    command = "pip install -c constraints.txt '.[midi]' in a clone of remapd"
    tools = {
        "Linux": "apt install g++ python3-dev libasound2-dev libjack-jackd2-dev",
        "Darwin": "xcode-select --install",
    }.get(system, "install the Visual C++ build tools")
    return f"{command}, which compiles it for Python {version[0]}.{version[1]}: first {tools}"


def _ports(rtmidi: Any, api: int) -> list[str] | str:
    """Names of the output ports, or why there are none to be had."""
    try:
        with silenced_stderr():
            port = rtmidi.MidiOut(api, name="remapd doctor")
            try:
                return list(port.get_ports())
            finally:
                port.delete()
    except Exception as error:  # rtmidi's own, which differ from version to version.
        return one_line(error)
