"""The parent's side of the process that reads a TorchScript file."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from remapd.errors import FieldError, ModelError
from remapd.extras import require_torch
from remapd.fields import checked_object, parsed_json, shown
from remapd.training.torchdrum.shape import Step, number_array

#: Time for the file itself; torch takes its own time to start.
LIMIT_S = 20
START_S = 100
MEMORY_BYTES = 1 << 30
MAX_ANSWER_BYTES = 32 << 20
MAX_STEPS = 200

#: What the system itself needs to start a process with its libraries.
_ENVIRONMENT = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from remapd.training.torchdrum.child import main
main()
"""
_FIELDS = ("steps", "preset", "outputs", "model")


@dataclass(frozen=True, eq=False)
class Reading:
    """What is in a TorchScript file.

    Parameters
    ----------
    steps : list of dict
        From the input to the modulation, as `shape` takes them; unchecked.
    preset : array of float, shape (parameters,)
        Second row of the output.
    outputs : array of float, shape (inputs, 2, parameters)
        What the file answers.
    model : bytes or None
        Model file that came with it.
    """

    steps: list[Step]
    preset: NDArray[np.float64]
    outputs: NDArray[np.float64]
    model: bytes | None


def read_torchscript(content: bytes, inputs: NDArray[np.float64], limit_s: int = LIMIT_S) -> Reading:
    """Read a TorchScript file in a process of its own and run it on `inputs` (n, features).

    Raises
    ------
    TrainingError
        If torch is not installed.
    ModelError
        If the process refuses the file, dies of it, or takes too long.
    FieldError
        If its answer does not fit.
    """
    require_torch()
    request = json.dumps({"inputs": inputs.tolist(), "cpu_s": limit_s, "memory_bytes": MEMORY_BYTES})
    with tempfile.TemporaryFile() as given, tempfile.TemporaryDirectory() as folder:
        given.write(request.encode() + b"\n" + content)
        given.seek(0)
        answer = _run(given, folder, limit_s)
    return reading(answer, len(inputs))


def _run(given: IO[bytes], folder: str, limit_s: int) -> bytes:
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _START, json.dumps(sys.path)],
        stdin=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder, close_fds=True,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        **_PLATFORM_OPTIONS,
    )  # fmt: skip
    assert process.stdout is not None
    with _killed_after(process, START_S + limit_s) as is_late:
        answer = process.stdout.read(MAX_ANSWER_BYTES + 1)
        process.stdout.close()
        _await_end(process)
    code = process.returncode
    if is_late.is_set():
        raise ModelError(f"was not read within {START_S + limit_s} s")
    if code != 0:
        raise ModelError(_end(code, limit_s))
    if len(answer) > MAX_ANSWER_BYTES:
        raise ModelError("holds more than any mapper")
    return answer


# On Windows the idle priority class. Elsewhere a session of its own: it is ended with all it started, and a Ctrl-C at
# the terminal is ours alone to handle.
_PLATFORM_OPTIONS: dict[str, Any] = {"creationflags": 0x40} if sys.platform == "win32" else {"start_new_session": True}


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill the process, and all it started, when its time is up and whenever the block is left."""
    is_late = threading.Event()

    def end_late() -> None:
        is_late.set()
        _kill(process)

    timer = threading.Timer(seconds, end_late)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()
        _kill(process)
        process.wait()


def _await_end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end and, where the system can, leave the process its number: so what it started can be killed."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _end(code: int, limit_s: int) -> str:
    if sys.platform != "win32" and code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"takes more than {limit_s} s to read"
    if code < 0:
        return f"the process that read it died of {signal.Signals(-code).name}; the file is damaged or hostile"
    return f"the process that read it ended with status {code}"


def reading(answer: bytes, rows: int) -> Reading:
    """Check the answer of the process, to an input of so many rows.

    Raises
    ------
    ModelError, FieldError
        If it is a refusal, or does not fit.
    """
    try:
        fields = checked_object(parsed_json(answer), "answer")
    except ValueError:
        raise ModelError("the process that read it gave no answer") from None
    if "refused" in fields:
        raise ModelError(shown(str(fields["refused"]), 400))
    checked_object(fields, "answer", _FIELDS)
    preset = number_array(fields["preset"], "output.1", 1)
    outputs = number_array(fields["outputs"], "output", 3)
    if outputs.shape != (rows, 2, len(preset)):
        raise FieldError("output", f"2 rows of {len(preset)}", f"shape {outputs.shape[1:]}")
    return Reading(_steps(fields["steps"]), preset, outputs, _decoded(fields["model"]))


def _steps(value: object) -> list[Step]:
    if not isinstance(value, list) or len(value) > MAX_STEPS:
        raise FieldError("steps", f"a list of at most {MAX_STEPS}", type(value).__name__)
    return [dict(checked_object(step, f"steps.{i}")) for i, step in enumerate(value)]


def _decoded(value: object) -> bytes | None:
    if value is None:
        return None
    try:
        return base64.b64decode(str(value), validate=True)
    except binascii.Error:
        raise FieldError("model", "a model file", type(value).__name__) from None
