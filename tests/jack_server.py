"""A JACK server of a test's own: dummy driver, a name that nobody else has, ended by its process id."""

import contextlib
import ctypes
import ctypes.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time

import pytest

_NO_START_SERVER = 1
_READY_S = 20.0
#: Not in real time, and in step with its clients however late they are: no sample is lost on a busy machine.
PATIENT = ("-r", "-S", "-t", "10000")


class JackServer:
    """A running server; `environment` makes clients find it.

    Parameters
    ----------
    arguments : sequence of str
        For jackd itself, before the driver.
    name : str, optional
        To start a server again under the name it had.
    """

    def __init__(self, arguments=PATIENT, rate=48000, period=64, name=None):
        self.name = name or f"remapd-test-{secrets.token_hex(4)}"
        self.environment = {**os.environ, "JACK_DEFAULT_SERVER": self.name, "JACK_NO_AUDIO_RESERVATION": "1"}
        driver = ["-d", "dummy", "-r", str(rate), "-p", str(period)]
        self.process = subprocess.Popen(
            ["jackd", "-n", self.name, *arguments, *driver],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        try:
            self._await_ready()
        except BaseException:
            self.stop()
            raise

    def _await_ready(self):
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"jackd ended with status {self.process.returncode}")
            if time.monotonic() > deadline:
                raise RuntimeError("jackd does not answer")
            time.sleep(0.02)

    def _answers(self):
        """Whether a client can join; asked in another process, as libjack reads the server's name only once."""
        code = (
            "import ctypes, sys; jack = ctypes.CDLL(sys.argv[1]); jack.jack_client_open.restype = ctypes.c_void_p; "
            f"client = jack.jack_client_open(b'probe', {_NO_START_SERVER}, None); "
            "client and jack.jack_client_close(ctypes.c_void_p(client)); sys.exit(not client)"
        )
        command = [sys.executable, "-c", code, ctypes.util.find_library("jack")]
        return subprocess.run(command, env=self.environment, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def stop(self, tidy=True):
        """End it, and wait until it is gone.

        A server that was killed, or that a dead client keeps from ending, leaves its name in JACK's registry, which has
        room for eight; a server of that name that ends as it should takes it away.
        """
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.returncode == -signal.SIGKILL and tidy:
            JackServer(name=self.name).stop(tidy=False)

    def kill(self):
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def jack_server(**settings):
    """A server for the length of a block; skips the test where it cannot be had."""
    if shutil.which("jackd") is None or ctypes.util.find_library("jack") is None:
        pytest.skip("jackd is not installed (apt install jackd2)")
    if ctypes.util.find_library("portaudio") is None:
        pytest.skip("PortAudio is not installed (apt install libportaudio2)")
    try:
        server = JackServer(**settings)
    except RuntimeError as error:
        pytest.skip(f"no JACK server: {error}")
    try:
        yield server
    finally:
        server.stop()
