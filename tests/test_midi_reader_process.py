"""A reader's process that ends, talks nonsense or hangs; small programs stand in for it."""

import asyncio
import importlib
import json
import os
import sys
import threading

import pytest

from remapd.control.midi.reader import Ending, run
from remapd.control.midi.reader_process import ReaderProcess
from tests.test_controller import in_loop

PATIENCE_S = 30.0
PORTS = {"interface": "Jack", "virtual": "", "available": [], "open": [], "faults": {}}


class Ears:
    """Remembers what a reader tells."""

    def __init__(self, program, **settings):
        self.heard = asyncio.Queue()
        command = (sys.executable, "-c", program) if isinstance(program, str) else program
        self.reader = ReaderProcess(
            {"virtual_port": "", "ports": []}, self.heard.put_nowait, command, first_delay_s=0.001, **settings
        )

    async def next(self):
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)

    async def __aenter__(self):
        await self.reader.start()
        return self

    async def __aexit__(self, *_):
        await self.reader.stop()
        await self.reader.stop()


def telling(*lines, then=""):
    return f"import sys, os, json\nfor line in {lines!r}: print(line, flush=True)\n{then}"


@in_loop
async def test_a_reader_that_ends_is_followed_by_another():
    async with Ears(telling(json.dumps(PORTS), then="sys.exit(5)")) as ears:
        for _ in range(3):
            assert await ears.next() == PORTS
            assert await ears.next() == {"ended": 5}
        assert ears.reader.starts >= 3


@in_loop
async def test_it_is_given_its_settings():
    async with Ears("import sys; print(sys.argv[1], flush=True)") as ears:
        assert await ears.next() == {"virtual_port": "", "ports": []}


@in_loop
async def test_without_rtmidi_there_is_no_second_try():
    async with Ears(telling('{"fault": "rtmidi is not installed"}', then=f"sys.exit({int(Ending.MISSING)})")) as ears:
        assert "fault" in await ears.next()
        assert await ears.next() == {"ended": Ending.MISSING}
        await asyncio.wait_for(ears.reader._task, PATIENCE_S)
        assert ears.reader.starts == 1


@in_loop
async def test_nonsense_is_left_out():
    async with Ears(telling("[", "", "5", '"x"', '{"fault": "x"}')) as ears:
        assert [await ears.next(), await ears.next()] == [{"fault": "x"}, {"ended": 0}]


@in_loop
async def test_a_line_without_end_ends_the_reader():
    async with Ears(
        "import sys, time\nsys.stdout.write('x' * (1 << 19)); sys.stdout.flush(); sys.stdin.read()"
    ) as ears:
        assert await ears.next() == {"ended": 0}


@in_loop
async def test_a_reader_that_hangs_is_killed():
    program = telling(json.dumps({"pid": 1}), then="import time\nwhile True: time.sleep(100)")
    async with Ears(program) as ears:
        await ears.next()
        pid = ears.reader.pid
    assert ears.reader.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@in_loop
async def test_a_program_that_cannot_be_started_is_told():
    async with Ears(("/nonexistent/reader",)) as ears:
        assert "cannot be started" in (await ears.next())["fault"]


@in_loop
async def test_one_who_fails_to_take_a_line_gets_the_next():
    ears = Ears(telling('{"fault": "1"}', '{"fault": "2"}'))
    heard = []

    def hear(line):
        heard.append(line)
        if len(heard) == 1:
            raise RuntimeError("no")
        ears.heard.put_nowait(line)

    ears.reader._hear = hear
    async with ears:
        assert await ears.next() == {"fault": "2"}


@in_loop
async def test_the_reader_ends_with_whoever_started_it():
    """Its standard input closes then, however that one ends."""
    command = (sys.executable, "-m", "remapd.control.midi.reader", '{"virtual_port": "", "ports": []}')
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    environment = {**os.environ, "JACK_DEFAULT_SERVER": "remapd-test-none"}
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=null, stderr=null, env=environment)
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), PATIENCE_S) in (Ending.STOPPED, Ending.UNAVAILABLE, Ending.MISSING)


def test_a_machine_without_rtmidi_is_told_how_to_get_it(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'rtmidi'")

    monkeypatch.setattr(importlib, "import_module", missing)
    told = []
    assert run({"virtual_port": "", "ports": []}, told.append, threading.Event()) == Ending.MISSING
    assert told == [{"fault": "rtmidi is not installed (No module named 'rtmidi'): pip install 'remapd[midi]'"}]
