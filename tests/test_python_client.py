"""The client library in `clients/python` against a real service."""

from __future__ import annotations

import http.server
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from remapd_client import (
    Changes,
    ClientError,
    Gap,
    Hit,
    HitFields,
    HitReceiver,
    Meters,
    Problem,
    Refused,
    Rejected,
    Remapd,
    Unreachable,
    cli,
)
from remapd_client.messages import News, message_from
from remapd_client.osc import messages_of

from remapd.features.descriptors import FEATURES
from remapd.synth.registry import get_synth
from tests.live_run import PATIENCE_S
from tests.models import SHIPPED
from tests.service_run import ServiceRun, drum_loop
from tests.training_takes import take, write

CLIENT = Path(__file__).parents[1] / "clients" / "python"
QUIET = {"REMAPD_DISCOVERY__ENABLED": "false", "REMAPD_MIDI__ENABLED": "false", "REMAPD_HTTP__REQUIRE_TOKEN": "true"}
PAN, GAIN, HOLD = "/track/1/pan", "/track/1/gain_db", "/track/1/onset/hold_ms"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    options = ("--backend", "virtual", "--input-file", drum_loop(folder), "--loop")
    with ServiceRun(folder, *options, environment=QUIET) as run:
        run.folder, run.token = folder, (folder / "state" / "token").read_text().strip()
        run.http.headers["authorization"] = f"Bearer {run.token}"
        run.await_status(lambda status: status["state"] == "playing")
        yield run


@pytest.fixture(scope="module")
def remapd(service):
    with Remapd(service.url, token=service.token) as client:
        yield client


@pytest.fixture
def command(service, capsys):
    """Calls the command line, with the token from a file; returns exit status, and what it wrote and complained of."""
    place = ("--url", service.url, "--token-file", str(service.folder / "state" / "token"))

    def call(*arguments):
        status = cli.main([*place, *arguments])
        written = capsys.readouterr()
        return status, written.out, written.err

    return call


def awaited(events, is_wanted):
    """Read on until something fits."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_wanted(message := events.next(deadline_s - time.monotonic())):
        assert time.monotonic() < deadline_s
    return message


def test_status_and_tree(remapd):
    assert remapd.status()["tracks"][0]["model"] == "snare_1"
    assert remapd.set(PAN, 0.25) == {PAN: 0.25}
    assert remapd.get(PAN) == 0.25
    assert remapd.tree.values("/track/1")[PAN] == 0.25
    assert remapd.tree.values(PAN) == {PAN: 0.25}
    (control,) = remapd.describe(HOLD)
    assert (control["unit"], control["kind"]) == ("ms", "number")
    assert remapd.set_many({GAIN: -6, "/track/1/mute": True}) == {GAIN: -6.0, "/track/1/mute": True}
    remapd.set("/track/1/mute", False)
    remapd.panic()


def test_what_does_not_fit_is_told_by_field_and_nothing_is_changed(remapd):
    remapd.set(PAN, 0.0)
    with pytest.raises(Problem, match="expected a number from -60 to 12 dB, got 99") as caught:
        remapd.set_many({PAN: 0.5, GAIN: 99.0})
    assert (caught.value.status, caught.value.field, caught.value.got) == (422, GAIN, "99.0")
    assert remapd.get(PAN) == 0.0
    with pytest.raises(Problem, match="did you mean /track/1/pan"):
        remapd.get("/track/1/pann")
    with pytest.raises(ClientError, match="see values"):
        remapd.get("/track/1")
    with pytest.raises(ClientError, match="see trigger"):
        remapd.get("/panic")


def test_a_change_of_an_old_tree_is_refused(remapd):
    revision = remapd.tree.revision()
    remapd.set_many({PAN: -0.5}, revision=revision)
    with pytest.raises(Problem) as caught:
        remapd.set_many({PAN: 0.5}, revision=revision)
    assert caught.value.status == 412
    assert remapd.get(PAN) == -0.5


def test_the_token_is_asked_for(service):
    with Remapd(service.url) as stranger:
        with pytest.raises(Problem, match="a token is needed") as caught:
            stranger.status()
        assert caught.value.status == 401
        with pytest.raises(Problem, match="a token is needed"):
            stranger.events()


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound, and nobody listens.
        with Remapd(f"http://127.0.0.1:{taken.getsockname()[1]}") as remapd:
            with pytest.raises(Unreachable, match="does not answer"):
                remapd.status()
            with pytest.raises(Unreachable, match="does not answer"):
                remapd.events()
    with pytest.raises(ClientError, match="expected http"):
        Remapd("localhost:8808")


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server that is no remapd."""

    def do_GET(self):
        content = b"<p>welcome"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def test_another_server_is_no_remapd():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Remapd(f"http://127.0.0.1:{server.server_port}") as remapd:
            with pytest.raises(ClientError, match="is no remapd"):
                remapd.status()
            with pytest.raises(ClientError):
                remapd.events()
        server.shutdown()


