"""Sinks over REST, with the real service and a host that only pretends to run an engine."""

import asyncio
import io
import json
import time

import mido
import pytest

from remapd.control.sinks import service
from remapd.control.sinks.names import Names, UnknownHostError
from remapd.control.sinks.service import Sinks
from remapd.control.sinks.states import NO_ENGINE, NOT_TOLD
from remapd.sinks.plan_file import read_plan
from tests.demo_events import hit
from tests.plane import make_plane, with_client

FILE = "/api/v1/events.mid"
SINKS, PROFILES = "/api/v1/sinks", "/api/v1/profiles"
OSC = {"kind": "osc", "host": "127.0.0.1", "port": 9100, "form": "parameters"}
MIDI = {"kind": "midi", "port": "TR-8S", "channel": 10}
#: What the name server of these tests knows.
KNOWN = {"desk": "10.0.0.7"}


def find(host):
    try:
        return KNOWN[host]
    except KeyError:
        raise UnknownHostError("nobody knows it") from None


@pytest.fixture
def plane(tmp_path):
    plane = make_plane(tmp_path)
    path = plane.directories.sinks_file
    plane.sinks = Sinks(plane.controller, plane.bulletin, plane.host, plane.events, path, Names(find))
    return plane


async def until(is_true):
    async with asyncio.timeout(10.0):
        while not is_true():
            await asyncio.sleep(0.001)


def planned(plane):
    """Name and address of what the engine was told last."""
    return [(sink["id"], sink.get("resolved")) for sink in read_plan(plane.directories.sinks_file)]


def notices(plane):
    lines = []
    plane.bulletin.subscribe(lambda kind, data: lines.append(data["text"]) if kind == "notice" else None)
    return lines


def test_a_sink_is_made_changed_and_deleted(plane):
    async def act(client):
        made = await client.post(SINKS, json=OSC)
        assert (made.status_code, made.headers["Location"]) == (201, f"{SINKS}/1")
        row = made.json()
        assert row.items() >= {**OSC, "id": "1", "tracks": [], "enabled": True, "origin": "session"}.items()
        assert row["status"] == {"state": "waiting", "fault": NOT_TOLD, "sent": 0, "dropped": 0, "coalesced": 0}
        assert (await client.get(SINKS)).json() == {"sinks": [row]}
        assert (await client.get(f"{SINKS}/1")).json() == row
        brief = {"id": "1", "kind": "osc", "place": "127.0.0.1:9100", "status": row["status"]}
        assert (await client.get(SINKS, params={"brief": True})).json() == {"sinks": [brief]}
        changed = await client.put(f"{SINKS}/1", json={**row, "port": 9200})
        assert changed.json() == {**row, "port": 9200}
        assert (await client.delete(f"{SINKS}/1")).status_code == 204
        for gone in (client.get(f"{SINKS}/1"), client.delete(f"{SINKS}/1"), client.put(f"{SINKS}/1", json=OSC)):
            assert (await gone).status_code == 404

    with_client(plane, act)


def test_the_engine_is_told(plane):
    async def act(client):
        await client.post(SINKS, json=OSC)
        await until(lambda: planned(plane) == [("1", ["127.0.0.1", 9100])])
        await client.post(SINKS, json={**OSC, "host": "desk", "port": 9200})
        await client.post(SINKS, json={**MIDI, "enabled": False})
        await until(lambda: planned(plane)[1:] == [("2", ["10.0.0.7", 9200])])
        assert plane.host.orders[-1] == {"sinks": str(plane.directories.sinks_file)}
        await client.put(SINKS, json={"sinks": []})
        await until(lambda: planned(plane) == [])
        assert plane.directories.sinks_file.stat().st_mode & 0o777 == 0o600

    with_client(plane, act)


