"""The folder ``docker``: what can be known of an image, its compose file and the service without a Docker engine."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from remapd.control.settings.config import load_config
from tests.plane import make_plane, with_client

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docker"
#: What the service manager puts in place of its specifiers.
SPECIFIERS = {"%S": "/var/lib", "%E": "/etc", "%t": "/run", "%C": "/var/cache"}


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile, each with the rest of its line."""
    text = re.sub(r"^\s*#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line.strip())]


def variables(text: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", text))


def stages() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, rest in instructions():
        if name == "FROM":
            found[rest.split(" AS ")[1]] = []
        elif found:
            found[list(found)[-1]].append((name, rest))
    return found


def service() -> dict[str, list[str]]:
    """Settings of the section Service, each as often as it occurs."""
    settings: dict[str, list[str]] = {}
    section = (FOLDER / "remapd.service").read_text().partition("[Service]")[2].partition("[Install]")[0]
    for line in section.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            settings.setdefault(name, []).append(value)
    return settings


def test_everything_that_is_copied_is_there_and_reaches_the_build():
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().split()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [rest for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    sources = {source for rest in copied for source in rest.split()[:-1]}
    assert sources == sent
    assert all((ROOT / source).exists() for source in sources)
    assert ignored[1:4] and "*" in ignored  # noqa: PT018


def test_what_runs_is_no_super_user_and_comes_last():
    by_name = stages()
    assert list(by_name)[-2:] == ["train", "run"]
    user = [rest for name, rest in by_name["base"] if name == "USER"]
    assert user == ["${UID}"]
    assert ("ARG", "UID=1000") in by_name["base"]
    for name in ("train", "run"):
        assert [instruction for instruction, _ in by_name[name]] == ["COPY"]


def test_the_settings_of_the_image_are_settings(monkeypatch):
    given = variables(next(rest for name, rest in stages()["base"] if name == "ENV"))
    for name, value in given.items():
        if name.startswith("REMAPD_"):
            monkeypatch.setenv(name, value)
    config = load_config()
    assert (str(config.paths.state), config.log.format) == ("/var/lib/remapd/state", "json")
    exposed = {rest for name, rest in stages()["base"] if name == "EXPOSE"}
    ports = f"{config.http.port}/tcp {config.osc.tcp_port}/tcp {config.osc.udp_port}/udp"
    assert exposed == {ports}


def test_the_health_check_asks_what_there_is(tmp_path):
    check = next(rest for name, rest in stages()["base"] if name == "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    compile(command[2], "health check", "exec")
    place = re.search(r"'(/\w+)'", command[2])
    assert place is not None

    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.get(place[1])).status_code == 200

    with_client(make_plane(tmp_path), act)


def test_the_compose_file_offers_three_ways_and_no_privilege():
    yaml = pytest.importorskip("yaml")
    document = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    services = document["services"]
    assert set(services) == {"alsa", "jack", "pipewire"}
    for name, one in services.items():
        assert one["profiles"] == [name]
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert "privileged" not in one
        assert (FOLDER / one["build"]["context"] / one["build"]["dockerfile"]).resolve() == FOLDER / "Dockerfile"
        assert set(one["build"]["args"]) == {"UID"}
        named = {volume.partition(":")[0] for volume in one["volumes"]} - {"/dev/shm"}
        assert {volume for volume in named if not volume.startswith("$")} == set(document["volumes"])


def test_the_settings_of_the_service_are_settings(monkeypatch):
    for text in service()["Environment"]:
        for specifier, folder in SPECIFIERS.items():
            text = text.replace(specifier, folder)
        for name, value in variables(text).items():
            if name.startswith("REMAPD_"):
                monkeypatch.setenv(name, value)
    config = load_config()
    assert str(config.paths.runtime) == "/run/remapd"
    assert str(config.paths.config) == "/etc/remapd"


def test_the_service_lets_an_engine_outlive_its_control_process():
    settings = service()
    assert settings["Type"] == ["notify"]
    assert settings["KillMode"] == ["process"]
    assert settings["RuntimeDirectoryPreserve"] == ["restart"]
    assert settings["OOMPolicy"] == ["continue"]
    assert float(settings["WatchdogSec"][0].removesuffix("s")) > 0.0
    # Code is compiled on the machine, the audio thread is a real-time one, and memory is shared with the next process.
    assert not {"MemoryDenyWriteExecute", "RestrictRealtime", "RemoveIPC", "PrivateIPC"} & settings.keys()
    assert settings["ProtectSystem"] == ["strict"]
    assert settings["CapabilityBoundingSet"] == [""]


def test_the_service_manager_understands_the_service(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    path = tmp_path / "remapd.service"
    text = (FOLDER / "remapd.service").read_text()
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert "remapd.service" not in done.stderr, done.stderr
    configparser.ConfigParser(strict=False).read(path)


def test_the_linter_finds_nothing():
    if shutil.which("hadolint") is None:
        pytest.skip("no hadolint here")
    done = subprocess.run(["hadolint", str(FOLDER / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