def test_models_presets_sessions_and_tracks(remapd):
    assert remapd.models.get("snare_2")["synth"]["name"] == "snare808"
    content = (SHIPPED / "snare_2.safetensors").read_bytes()
    assert remapd.models.put("a b+c", content)["format"] > 0
    assert remapd.models.file("a b+c") == content
    assert "a b+c" in [row["name"] for row in remapd.models.list()]
    remapd.models.delete("a b+c")
    assert remapd.models.activate("velocity", track=1)["/track/1/model"] == "velocity"
    remapd.presets.save("mine", track=1)
    assert remapd.presets.rename("mine", "yours")["name"] == "yours"
    assert remapd.sessions.save("evening")["name"] == "evening"
    added = remapd.tracks.add("kick_long", values={"pan": -1.0})
    assert (added["number"], remapd.get("/track/2/pan")) == (2, -1.0)
    assert remapd.hit_fields(2).parameters == get_synth("kick808").table.names
    remapd.tracks.remove(2)
    assert remapd.sessions.load("evening")["/track/1/model"] == "velocity"
    assert [row["name"] for row in remapd.sessions.list()] == ["evening"]
    with pytest.raises(Problem, match="expected the name of a model"):
        remapd.models.activate("nothing")


def test_recordings_and_jobs(remapd, tmp_path):
    content = write(tmp_path / "take.wav", take()).read_bytes()
    assert remapd.recordings.put("take", content)["name"] == "take"
    assert remapd.recordings.file("take") == content
    assert remapd.recordings.rename("take", "other")["name"] == "other"
    remapd.recordings.delete("other")
    assert (remapd.recordings.list(), remapd.recordings.state()["state"]) == ([], "idle")
    assert remapd.jobs.list() == []
    with pytest.raises(Problem) as caught:
        remapd.jobs.submit(["nothing"])
    assert caught.value.status in (404, 501)  # Without torch it says so first.


def test_hits_and_other_news_are_typed(remapd):
    with remapd.events(("hits", "meters", "changes"), rate_hz=30.0) as events:
        assert events.client
        remapd.set(GAIN, -3.5)
        awaited(events, lambda message: isinstance(message, Changes) and message.values == {GAIN: -3.5})
        assert len(awaited(events, lambda message: isinstance(message, Meters)).track_db) == 1
        hit = awaited(events, lambda message: isinstance(message, Hit))
    assert (hit.track, tuple(hit.features), len(hit.scaled)) == (1, FEATURES.names, len(FEATURES))
    assert tuple(hit.values) == tuple(hit.modulation) == get_synth(hit.synth).table.names
    assert hit.trigger_s > hit.onset_s
    assert hit.latency_ms["window"] > 0.0


def test_a_topic_that_there_is_not_is_refused(remapd):
    with pytest.raises(Refused, match="only hits"):
        remapd.events(("hats",))


