"""Stand-ins for the engine process: small programs that report and end as the real one might."""

import json
import sys

from remapd.audio.backend import StreamInfo
from remapd.engine_process import Playing

_PLAYING = Playing(StreamInfo("drum", "amplifier", 48000.0, 64, 1, 2, 0.0, 0.0), 64, False, False).to_json()

_PRELUDE = f"""
import os, pathlib, signal, sys
spec = sys.stdin.readline()
turn_file = pathlib.Path(sys.argv[1])
turn = int(turn_file.read_text()) + 1 if turn_file.exists() else 1
turn_file.write_text(str(turn))
def play(): print({_PLAYING!r}, flush=True)
def say(line): print(line, flush=True)
def wait_for_parent(): sys.stdin.read()
"""


def fault(text):
    """A report of what went wrong, as a line of the fake's program."""
    return f"say({json.dumps(json.dumps({'fault': text}))})"


def fake_engine(program, folder):
    """Command of an engine that runs `program`, in which ``turn`` counts the starts from 1."""
    return [sys.executable, "-c", _PRELUDE + program, str(folder / "turn")]
