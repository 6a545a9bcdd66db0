"""``python -m remapd.engine_process``: the engine that the first line of standard input describes.

Without a parent, that is once the pipe has closed, the engine fades out and ends, unless the `Spec` gives it time to be
adopted. How it ended is its exit status.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import threading
import time

from remapd.audio import portaudio_library
from remapd.engine_process.messages import Ending, Spec
from remapd.engine_process.parent import Parent
from remapd.engine_process.process import EngineProcess
from remapd.errors import DeviceError, RemapdError

#: Time after which a driver that does not let go is left to the system.
_FORCED_EXIT_S = 0.7


def main() -> None:
    """Run the engine that standard input describes; never returns."""
    faulthandler.enable()
    reports = _take_standard_output()
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which decides what it means.
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    orders = os.fdopen(0, encoding="utf-8", errors="replace", closefd=False)
    spec = Spec.from_json(orders.readline())
    parent = Parent(spec, orders, reports)
    process = EngineProcess(spec, parent.tell, stop)
    threading.Thread(target=_attend, args=(parent, process, stop), daemon=True).start()
    threading.Thread(target=_guard_stop, args=(stop,), daemon=True).start()
    try:
        ending = process.run()
    except RemapdError as error:
        parent.tell(json.dumps({"fault": str(error)}))
        ending = Ending.DEVICE_UNAVAILABLE if isinstance(error, DeviceError) else Ending.REFUSED
    parent.tell(json.dumps({"ending": ending}))
    _leave(ending)


def _attend(parent: Parent, process: EngineProcess, stop: threading.Event) -> None:
    try:
        parent.attend(process.obey, process.news, stop)
    finally:
        stop.set()


def _take_standard_output() -> int:
    """Take standard output for reports alone; what libraries print there goes to standard error."""
    reports = os.dup(1)
    os.dup2(2, 1)
    return reports


def _leave(ending: Ending) -> None:
    """End the process without Python's own goodbyes, which take long."""
    if ending is not Ending.DEVICE_LOST:
        # A server may wait for a client that went without a word; but one that is gone must not be waited for.
        threading.Thread(target=_leave_by_force, args=(ending,), daemon=True).start()
        portaudio_library.unload()
    os._exit(ending)


def _guard_stop(stop: threading.Event) -> None:
    """End the process if it is still compiling when it is told to stop, or if a driver does not let go."""
    stop.wait()
    _leave_by_force(Ending.STOPPED)


def _leave_by_force(ending: Ending) -> None:
    time.sleep(_FORCED_EXIT_S)
    os._exit(ending)


if __name__ == "__main__":
    main()