class Doorman:
    """A port before the service whose connections can be cut."""

    def __init__(self, url):
        self._to = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            other = socket.create_connection(self._to)
            self._pairs.append((one, other))
            for pair in ((one, other), (other, one)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    def cut(self):
        for pair in self._pairs:
            for end in pair:
                end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)  # Closed alone it would take one more.
        self._listener.close()
        self.cut()


def read_on(events, timeout_s):
    while True:
        events.next(timeout_s)


def test_events_go_on_after_the_connection_broke_and_tell_of_the_gap(service):
    doorman = Doorman(service.url)
    with Remapd(f"http://127.0.0.1:{doorman.port}", token=service.token) as remapd, remapd.events() as events:
        assert isinstance(events.next(PATIENCE_S), Hit)
        doorman.cut()
        gap = awaited(events, lambda message: isinstance(message, Gap))
        assert (gap.of, gap.lost) == ("connection", None)
        assert gap.away_s < PATIENCE_S
        assert isinstance(events.next(PATIENCE_S), Hit)
        doorman.close()
        with pytest.raises(TimeoutError):
            read_on(events, 0.2)


def test_without_reconnection_the_iteration_ends(service):
    doorman = Doorman(service.url)
    with (
        Remapd(f"http://127.0.0.1:{doorman.port}", token=service.token) as remapd,
        remapd.events(reconnects=False) as events,
    ):
        doorman.cut()
        assert all(isinstance(message, Hit) for message in events)
        with pytest.raises(Unreachable):
            events.next()
    doorman.close()


def test_messages_of_other_versions():
    newer = {"type": "gap", "of": "hits", "lost": 3, "why": "slow"}
    assert message_from(newer) == Gap("hits", 3)
    older = {"type": "rejected", "track": 1}
    assert message_from(older) == News("rejected", older)
    assert message_from({"type": "rejected", "track": 1, "time_s": 2.0, "reason": "masked"}).reason == "masked"
    assert isinstance(message_from({"type": "rejected", "track": 1, "time_s": 2.0, "reason": "weak"}), Rejected)
    assert message_from({}) == News("", {})


def test_osc_sets_asks_and_follows(remapd):
    with remapd.osc() as osc:
        osc.set(PAN, 0.75)
        assert osc.get(PAN) == 0.75
        osc.set_many({PAN: -0.25, "/track/1/solo": True})
        assert (osc.get(PAN), osc.get("/track/1/solo")) == (-0.25, True)
        osc.set("/track/*/solo", False)
        assert osc.get("/track/1/solo") is False
        osc.trigger("/panic")
        assert osc.snapshot().keys() == remapd.tree.values().keys()
        remapd.set(HOLD, 21.0)
        while HOLD not in (changes := osc.changes(PATIENCE_S)):
            pass
        assert changes[HOLD] == 21.0
        with pytest.raises(Refused, match="did you mean") as caught:
            osc.get("/track/1/pann", PATIENCE_S)
        assert caught.value.field == "/track/1/pann"


