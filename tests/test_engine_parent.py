"""The engine's side of the line to its parent: nothing that a parent does or leaves undone makes the engine wait."""

import contextlib
import json
import os
import socket
import threading

import pytest

from remapd.audio.backend import StreamSettings
from remapd.engine_process import Spec
from remapd.engine_process import parent as module
from remapd.engine_process.messages import LINE_BYTES
from remapd.engine_process.parent import Parent
from tests.live_run import PATIENCE_S


class Line:
    """Pipes of a first parent, and what was obeyed."""

    def __init__(self, socket_path="", orphan_s=0.0):
        orders, self.orders = os.pipe()
        self.reports, reports = os.pipe()
        self.obeyed, self.stop = [], threading.Event()
        spec = Spec("/no/block", StreamSettings(backend="virtual"), orphan_s, str(socket_path))
        self.parent = Parent(spec, os.fdopen(orders, encoding="utf-8", errors="replace"), reports)
        self.greeting = ['{"playing": 1}']
        self.thread = threading.Thread(target=self._attend)
        self.thread.start()

    def _attend(self):
        self.parent.attend(self.obeyed.append, lambda: self.greeting, self.stop)

    def send(self, content):
        os.write(self.orders, content)

    def close(self):
        os.close(self.orders)

    def end(self):
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()

    def heard(self):
        return os.read(self.reports, 65536).decode().splitlines()


def connected(path):
    """A new parent, as soon as one is awaited."""
    client = socket.socket(socket.AF_UNIX)
    while True:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            client.connect(str(path))
            lines = client.makefile("r")
            lines.readline()  # Empty: it was taken.
            return client, lines


def test_orders_are_obeyed_in_turn_and_the_end_of_the_pipe_is_the_end():
    line = Line()
    line.send(b'{"record": 1}\n{"stop": true}\n')
    line.close()
    line.end()
    assert line.obeyed == [{"record": 1}, {"stop": True}]


@pytest.mark.parametrize("noise", [b"no json", b"[1]", b"7", b"x" * (3 * LINE_BYTES), b"\xff\xfe", b"{"])
def test_noise_is_refused_and_what_follows_is_obeyed(noise):
    line = Line()
    line.send(noise + b'\n{"stop": true}\n')
    line.close()
    line.end()
    assert line.obeyed == [{"stop": True}]
    assert {tuple(json.loads(text)) for text in line.heard()} == {("refused",)}


def test_a_parent_that_does_not_read_is_not_waited_for():
    line = Line()
    for _ in range(10_000):
        line.parent.tell("x" * 100)
    line.close()
    line.end()
    assert set(line.heard()) == {"x" * 100}


def test_a_parent_that_is_gone_is_no_fault():
    line = Line()
    os.close(line.reports)
    line.parent.tell("x")
    line.close()
    line.end()


def test_one_parent_after_another(tmp_path):
    path = tmp_path / "s"
    line = Line(path, PATIENCE_S)
    line.close()
    for turn in range(3):
        client, lines = connected(path)
        assert json.loads(lines.readline()) == {"playing": 1}
        client.sendall(json.dumps({"turn": turn}).encode() + b"\nnoise\n")
        assert json.loads(lines.readline()) == {"refused": "noise"}
        line.parent.tell('{"news": 1}')
        assert json.loads(lines.readline()) == {"news": 1}
        line.stop.set() if turn == 2 else None
        lines.close()
        client.close()
    line.end()
    assert line.obeyed == [{"turn": turn} for turn in range(3)]
    line.parent.tell("to nobody")


def test_an_adoptive_parent_that_does_not_read_is_not_waited_for(tmp_path):
    path = tmp_path / "s"
    line = Line(path, PATIENCE_S)
    line.close()
    client, lines = connected(path)
    lines.readline()
    for _ in range(50_000):
        line.parent.tell("x" * 100)
    line.stop.set()
    lines.close()
    client.close()
    line.end()


def test_a_process_of_another_user_is_turned_away(tmp_path, monkeypatch):
    path, answers = tmp_path / "s", iter([False, True])
    monkeypatch.setattr(module, "is_own", lambda connection: next(answers))
    line = Line(path, PATIENCE_S)
    line.close()
    stranger, lines = connected(path)
    assert lines.readline() == ""
    stranger.close()
    client, lines = connected(path)
    assert lines.readline()
    line.stop.set()
    lines.close()
    client.close()
    line.end()


def test_where_it_cannot_listen_it_ends(tmp_path):
    line = Line(tmp_path / "none" / "s", PATIENCE_S)
    line.close()
    line.end()


def test_own_processes_are_known():
    a, b = socket.socketpair(socket.AF_UNIX)
    with a, b:
        assert module.is_own(a)
