"""A control process that plays in the manner of the daemon, as a program of its own that can be killed."""

import json
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import json, sys, threading, time
from pathlib import Path
from remapd.audio.backend import StreamSettings
from remapd.daemon.engine_file import EngineFile
from remapd.daemon.supervisor import Supervisor
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.shared import SharedBlock
from remapd.mapping.library import load_model_named

runtime, stream, orphan_s = Path(sys.argv[1]), StreamSettings.from_dict(json.loads(sys.argv[2])), float(sys.argv[3])
shared = SharedBlock.create()
control = EngineControl(shared)
control.set_up([TrackSetup(load_model_named("velocity"), parameters={"neurality": 2.0})])
file = EngineFile(runtime)
supervisor = Supervisor(file.spec(str(shared.path), stream, orphan_s), lambda line: None, on_start=file.write)
playing = threading.Event()
supervisor.on_report.append(lambda report: playing.set() if "playing" in report else None)
supervisor.start()
playing.wait()
print(json.dumps({"pid": supervisor.engine_pid, "block": str(shared.path)}), flush=True)
order = sys.stdin.readline().strip()
if order == "leave":
    supervisor.leave()
    shared.leave()
else:
    supervisor.stop()
    file.clear()
"""


class ParentProcess:
    """It plays once this is made; ``pid`` is that of its engine, ``block`` the path of the shared block."""

    def __init__(self, runtime: Path, stream, orphan_s: float = 60.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(runtime), json.dumps(stream.as_dict()), str(orphan_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        values = json.loads(self.process.stdout.readline())
        self.pid, self.block = int(values["pid"]), Path(values["block"])

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def say(self, order: str) -> None:
        """Have it leave its engine, or stop, and wait for its end."""
        self.process.communicate(order + "\n")
