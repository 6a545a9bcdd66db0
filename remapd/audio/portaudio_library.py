"""PortAudio, loaded late and quietly, under our name.

Importing `sounddevice` loads and initialises PortAudio, which connects to a JACK server as a client and makes ALSA and
JACK write their complaints straight to the terminal. So this is the only place that imports it.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from remapd.errors import DeviceError

CLIENT_NAME = "remapd"

#: PortAudio keeps the pointer, so the bytes must live as long as the process.
_CLIENT_NAME_BYTES = ctypes.create_string_buffer(CLIENT_NAME.encode())

REMEDY = (
    "PortAudio is missing; install libportaudio2 (Debian, Ubuntu: apt install libportaudio2; "
    "Fedora: dnf install portaudio; Arch: pacman -S portaudio), or use --backend virtual"
)


def load() -> Any:
    """Import the module `sounddevice`, initialised.

    Raises
    ------
    DeviceError
        If PortAudio is not installed or cannot be initialised.
    """
    if "sounddevice" in sys.modules:
        return sys.modules["sounddevice"]
    name_jack_client()
    with silenced_stderr():
        try:
            return importlib.import_module("sounddevice")
        except ImportError as error:
            raise DeviceError(f"the Python package sounddevice is missing ({error}); pip install sounddevice") from None
        except OSError:
            raise DeviceError(REMEDY) from None
        except Exception as error:  # PortAudioError cannot be named without the import that failed.
            raise DeviceError(f"PortAudio cannot start: {one_line(error)}") from None


def unload() -> None:
    """Leave the JACK server and give all devices back; nothing if PortAudio was not loaded."""
    module = sys.modules.get("sounddevice")
    if module is not None:
        with contextlib.suppress(module.PortAudioError):
            module._terminate()


def name_jack_client() -> None:
    """Set the name under which PortAudio joins a JACK server; this must come before it is initialised."""
    path = ctypes.util.find_library("portaudio")
    with contextlib.suppress(OSError, AttributeError):
        if path is not None:
            ctypes.CDLL(path).PaJack_SetClientName(_CLIENT_NAME_BYTES)


def knows_jack() -> bool:
    """Whether this PortAudio was built with JACK; it lists that host API only while a server runs."""
    path = ctypes.util.find_library("portaudio")
    try:
        return path is not None and hasattr(ctypes.CDLL(path), "PaJack_SetClientName")
    except OSError:
        return False


def enable_realtime_alsa(module: Any, stream_address: int) -> None:
    """Have PortAudio serve an ALSA stream with real-time priority; without the right to it nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        function = ctypes.CDLL(module._libname).PaAlsa_EnableRealtimeScheduling
        function(ctypes.c_void_p(stream_address), 1)


@contextlib.contextmanager
def silenced_stderr() -> Iterator[None]:
    """Keep C libraries from writing to the terminal; Python's own messages wait until the end.

    File descriptor 2 is the whole process's, so this is for the main thread and for short.
    """
    try:
        saved = os.dup(2)
    except OSError:
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def one_line(error: BaseException) -> str:
    """An error's text without line breaks or PortAudio's internal numbers."""
    return " ".join(str(error).split()).removesuffix(".")