def message(address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build()


def vector(number, count, address="/remapd/1/hit"):
    return message(address, number, 0.5, *(float(index) for index in range(count)))


def bundle(content):
    builder = OscBundleBuilder(IMMEDIATELY)
    builder.add_content(content)
    return builder.build().dgram


def test_hits_over_osc_have_names():
    asked = []
    fields = HitFields(("loudness", "centroid"), ("osc1.freq",))

    def ask(track):
        asked.append(track)
        return fields

    with HitReceiver(ask) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", receiver.port))
        for packet in (
            b"",
            b"no packet",
            b"#bundle\0" * 400,
            struct.pack(">8sQi", b"#bundle\0", 1, -4),
            vector(1, 2).dgram,  # Of another synth.
            message("/remapd/1/hit", "text").dgram,
            message("/remapd/track/1/pan", 0.5).dgram,
            vector(2, 3).dgram,
            bundle(vector(5, 3)),
            vector(6, 3, "/remapd/2/hit").dgram,
        ):
            sender.send(packet)
        first, second, third = (receiver.next(PATIENCE_S) for _ in range(3))
    assert (first.track, first.number, first.velocity, first.missed) == (1, 2, 0.5, 0)
    assert (first.scaled, first.values) == ({"loudness": 0.0, "centroid": 1.0}, {"osc1.freq": 2.0})
    assert (second.number, second.missed) == (5, 2)
    assert (third.track, third.missed) == (2, 0)
    assert asked == [1, 2]


def test_hits_are_sent_here_over_osc_and_the_sink_goes_again(remapd):
    remapd.models.activate("snare_1", track=1)
    with remapd.osc_hits(tracks=(1,)) as hits:
        (sink,) = remapd.sinks.list()
        assert (sink["kind"], sink["form"], sink["tracks"]) == ("osc", "vector", [1])
        assert remapd.sinks.get(sink["id"])["port"] == hits.port
        found = [hits.next(PATIENCE_S) for _ in range(3)]
        remapd.sinks.test(sink["id"])
        found.append(hits.next(PATIENCE_S))
    assert remapd.sinks.list() == []
    assert [hit.number for hit in found] == list(range(1, len(found) + 1))
    for hit in found:
        assert (hit.track, hit.missed) == (1, 0)
        assert 0.0 <= hit.velocity <= 1.0
        assert tuple(hit.scaled) == tuple(name.rpartition("_")[0] for name in FEATURES.names)
        assert tuple(hit.values) == get_synth("snare808").table.names


def test_sinks_are_replaced_and_refused_by_field(remapd):
    osc = {"kind": "osc", "host": "127.0.0.1", "port": 9}
    made = remapd.sinks.replace([{**osc, "id": "one"}, {**osc, "id": "two", "port": 10}])
    assert [sink["id"] for sink in made] == ["one", "two"]
    assert remapd.sinks.put("two", {**osc, "port": 11})["port"] == 11
    with pytest.raises(Problem) as caught:
        remapd.sinks.add({**osc, "port": 99999})
    assert (caught.value.status, caught.value.field) == (422, "sink.port")
    assert remapd.sinks.replace([]) == []
    names = [profile["name"] for profile in remapd.profiles.list()]
    assert remapd.profiles.get(names[0])["name"] == names[0]


@pytest.mark.parametrize("data", [b"", b"/", b"#bundle\0", b"\xff" * 12])
def test_what_is_no_packet_has_no_messages(data):
    assert messages_of(data) == []


def test_the_command_line(command):
    assert "track 1" in command("status")[1]
    assert command("set", f"{PAN}=0.125", "/track/1/adaptive=false") == (0, f"{PAN} 0.125\n", "")
    assert command("get", PAN)[1] == f"{PAN} 0.125\n"
    assert json.loads(command("--json", "describe", PAN)[1])[0]["maximum"] == 1.0
    assert any(line.startswith("snare_1 ") for line in command("list", "models")[1].splitlines())
    assert command("do", "/panic") == (0, "", "")
    watched = command("--json", "watch", "--topics", "hits", "--count", "2")[1].splitlines()
    assert [json.loads(line)["track"] for line in watched] == [1, 1]
    assert json.loads(command("hits", "--count", "1")[1])["number"] == 1


def test_the_command_is_a_module_too(service):
    place = ("--url", service.url, "--token-file", str(service.folder / "state" / "token"))
    line = [sys.executable, "-m", "remapd_client", *place, "get", PAN]
    done = subprocess.run(line, cwd=CLIENT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, PAN, "")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("set", "/track/1/pann=1"), "did you mean"), (("set", PAN), "PATH=VALUE"), (("do", PAN), "no action")],
)
def test_what_the_command_line_refuses(command, service, arguments, text):
    status, out, err = command(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith("remapd-client: ")
    assert text in err
    assert service.token not in err


def test_a_token_file_that_is_not_there(capsys, tmp_path):
    assert cli.main(["--token-file", str(tmp_path / "none"), "status"]) == 1
    assert "--token-file" in capsys.readouterr().err
