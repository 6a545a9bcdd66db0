"""Every line of `clients/curl.md`, run in its order by curl against a real service."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from remapd.control.sinks.states import NOT_TOLD
from tests.live_run import PATIENCE_S
from tests.models import SHIPPED
from tests.service_run import ServiceRun, drum_loop
from tests.training_takes import take, write

TEXT = (Path(__file__).parents[1] / "clients" / "curl.md").read_text()
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"(curl .*\S) +# (\d{3})")
#: What a terminal shows goes to a file for each call, and the status is what is printed.
SHELL = """
number=0
curl() {
  local shown=(--output "shown-$((number++))")
  case " $* " in *" -o "*) shown=() ;; esac
  command curl --silent --show-error --max-time 60 "${shown[@]}" --write-out '%{http_code}\\n' "$@"
}
"""

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")


def lines():
    return [line for block in BLOCK.findall(TEXT) for line in block.splitlines()]


def test_every_line_is_a_call_with_its_status():
    assert len(lines()) > 40
    assert [line for line in lines() if not LINE.fullmatch(line)] == []


def test_every_line_answers_as_it_says(tmp_path):
    home = tmp_path / "home"
    token = home / ".local" / "state" / "remapd" / "token"
    token.parent.mkdir(parents=True)
    token.write_text("it asks for none")
    shutil.copy(SHIPPED / "snare_2.safetensors", home / "mine.safetensors")
    write(home / "take.wav", take())
    options = ("--backend", "virtual", "--input-file", drum_loop(tmp_path), "--loop")
    quiet = {"REMAPD_DISCOVERY__ENABLED": "false", "REMAPD_MIDI__ENABLED": "false"}
    with ServiceRun(tmp_path / "service", *options, environment=quiet) as service:
        service.await_status(lambda status: status["state"] == "playing")
        # The sender is compiled with the first sink of all, which may take longer than a call.
        warm = service.remapd.sinks.add({"kind": "osc", "port": 9})["id"]
        service.await_status(lambda status: service.remapd.sinks.get(warm)["status"]["fault"] != NOT_TOLD)
        service.remapd.sinks.delete(warm)
        place = service.url.removeprefix("http://")
        calls, statuses = zip(*(LINE.fullmatch(line).groups() for line in lines()), strict=True)
        script = SHELL + "\n".join(calls).replace("localhost:8808", place)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        done = subprocess.run(
            ["bash", "-c", script], cwd=home, env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
    found = done.stdout.splitlines()
    assert (len(found), done.stderr) == (len(calls), "")
    wrong = [(i, calls[i], found[i]) for i in range(len(calls)) if found[i] != statuses[i]]
    assert wrong == [], [(home / f"shown-{i}").read_text() for i, *_ in wrong]
