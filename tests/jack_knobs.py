"""Knobs on a JACK server: a process that sends MIDI from a port of its own, as told on its standard input.

A process, because a client whose server ends and comes back takes its process with it.
``python -m tests.jack_knobs NAME [PORT_TO_CONNECT]`` reads lines of hexadecimal bytes and answers each with a line.
"""

import subprocess
import sys


class Knobs:
    """Handle of the process."""

    def __init__(self, server, name, to=""):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.jack_knobs", name, to],
            env=server.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def send(self, *messages):
        for message in messages:
            self.process.stdin.write(bytes(message).hex() + "\n")
        self.process.stdin.flush()
        for _ in messages:
            assert self.process.stdout.readline() == "sent\n"

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main(name, to):
    import rtmidi

    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
    if to:
        (index,) = [index for index, port in enumerate(out.get_ports()) if to in port]
        out.open_port(index, "knob")
    else:
        out.open_virtual_port("knob")
    print("ready", flush=True)
    for line in sys.stdin:
        out.send_message(list(bytes.fromhex(line)))
        print("sent", flush=True)
    out.delete()


if __name__ == "__main__":
    main(*sys.argv[1:])