def test_all_sinks_are_replaced_by_what_was_read(plane):
    async def act(client):
        await client.post(SINKS, json=OSC)
        await client.post(SINKS, json=MIDI)
        read = await client.get(SINKS)
        table = read.json()
        table["sinks"][1]["note"] = 36
        known = {"If-Match": read.headers["ETag"]}
        written = await client.put(SINKS, json=table, headers=known)
        assert (written.status_code, written.json()) == (200, table)
        for late in (
            client.put(SINKS, json=table, headers=known),
            client.post(SINKS, json=OSC, headers=known),
            client.put(f"{SINKS}/1", json=OSC, headers=known),
            client.delete(f"{SINKS}/1", headers=known),
        ):
            assert (await late).status_code == 412
        assert (await client.get(SINKS)).json() == table

    with_client(plane, act)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "sink.kind"),
        ({**OSC, "kind": "osk"}, "sink.kind"),
        ({**OSC, "prot": 1}, "sink"),
        ({**OSC, "port": 70000}, "sink.port"),
        ({**OSC, "host": "nowhere"}, "sink.host"),
        ({**OSC, "tracks": [0]}, "sink.tracks[0]"),
        ({**MIDI, "note": 128}, "sink.note"),
        ({**MIDI, "controls": [{"source": "unit.osc1.frek", "kind": "cc", "number": 20}]}, "sink.controls[0].source"),
        ({**MIDI, "profile": "no such device"}, "sink.profile"),
        ({**MIDI, "profile": 123}, "sink.profile"),
        ({**MIDI, "profile": {"a": 1}}, "sink.profile"),
        ({**MIDI, "profile": "roland-tr-8s", "instrument": [1]}, "sink.instrument"),
        ({**MIDI, "profile": "roland-tr-8s", "instrument": "no such drum"}, "sink.instrument"),
    ],
)
def test_what_does_not_fit_names_its_field(plane, document, field):
    async def act(client):
        return await client.post(SINKS, json=document), await client.put(SINKS, json={"sinks": [OSC, document]})

    one, several = with_client(plane, act)
    assert (one.status_code, one.json()["field"]) == (422, field)
    assert (several.status_code, several.json()["field"]) == (422, field.replace("sink", "sinks[1]", 1))
    assert one.headers["content-type"] == "application/problem+json"
    assert len(plane.sinks.list) == 0


def test_there_is_room_for_so_many(plane):
    async def act(client):
        assert (await client.put(SINKS, json={"sinks": [OSC] * 32})).status_code == 200
        assert (await client.put(SINKS, json={"sinks": [OSC] * 33})).status_code == 422
        return await client.post(SINKS, json=OSC)

    assert with_client(plane, act).status_code == 413


def test_a_midi_sink_is_made_from_a_profile(plane):
    async def act(client):
        profiles = (await client.get(PROFILES)).json()["profiles"]
        names = [profile["name"] for profile in profiles]
        assert "roland-tr-8s" in names
        whole = (await client.get(f"{PROFILES}/roland-tr-8s")).json()
        assert (await client.get(f"{PROFILES}/roland-tr-8")).status_code == 404
        instrument = whole["instruments"][0]
        given = {
            "kind": "midi",
            "port": "x",
            "profile": "roland-tr-8s",
            "instrument": instrument["name"],
            "note_length_ms": 7,
        }
        made = (await client.post(SINKS, json=given)).json()
        assert made["controls"]
        assert (made["note"], made["note_length_ms"]) == (instrument["note"], 7)
        # The track plays a snare, unless it is said what is to be played.
        suited = await client.post(SINKS, json={"kind": "midi", "profile": "roland-tr-8s"})
        assert suited.json()["instrument"] == "SD"
        # What was made can be changed, and is not made anew.
        thinner = {**made, "controls": made["controls"][:1]}
        assert (await client.put(f"{SINKS}/1", json=thinner)).json()["controls"] == made["controls"][:1]

    with_client(plane, act)


def test_reports_become_states_news_and_figures(plane):
    async def act(client):
        await client.post(SINKS, json=OSC)
        watcher = plane.feed.watch(["sinks"])
        plane.host.report({"sink": {"id": "1", "state": "open", "sent": 12, "dropped": 2, "late_us": {"p50": 41.0}}})
        state = plane.sinks.states
        await until(lambda: state["1"].state == "open")
        status = (await client.get(f"{SINKS}/1")).json()["status"]
        assert status == {
            "state": "open", "fault": "", "sent": 12, "dropped": 2, "coalesced": 0, "late_us": {"p50": 41.0},
        }  # fmt: skip
        assert json.loads(await watcher.outbox.take()) == {"type": "sink", "id": "1", "status": status}
        figures = plane.metrics.text().decode()
        plane.host.report({"ended": 0})
        await until(lambda: state["1"].fault == NO_ENGINE)
        return figures

    from remapd.control.watching.figures import register_figures

    register_figures(plane)
    figures = with_client(plane, act)
    assert 'remapd_sink_sent_total{sink="1"} 12.0' in figures
    assert 'remapd_sink_dropped_total{sink="1"} 2.0' in figures
    assert 'remapd_sink_open{sink="1"} 1.0' in figures


def test_a_fault_is_told_once_and_so_is_its_end(plane):
    lines = notices(plane)

    async def act(client):
        await client.post(SINKS, json=MIDI)
        for state, fault in [("waiting", "no port of that name")] * 2 + [("open", "")] * 2:
            plane.host.report({"sink": {"id": "1", "state": state, "fault": fault}})
        await until(lambda: plane.sinks.states["1"].state == "open")

    with_client(plane, act)
    assert lines == ["sink 1 (MIDI to 'TR-8S'): no port of that name", "sink 1 (MIDI to 'TR-8S'): open"]


