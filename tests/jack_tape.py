"""A tape machine on a JACK server: a process that plays an array to one port and records others, on the same clock.

``python -m tests.jack_tape performance.npy recording.npy SECONDS TO_PORT FROM_PORT...`` waits until the ports are
there, says ``ready``, begins at a line on its standard input, tells the frame that it has come to, and leaves an array
(frames, ports).
"""

import ctypes
import ctypes.util
import subprocess
import sys
import time

import numpy as np
from numba import carray, cfunc, types

from remapd.engine.native import pointer_at as pointer

#: Addresses of the samples to play, of the recording and of the ports; how long each is; whether it runs; where it is.
PLAYED, RECORDED, PORTS, N_PLAYED, N_RECORDED, N_PORTS, IS_RUNNING, POSITION = range(8)
_AUDIO = b"32 bit float mono audio"
_IS_INPUT, _IS_OUTPUT = 1, 2
_NO_START_SERVER = 1
_PATIENCE_S = 20.0


def _library():
    """The JACK library with the types of what is called."""
    jack = ctypes.CDLL(ctypes.util.find_library("jack"))
    handle, text, whole = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
        ("jack_client_open", handle, [text, whole, handle]),
        ("jack_port_register", handle, [handle, text, text, ctypes.c_ulong, ctypes.c_ulong]),
        ("jack_port_get_buffer", handle, [handle, ctypes.c_uint32]),
        ("jack_port_name", text, [handle]),
        ("jack_port_by_name", handle, [handle, text]),
        ("jack_set_process_callback", whole, [handle, handle, handle]),
        ("jack_activate", whole, [handle]),
        ("jack_connect", whole, [handle, text, text]),
        ("jack_client_close", whole, [handle]),
    ):
        function = getattr(jack, name)
        function.restype, function.argtypes = result, arguments
    return jack


def _callback(jack):
    """The compiled callback; port 0 plays, the others record."""
    buffer_of = jack.jack_port_get_buffer

    @cfunc(types.int32(types.uint32, types.voidptr), error_model="numpy")
    def run(frames, user):
        state = carray(user, (8,), np.int64)
        ports = carray(pointer(np.uintp(state[PORTS])), (state[N_PORTS],), np.int64)
        played = carray(pointer(np.uintp(state[PLAYED])), (state[N_PLAYED],), np.float32)
        recorded = carray(pointer(np.uintp(state[RECORDED])), (state[N_RECORDED], state[N_PORTS] - 1), np.float32)
        out = carray(pointer(np.uintp(buffer_of(ports[0], frames))), (np.int64(frames),), np.float32)
        start = state[POSITION]
        for i in range(len(out)):
            place = start + i
            out[i] = played[place] if state[IS_RUNNING] and place < len(played) else np.float32(0.0)
        if state[IS_RUNNING] == 0:
            return 0
        for k in range(1, len(ports)):
            heard = carray(pointer(np.uintp(buffer_of(ports[k], frames))), (np.int64(frames),), np.float32)
            for i in range(min(len(heard), len(recorded) - start)):
                recorded[start + i, k - 1] = heard[i]
        state[POSITION] = start + len(out)
        return 0

    return run


class _Client:
    def __init__(self, jack):
        self.jack = jack
        self.handle = jack.jack_client_open(b"tape", _NO_START_SERVER, None)
        if not self.handle:
            sys.exit("no JACK server")

    def port(self, name, flags):
        return self.jack.jack_port_register(self.handle, name, _AUDIO, flags, 0)

    def connect(self, source, sink):
        """Connect two ports, one by name and one of ours, as soon as the other is there."""
        names = [name if isinstance(name, bytes) else self.jack.jack_port_name(name) for name in (source, sink)]
        deadline = time.monotonic() + _PATIENCE_S
        while self.jack.jack_connect(self.handle, *names):
            if time.monotonic() > deadline:
                sys.exit(f"cannot connect {names[0].decode()} to {names[1].decode()}")
            time.sleep(0.01)  # JACK tells of ports in a callback only, which Python must not have.


def main(played_path, recorded_path, seconds, to, *sources):
    jack = _library()
    client = _Client(jack)
    played = np.load(played_path).astype(np.float32).ravel()
    recorded = np.zeros(
        (round(float(seconds) * jack.jack_get_sample_rate(ctypes.c_void_p(client.handle))), len(sources)), np.float32
    )
    ports = np.array(
        [client.port(b"out", _IS_OUTPUT), *(client.port(b"in_%d" % i, _IS_INPUT) for i in range(len(sources)))],
        np.int64,
    )
    state = np.array(
        [a.ctypes.data for a in (played, recorded, ports)] + [len(played), len(recorded), len(ports), 0, 0]
    )
    callback = _callback(jack)
    jack.jack_set_process_callback(client.handle, callback.address, state.ctypes.data)
    jack.jack_activate(client.handle)
    client.connect(int(ports[0]), to.encode())
    for port, source in zip(ports[1:], sources, strict=True):
        client.connect(source.encode(), int(port))
    print("ready", flush=True)
    sys.stdin.readline()
    state[IS_RUNNING] = 1
    while state[POSITION] < len(recorded):
        time.sleep(0.005)
        print(state[POSITION], flush=True)
    jack.jack_client_close(client.handle)
    np.save(recorded_path, recorded)


class Tape:
    """The process, ready to begin.

    Parameters
    ----------
    server : JackServer
        Where the ports are.
    folder : Path
        For its files.
    samples : array
        What is played.
    seconds : float
        How long is recorded.
    to : str
        Port that hears it.
    sources : str
        Ports that are recorded.
    """

    def __init__(self, server, folder, samples, seconds, to, *sources):
        self._recorded = folder / "recorded.npy"
        np.save(folder / "played.npy", samples)
        command = [sys.executable, "-m", "tests.jack_tape", folder / "played.npy", self._recorded, str(seconds), to]
        self.process = subprocess.Popen(
            [*command, *sources], env=server.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n", "the tape found no ports"

    def run(self):
        """Play and record; returns the recording (frames, ports)."""
        self.begin()
        return self.end()

    def begin(self):
        """Play and record from here on."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def await_frame(self, frame):
        """Wait until it has come so far; returns where it is."""
        for line in self.process.stdout:
            if int(line) >= frame:
                return int(line)
        raise AssertionError("the tape ended before")

    def end(self):
        """Wait until it has been played; returns the recording."""
        for _ in self.process.stdout:
            pass
        assert self.process.wait(120) == 0
        return np.load(self._recorded)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
