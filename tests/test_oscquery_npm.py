"""The server as the npm package `oscquery` sees it; skipped where node or the package is not there (see NODE_PATH)."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.plane import LivePlane, make_plane

SCRIPT = Path(__file__).with_name("oscquery_client.js")
PATIENCE_S = 60.0
NODE = shutil.which("node")


def has_package():
    found = NODE and subprocess.run([NODE, "-e", "require.resolve('oscquery')"], capture_output=True, check=False)
    return bool(found) and found.returncode == 0


pytestmark = pytest.mark.skipif(not has_package(), reason="node has no package oscquery: npm install, and NODE_PATH")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What the client has, and the tree it is of."""
    folder, settings = tmp_path_factory.mktemp("plane"), {"osc": {"udp_port": 0, "tcp_port": 0}}
    values = {"/track/1/model": "velocity", "/track/1/mute": True, "/track/2/model": "clap_808"}
    with LivePlane(lambda: make_plane(folder, values, settings)) as live:
        command = [NODE, str(SCRIPT), "127.0.0.1", str(live.port)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr.decode()
        controller = live.plane.controller
        found = json.loads(done.stdout)
        return {
            "host": found["host"],
            "methods": {method["full_path"]: method for method in found["methods"]},
            "tree": live.call(lambda: controller.tree),
            "values": live.call(controller.values),
            "udp_port": live.plane.osc.udp_port,
        }


def test_it_knows_the_host(seen):
    host = seen["host"]
    assert (host["oscPort"], host["oscTransport"], host["oscIp"]) == (seen["udp_port"], "UDP", "127.0.0.1")
    assert host["name"]
    assert host["extensions"]["LISTEN"] is True
    assert host["extensions"]["PATH_RENAMED"] is False


def test_it_finds_every_control(seen):
    assert set(seen["methods"]) == {"/remapd" + path for path in seen["tree"]}


def test_it_has_values_types_and_ranges(seen):
    types = {"number": "f", "whole": "i", "text": "s", "action": "I"}
    for path, control in seen["tree"].items():
        method = seen["methods"]["/remapd" + path]
        (argument,) = method["arguments"]
        value = seen["values"].get(path)
        assert argument.get("value") == value
        assert argument["type"] == ("TF"[not value] if control.kind == "switch" else types[control.kind])
        assert method["description"] == control.description
        if control.kind in ("number", "whole"):
            assert (argument["range"]["min"], argument["range"]["max"]) == (control.minimum, control.maximum)
            assert argument["clipmode"] == "none"
        if control.choices:
            assert argument["range"]["vals"] == list(control.choices)


def test_it_knows_what_may_be_changed(seen):
    for path, control in seen["tree"].items():
        # The package leaves out an access of 0.
        access = seen["methods"]["/remapd" + path].get("access", 0)
        assert bool(access & 2) == control.osc
        assert bool(access & 1) == (control.kind != "action")
