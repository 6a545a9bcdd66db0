"""The API against its own description: requests that it allows and requests that it does not, on the real server.

What a value means is known to the tree and to the files alone, so a request that fits the description may be refused,
with 412 or 422, but nothing may be answered that the description does not have.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fake_host import FakeHost
from tests.plane import LivePlane, make_plane

#: They start processes, which takes seconds each; `test_http_resources` and `test_http_library` have them.
_SLOW = r"/(models/\{name\}/verify|devices)$"
_SETTINGS = """
request-timeout = 120.0

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "412", "413", "422", "429", "501", "503"]

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "501", "503"]
"""


class AnsweringHost(FakeHost):
    """A host whose engine begins and ends recordings as it is told."""

    def order(self, message: dict[str, Any]) -> None:
        super().order(message)
        if not message.keys() & {"record", "stop_recording"}:
            return
        if "record" in message:
            self._path = message["record"]["path"]
        state = "recording" if "record" in message else "stopped"
        report = {"path": self._path, "seconds": 0.0, "dropped_frames": 0, "state": state, "error": ""}
        self.report({"recording": report})


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(_SETTINGS)
    with LivePlane(lambda: make_plane(tmp_path / "plane", host=AnsweringHost())) as live:
        options = ["--max-examples", "8", "--generation-deterministic", "--exclude-path-regex", _SLOW]
        command = ["-m", "schemathesis.cli", "--config-file", str(settings), "run", f"{live.url}/api/v1/openapi.json"]
        done = subprocess.run(
            [sys.executable, *command, "--checks", "all", "--no-color", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5000:]
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) > 500, done.stdout