def test_a_session_whose_host_is_not_known_waits_for_it(plane, monkeypatch):
    async def act(client):
        session = (await client.get("/api/v1/session")).json()
        session["sinks"] = [{**OSC, "host": "stage"}, OSC]
        assert (await client.put("/api/v1/session", json=session)).status_code == 200
        await until(lambda: "stage" in plane.sinks.states["1"].fault)
        assert plane.sinks.states["1"].document()["state"] == "waiting"
        assert [name for name, _ in planned(plane)] == ["2"]
        # A host that is waited for may be named again.
        assert (await client.put(f"{SINKS}/1", json={**OSC, "host": "stage", "port": 9300})).status_code == 200
        monkeypatch.setitem(KNOWN, "stage", "10.0.0.8")
        await until(lambda: ("1", ["10.0.0.8", 9300]) in planned(plane))
        session["sinks"] = [{**OSC, "port": 0}]
        refused = await client.put("/api/v1/session", json=session)
        assert (refused.status_code, refused.json()["field"]) == (422, "sinks[0].port")
        assert len(plane.sinks.list) == 2

    with_client(plane, act)


def test_a_new_sink_gets_a_moment_before_it_is_tested(plane):
    async def act(client):
        await client.post(SINKS, json=MIDI)
        answer = asyncio.create_task(client.post(f"{SINKS}/1/test"))
        await until(lambda: plane.host.orders)
        plane.host.report({"sink": {"id": "1", "state": "open"}})
        assert (await answer).status_code == 200

    with_client(plane, act)


def test_a_sink_is_tested_and_panic_reaches_all(plane, monkeypatch):
    monkeypatch.setattr(service, "READY_S", 0.05)

    async def act(client):
        await client.post(SINKS, json=MIDI)
        await client.post(SINKS, json={**OSC, "enabled": False})
        early = await client.post(f"{SINKS}/1/test")
        assert (early.status_code, NOT_TOLD in early.json()["detail"]) == (409, True)
        plane.host.report({"sink": {"id": "1", "state": "open"}})
        await until(lambda: plane.sinks.states["1"].state == "open")
        assert (await client.post(f"{SINKS}/1/test")).status_code == 200
        assert plane.host.orders[-1] == {"test_sink": "1"}
        assert (await client.post(f"{SINKS}/2/test")).status_code == 409
        await client.put(f"{SINKS}/2", json=OSC)
        plane.host.report({"sink": {"id": "2", "state": "waiting", "fault": "nobody listens", "sent": 1}})
        await until(lambda: plane.sinks.states["2"].fault == "nobody listens")
        assert (await client.post(f"{SINKS}/2/test")).status_code == 200
        assert (await client.post(f"{SINKS}/3/test")).status_code == 404
        assert (await client.post("/api/v1/tree/panic")).status_code in (200, 204)
        assert plane.host.orders[-1] == {"panic": True}
        plane.host.playing = None
        assert (await client.post(f"{SINKS}/1/test")).status_code == 503

    with_client(plane, act)


def test_a_preset_chooses_the_program(plane):
    async def act(client):
        (preset, *_) = plane.controller.choices("/track/1/preset")
        await client.post(SINKS, json={**MIDI, "programs": {preset: 17}, "program": 3})
        await until(lambda: planned(plane))
        assert read_plan(plane.directories.sinks_file)[0]["program"] == 3
        await plane.controller.change({"/track/1/preset": preset})
        await until(lambda: read_plan(plane.directories.sinks_file)[0]["program"] == 17)

    with_client(plane, act)


def test_recent_hits_are_a_midi_file(plane):
    async def act(client):
        empty = await client.get(FILE)
        assert (empty.status_code, notes_of(empty)) == (200, [])
        for at in (1.0, 1.5, 3.25):
            plane.events._history.append((time.time(), hit(at, onset_ns=round(1e9 * (at + 100.0)))))
        file = await client.get(FILE)
        assert file.headers["content-type"] == "audio/midi"
        assert notes_of(file) == [(0.0, 9, 38), (0.5, 9, 38), (2.25, 9, 38)]
        await client.post(SINKS, json={**MIDI, "channel": 3, "note": 60})
        await client.post(SINKS, json=OSC)
        assert notes_of(await client.get(FILE, params={"sink": "1"}))[0] == (0.0, 2, 60)
        assert notes_of(await client.get(FILE, params={"sink": "1", "track": 2})) == []
        assert (await client.get(FILE, params={"sink": "2"})).status_code == 409
        assert (await client.get(FILE, params={"sink": "3"})).status_code == 404

    with_client(plane, act)


def notes_of(answer):
    """Time, channel and note of each note on of a MIDI file."""
    now_s, found = 0.0, []
    for message in mido.MidiFile(file=io.BytesIO(answer.content)):
        now_s += message.time
        if message.type == "note_on" and message.velocity:
            found.append((round(now_s, 3), message.channel, message.note))
    return found
