"""A drummer on a JACK server: a process that plays an array to the input of a client, sample by sample.

``python -m tests.jack_drummer performance.npy [client]``
"""

import subprocess
import sys
import time

import numpy as np
from numba import carray, cfunc

from remapd.engine.callback import SIGNATURE
from remapd.engine.native import pointer_at as pointer

#: Address of the samples, how many there are, and how many have been played.
SAMPLES, LENGTH, POSITION = range(3)


@cfunc(SIGNATURE, error_model="numpy")
def playing(source, sink, frames, time, flags, user):
    """Play on from where it stopped, on one channel."""
    state = carray(user, (3,), np.int64)
    out = carray(sink, (np.int64(frames),), np.float32)
    samples = carray(pointer(np.uintp(state[SAMPLES])), (state[LENGTH],), np.float32)
    position = state[POSITION]
    for i in range(len(out)):
        out[i] = samples[position + i] if position + i < len(samples) else np.float32(0.0)
    state[POSITION] = position + len(out)
    return 0


def play(samples, client="remapd"):
    """Play mono samples to the first input of a JACK client, and return when they have been played."""
    from remapd.audio.backend import StreamSettings
    from remapd.audio.playback import PlaybackBackend

    state = np.array([samples.ctypes.data, len(samples), 0])
    device = PlaybackBackend(StreamSettings(host_api="JACK", output_device=client, output_channels=1))
    device.negotiate()
    device.open(playing.address, state.ctypes.data)
    device.start()
    while state[POSITION] < len(samples):
        time.sleep(0.01)
        if fault := device.failure():
            sys.exit(fault)
    device.close()


def drummer(server, path, client="remapd"):
    """Start the drummer as a process."""
    return subprocess.Popen([sys.executable, "-m", "tests.jack_drummer", str(path), client], env=server.environment)


if __name__ == "__main__":
    play(np.load(sys.argv[1]).astype(np.float32).ravel(), *sys.argv[2:])
