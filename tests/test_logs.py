"""Logs: level at run time, JSON and plain lines, no secrets, and nobody who waits for the stream."""

import asyncio
import contextlib
import io
import json
import logging
import threading

import pytest

from remapd.control.watching.log_lines import KEPT_LINES, LONGEST_LINE
from remapd.control.watching.logs import QUEUE_LINES, Logs
from remapd.errors import FieldError

LOG = logging.getLogger("remapd.a_test.part")


@contextlib.contextmanager
def running(**options):
    """Logs that take what `LOG` says, and the stream they write to."""
    stream = options.pop("stream", None) or io.StringIO()
    logs = Logs(stream=stream, roots=["remapd.a_test"], **options)
    asyncio.run(logs.start())
    try:
        yield logs, stream
    finally:
        asyncio.run(logs.stop())


def written(stream):
    return stream.getvalue().splitlines()


def test_lines_are_json_objects_if_so_wished():
    with running(layout="json") as (_, stream):
        LOG.warning("track %d: %s", 1, "no “model”")
    (line,) = map(json.loads, written(stream))
    assert (line["level"], line["part"], line["message"]) == ("WARNING", "remapd.a_test.part", "track 1: no “model”")
    assert line["time"][:2] == "20"


def test_json_lines_have_what_was_given_beside_the_text():
    with running(layout="json") as (logs, stream):
        logs.secrets.add("hunter2")
        device = {"input": "drum", "rate": 48000.0}
        LOG.info("playing", extra={"device": device, "key": ["hunter2"], "odd": {1, 2}.union})
    (line,) = map(json.loads, written(stream))
    assert line["device"] == device
    assert line["key"] == '["[secret]"]'
    assert line["odd"].startswith("<built-in")


def test_the_level_can_be_changed_at_run_time():
    with running() as (logs, stream):
        LOG.debug("unheard")
        logs.set_level("debug")
        LOG.debug("heard")
        logs.set_level("error")
        LOG.warning("unheard")
        with pytest.raises(FieldError, match="level: expected one of debug, info, warning, error"):
            logs.set_level("loud")
        assert logs.level == "error"
    assert [line.rsplit(": ", 1)[1] for line in written(stream)] == ["heard"]


def test_of_what_serves_only_weighty_lines_are_taken():
    with running(level="debug") as (logs, _):
        for name in ("uvicorn.error", "asyncio"):
            logging.getLogger(name).info("by the way")
            logging.getLogger(name).error("trouble")
        assert [line.text for line in logs.lines()] == ["trouble", "trouble"]


def test_all_is_as_before_after_the_end():
    root = logging.getLogger("remapd.a_test")
    before = root.level, root.propagate, list(root.handlers)
    with running() as (logs, _):
        asyncio.run(logs.start())
        assert len(root.handlers) == len(before[2]) + 1
    asyncio.run(logs.stop())
    assert (root.level, root.propagate, root.handlers) == before


@pytest.mark.parametrize(
    "text",
    [
        "GET / with {'authorization': 'Bearer hunter2-hunter2'}",
        "headers [(b'authorization', b'Bearer hunter2-hunter2')]",
        "Authorization: hunter2-hunter2",
        "subprotocols remapd, remapd.token.hunter2-hunter2",
        "GET /api/v1/status?token=hunter2-hunter2",
        "plainly hunter2-hunter2 told",
    ],
)
def test_no_secret_leaves(text):
    with running() as (logs, stream):
        logs.secrets.add("hunter2-hunter2")
        LOG.info("%s", text)
        try:
            raise ValueError(text)
        except ValueError:
            LOG.exception("failed")
    everything = stream.getvalue() + "".join(line.text for line in logs.lines())
    assert "hunter2" not in everything
    assert everything.count("[secret]") >= 4


@pytest.mark.parametrize("text", ["Bearer abcdef", "x?token=abcdef", "remapd.token.abcdef", "authorization: abcdef"])
def test_what_looks_like_a_secret_is_struck_out_untold(text):
    with running() as (_, stream):
        LOG.info(text)
    assert "abcdef" not in stream.getvalue()


def test_a_line_stays_one_line_of_bounded_length():
    with running() as (logs, stream):
        LOG.info("a\nb\x1b[2J\r")
        LOG.info("x" * 100_000)
        LOG.info("%d of %d", "not a number")
    first, second, third = written(stream)
    assert first.endswith(r"a | b\x1b[2J\r")
    assert len(second) < LONGEST_LINE + 100
    assert "not a number" in third
    assert logs.lines()[0].text == r"a | b\x1b[2J\r"


def test_the_last_lines_are_kept_and_chosen_by_weight():
    with running() as (logs, _):
        for number in range(KEPT_LINES + 5):
            LOG.info("line %d", number)
        LOG.error("trouble")
        lines = logs.lines()
        assert len(lines) == KEPT_LINES
        assert lines[-1].text == "trouble"
        assert [line.text for line in logs.lines("warning")] == ["trouble"]
        assert [line.text for line in logs.lines(most=2)] == [f"line {KEPT_LINES + 4}", "trouble"]
        assert set(logs.lines(most=1)[0].as_dict()) == {"time", "level", "part", "text"}
        with pytest.raises(FieldError, match="level"):
            logs.lines("loud")


class StuckStream(io.StringIO):
    """A stream that takes nothing until it is released."""

    def __init__(self):
        super().__init__()
        self.released = threading.Event()

    def write(self, text):
        self.released.wait(20.0)
        return super().write(text)


def test_nobody_waits_for_a_stream_that_is_stuck():
    stream = StuckStream()
    with running(stream=stream) as (logs, _):
        for number in range(QUEUE_LINES + 50):
            LOG.info("line %d", number)
        assert 49 <= logs.dropped <= 50  # The thread may hold one of them.
        assert logs.lines(most=1)[0].text == f"line {QUEUE_LINES + 49}"
        waiting = QUEUE_LINES + 50 - logs.dropped
        stream.released.set()
    # One line may have given way to the end.
    assert waiting - 1 <= len(written(stream)) <= waiting


def test_a_stream_that_stays_stuck_does_not_keep_the_service_from_ending():
    stream = StuckStream()
    with running(stream=stream):
        for number in range(QUEUE_LINES + 5):
            LOG.info("line %d", number)
    assert not stream.released.is_set()
    stream.released.set()
