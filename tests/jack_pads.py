"""An instrument on a JACK server: a process with a MIDI input of its own, which tells what comes in.

A process, because a client whose server ends and comes back takes its process with it.
``python -m tests.jack_pads NAME [PORT_TO_CONNECT]`` prints each message in hexadecimal, and when it came, in ns.
"""

import contextlib
import queue
import subprocess
import sys
import threading
import time

PATIENCE_S = 30.0


class Pads:
    """Handle of the process.

    Attributes
    ----------
    messages : list of bytes
        What has come so far and was read.
    times_ns : list of int
        When, by the monotonic clock.
    """

    def __init__(self, server, name, to=""):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.jack_pads", name, to],
            env=server.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"
        self.messages, self.times_ns = [], []
        self._queue = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self._queue.put(line)

    def next(self, patience_s=PATIENCE_S):
        """The next message."""
        text, time_ns = self._queue.get(timeout=patience_s).split()
        self.messages.append(bytes.fromhex(text))
        self.times_ns.append(int(time_ns))
        return self.messages[-1]

    def until(self, is_wanted):
        """Read on until a message is wanted; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_wanted(message := self.next(max(0.0, deadline - time.monotonic()))):
            pass
        return message

    def rest(self, quiet_s=0.2):
        """All that comes until nothing has come for a while."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self.next(quiet_s))
        return found

    def sounding(self):
        """Notes that were started and not ended, by what was read so far."""
        notes = set()
        for message in self.messages:
            kind, channel = message[0] & 0xF0, message[0] & 0x0F
            if kind == 0x90 and message[2]:
                notes.add((channel, message[1]))
            elif kind in (0x80, 0x90):
                notes.discard((channel, message[1]))
            elif kind == 0xB0 and message[1] in (120, 123):
                notes = {note for note in notes if note[0] != channel}
        return notes

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main(name, to):
    import rtmidi

    heard = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=name)
    heard.set_callback(lambda message, _: print(bytes(message[0]).hex(), time.monotonic_ns(), flush=True))
    if to:
        (index,) = [index for index, port in enumerate(heard.get_ports()) if to in port]
        heard.open_port(index, "in")
    else:
        heard.open_virtual_port("in")
    print("ready", flush=True)
    sys.stdin.read()
    heard.cancel_callback()
    time.sleep(0.05)  # One that has begun needs Python's lock, which rtmidi holds while it waits for its end.
    heard.delete()


if __name__ == "__main__":
    main(*sys.argv[1:])
