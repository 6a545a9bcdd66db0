"""Synthesisers of other people as processes on a JACK server of a test's own: scsynth, Pure Data, FluidSynth."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parents[1] / "clients"
#: The smallest first.
_SOUND_FONTS = [Path("/usr/share/sounds/sf2") / name for name in ("TimGM6mb.sf2", "FluidR3_GM.sf2", "default-GM.sf2")]
PATIENCE_S = 10.0
#: What a headless sclang needs: its browser will not start for root without the first two, nor without a screen.
_HEADLESS = {
    "QTWEBENGINE_CHROMIUM_FLAGS": "--no-sandbox",
    "QTWEBENGINE_DISABLE_SANDBOX": "1",
    "QT_QPA_PLATFORM": "offscreen",
}


#: A patch that ends Pure Data when a packet comes.
_PD_END = """#N canvas 0 0 200 100 12;
#X obj 10 10 netreceive -u {port};
#X msg 10 40 \\; pd quit;
#X connect 0 0 1 0;
"""


def need(*programs):
    """Skip the test where a program is not installed."""
    packages = {
        "scsynth": "supercollider-server", "sclang": "supercollider-language", "pd": "puredata-core",
        "fluidsynth": "fluidsynth", "oscdump": "liblo-tools", "jack_lsp": "jackd2",
    }  # fmt: skip
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (apt install {packages[program]})")


def free_udp_port():
    """A port that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_udp(port):
    """Wait until somebody listens to a port of this machine."""
    deadline = time.monotonic() + PATIENCE_S
    while not _is_taken(port):
        assert time.monotonic() < deadline, f"nobody listens to port {port}"
        time.sleep(0.01)


def _is_taken(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def send_udp(port, data):
    """Send one packet to a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, ("127.0.0.1", port))


class Program:
    """A process with its output in a file; a context manager that ends it.

    Parameters
    ----------
    folder : Path
        For its output.
    command : sequence
        Program and arguments.
    environment : mapping
        Of the process.
    quit : callable, optional
        Asks it to end; without it, it is told by a signal. A patient JACK server waits long for whoever leaves without
        a word.
    """

    def __init__(self, folder, *command, environment, quit=None):
        self._quit = quit
        self.output = folder / f"{Path(command[0]).name}-{time.monotonic_ns()}.txt"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env=environment, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def text(self):
        """What it has said so far."""
        return self.output.read_text(errors="replace")

    def await_text(self, text):
        """Wait until it has said something."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.01)  # Its output is a file.
        return self

    def end(self):
        """End it, and wait until it is gone."""
        if self.process.poll() is None:
            (self._quit or self.process.terminate)()
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def supercollider_environment(folder, base=None):
    """Environment of SuperCollider with all its files in `folder`."""
    home = folder / "supercollider"
    home.mkdir(mode=0o700, exist_ok=True)
    folders = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(home))
    return {**(base or os.environ), **_HEADLESS, **folders}


def sclang(folder, *arguments, environment=None):
    """Start the language with a script."""
    return Program(folder, "sclang", *arguments, environment=supercollider_environment(folder, environment))


def store_definitions(folder):
    """Write the definitions of ``clients/supercollider`` to where scsynth finds them; returns that folder."""
    with sclang(folder, CLIENTS / "supercollider" / "remapd_drum.scd", "store") as run:
        assert run.process.wait(PATIENCE_S) == 0, run.text()
        assert "ERROR" not in run.text(), run.text()
    return folder / "supercollider" / "SuperCollider" / "synthdefs"


def scsynth(server, folder, port):
    """The server of SuperCollider with stored definitions; its sound is at ``SuperCollider:out_1``."""
    environment = supercollider_environment(folder, server.environment)
    command = ["scsynth", "-u", port, "-i", 0, "-o", 2]
    run = Program(folder, *command, environment=environment, quit=lambda: send_udp(port, b"/quit\0\0\0,\0\0\0"))
    return run.await_text("server ready")


def pure_data(server, folder, patch, port):
    """Pure Data with a patch that listens to another port than its own; its sound is at ``pd:output_1``."""
    text = (CLIENTS / "puredata" / patch).read_text()
    assert text.count("netreceive -u -b") == 1
    here = folder / patch
    here.write_text(text.replace("netreceive -u -b 9001", f"netreceive -u -b {port}"))
    options = ["-nogui", "-stderr", "-noprefs", "-nomidi", "-jack", "-nojackconnect", "-jackname", "pd"]
    audio = ["-r", 48000, "-inchannels", 0, "-outchannels", 2, "-audiobuf", 40]
    end_port = free_udp_port()
    (folder / "end.pd").write_text(_PD_END.format(port=end_port))
    command = ["pd", *options, *audio, "-open", folder / "end.pd", "-open", here]
    run = Program(folder, *command, environment=server.environment, quit=lambda: send_udp(end_port, b"end;\n"))
    await_udp(port)
    return run


def fluidsynth(server, folder):
    """FluidSynth, driven and heard over JACK: ``fluid:midi_00`` and ``fluid:left``."""
    font = next((font for font in _SOUND_FONTS if font.exists()), None)
    if font is None:
        pytest.skip("no sound font (apt install timgm6mb-soundfont)")
    settings = {
        "midi.jack.id": "fluid", "audio.jack.id": "fluid", "audio.jack.autoconnect": 0, "synth.sample-rate": 48000,
        "synth.reverb.active": 0, "synth.chorus.active": 0,
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    command = ["fluidsynth", "-m", "jack", "-a", "jack", *options, font]
    # Its shell ends with its input.
    return Program(folder, *command, environment=server.environment, quit=lambda: None)
