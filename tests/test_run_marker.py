"""The mark of a daemon that runs, and what the next one learns of it."""

import os
import subprocess
import sys

import pytest

from remapd.daemon.run_marker import RunMarker
from remapd.errors import RemapdError

_KILLED = """
import os, signal, sys
from pathlib import Path
from remapd.daemon.run_marker import RunMarker
marker = RunMarker(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "running"


def killed(path):
    """Have a process die that had the mark."""
    subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False, timeout=60)


def test_an_ordinary_end_leaves_nothing(path):
    RunMarker(path).close()
    marker = RunMarker(path)
    assert not marker.was_left
    marker.close()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_who_is_killed_leaves_his_mark(path):
    killed(path)
    marker = RunMarker(path)
    assert marker.was_left
    marker.close()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_start_that_fails_does_not_hide_how_the_one_before_ended(path):
    killed(path)
    for _ in range(2):
        marker = RunMarker(path)
        assert marker.was_left
        marker.leave()
    RunMarker(path).close()
    marker = RunMarker(path)
    assert not marker.was_left
    marker.leave()
    assert path.read_bytes() == b""


def test_there_is_one_at_a_time(path):
    marker = RunMarker(path)
    with pytest.raises(RemapdError, match=f"process {os.getpid()}"):
        RunMarker(path)
    marker.close()
    RunMarker(path).close()
