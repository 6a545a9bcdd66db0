"""``remapd run`` as a service in folders of its own on free ports, with clients of it."""

import functools
import os
import re
import signal
import time

import httpx
import soundfile

from tests.engines import RATE, hits
from tests.live_run import PATIENCE_S, LiveRun

_URL = re.compile(r"HTTP on (http://\S+)/")
_POLL_S = 0.01


def isolated_environment(folder):
    """Environment in which all folders of the daemon are in `folder`."""
    # Paths of sockets are short.
    names = {"data": "data", "state": "state", "config": "config", "runtime": "r"}
    paths = {f"REMAPD_PATHS__{name.upper()}": str(folder / place) for name, place in names.items()}
    return {**os.environ, **paths}


def drum_loop(folder, times_s=(0.1, 0.35, 0.6, 0.85), length_s=1.0):
    """A file with hits, for a virtual device that plays it again and again."""
    path = folder / "loop.wav"
    soundfile.write(path, hits(list(times_s), length_s), int(RATE))
    return str(path)


class ServiceRun(LiveRun):
    """A running service; a context manager that ends it.

    Parameters
    ----------
    folder : Path
        Where all its files are.
    arguments : str
        More options of ``remapd run``.

    Attributes
    ----------
    url : str
        Where HTTP is served.
    http : httpx.Client
        Calls it.
    """

    def __init__(self, folder, *arguments, environment=None):
        folder.mkdir(exist_ok=True)
        super().__init__("--quiet", *arguments, environment={**isolated_environment(folder), **(environment or {})})
        try:
            self.url = _URL.search(self.await_line(_URL.search))[1]
        except BaseException:
            self.process.kill()
            raise
        self.http = httpx.Client(base_url=self.url, timeout=30.0)

    @functools.cached_property
    def remapd(self):
        """The client library of it."""
        from remapd_client import Remapd  # Which benchmarks do without.

        return Remapd(self.url)

    def get(self, path):
        """The document at a path below ``/api/v1``."""
        answer = self.http.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self):
        """The document of the status."""
        return self.get("/status")

    def await_status(self, is_wanted):
        """Ask until the status fits; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_wanted(status := self.status()):
            assert time.monotonic() < deadline, status
            assert self.process.poll() is None, "\n".join(self.lines)
            time.sleep(_POLL_S)  # Over HTTP there is nothing to wait for.
        return status

    def stop(self):
        """End it as a service manager does; returns the exit status."""
        return self.end(signal.SIGTERM)

    def __exit__(self, *exception):
        if hasattr(self, "http"):
            self.http.close()
        if "remapd" in vars(self):
            self.remapd.close()
        super().__exit__(*exception)
