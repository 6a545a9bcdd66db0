"""MIDI over REST, with the real service and a reader that only pretends to read."""

import asyncio

import pytest

from remapd.control.midi.service import MidiInput
from tests.midi_wire import FakeReader
from tests.plane import make_plane, with_client

GAIN = "/track/1/gain_db"
MAPPINGS, LEARN, PORTS = "/api/v1/midi/mappings", "/api/v1/midi/learn", "/api/v1/midi/ports"
KNOB = {"path": GAIN, "source": {"kind": "cc", "number": 70}}


@pytest.fixture
def plane(tmp_path):
    plane = make_plane(tmp_path)
    plane.midi = MidiInput(plane.controller, plane.bulletin, ports=["desk"], make_reader=FakeReader)
    return plane


def reader(plane):
    return plane.midi._reader


def test_ports(plane):
    async def act(client):
        reader(plane).ports("remapd", "desk:1", available=["desk:1", "x"])
        plane.host.report({"midi_out": {"interface": "JACK", "outputs": ["TR-8S:1"], "fault": ""}})
        await asyncio.sleep(0)
        return (await client.get(PORTS)).json()

    ports = with_client(plane, act)
    assert ports == {
        "enabled": True, "interface": "JACK", "virtual": "remapd", "wanted": ["desk"], "available": ["desk:1", "x"],
        "open": ["remapd", "desk:1"], "faults": {}, "fault": "",
        "counts": {"messages": 0, "ignored": 0, "changes": 0, "refused": 0, "overflows": 0}, "outputs": ["TR-8S:1"],
    }  # fmt: skip


def test_a_mapping_is_made_works_and_goes(plane):
    async def act(client):
        made = await client.post(MAPPINGS, json={**KNOB, "maximum": 0})
        assert made.status_code == 201
        assert made.json() == {
            "id": "1", "path": GAIN,
            "source": {"kind": "cc", "number": 70, "channel": 0, "port": "", "bank": None},
            "minimum": None, "maximum": 0.0, "invert": False, "curve": "", "pick_up": False, "press": "momentary",
            "names": [], "active": True,
        }  # fmt: skip
        reader(plane).send((0xB0, 70, 0))
        assert plane.controller.value(GAIN) == plane.controller.tree[GAIN].minimum
        assert (await client.get(MAPPINGS)).json() == {"mappings": [made.json()]}
        assert (await client.delete(f"{MAPPINGS}/1")).status_code == 204
        assert (await client.delete(f"{MAPPINGS}/1")).status_code == 404
        assert (await client.get(MAPPINGS)).json() == {"mappings": []}

    with_client(plane, act)


def test_all_mappings_are_replaced_by_what_was_read(plane):
    async def act(client):
        await client.post(MAPPINGS, json=KNOB)
        await client.post(MAPPINGS, json={"path": "/panic", "source": {"kind": "note", "number": 3}})
        read = await client.get(MAPPINGS)
        table = read.json()
        table["mappings"][0]["invert"] = True
        written = await client.put(MAPPINGS, json=table, headers={"If-Match": read.headers["ETag"]})
        assert written.status_code == 200
        assert written.json() == table
        return await client.put(MAPPINGS, json=table, headers={"If-Match": read.headers["ETag"]})

    assert with_client(plane, act).status_code == 412


def test_nobody_overwrites_what_another_changed(plane):
    async def act(client):
        tag = (await client.get(MAPPINGS)).headers["ETag"]
        assert (await client.get(MAPPINGS, headers={"If-None-Match": tag})).status_code == 304
        known = {"If-Match": tag}
        assert (await client.post(MAPPINGS, json=KNOB, headers=known)).status_code == 201
        assert (await client.post(MAPPINGS, json=KNOB, headers=known)).status_code == 412
        assert (await client.delete(f"{MAPPINGS}/1", headers=known)).status_code == 412
        assert (await client.get(MAPPINGS, headers={"If-None-Match": tag})).status_code == 200

    with_client(plane, act)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({**KNOB, "path": "/track/1/gain"}, "/track/1/gain"),
        ({**KNOB, "path": "/device/block_size"}, "mapping.path"),
        ({**KNOB, "minimum": -1000}, "mapping.minimum"),
        ({**KNOB, "maximun": 1}, "maximun"),
        ({"path": GAIN, "source": {"kind": "cc", "number": 120}}, "mapping.source.number"),
        ({"path": GAIN}, "source"),
    ],
)
def test_what_does_not_fit_names_its_field(plane, document, field):
    async def act(client):
        return await client.post(MAPPINGS, json=document)

    answer = with_client(plane, act)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(plane.midi.mappings) == 0


def test_a_knob_is_learnt(plane):
    async def act(client):
        assert (await client.get(LEARN)).json()["waiting"] is False
        begun = await client.post(LEARN, json={"path": GAIN, "maximum": 0, "timeout_s": 5})
        assert (begun.status_code, begun.json()["path"]) == (200, GAIN)
        assert 0 < begun.json()["remaining_s"] <= 5
        reader(plane).send((0xB0, 70, 5))
        assert (await client.get(LEARN)).json()["waiting"] is False
        return (await client.get(MAPPINGS)).json()["mappings"]

    (mapping,) = with_client(plane, act)
    assert (mapping["path"], mapping["source"]["number"], mapping["maximum"]) == (GAIN, 70, 0.0)


def test_learning_is_given_up(plane):
    async def act(client):
        await client.post(LEARN, json={"path": GAIN})
        assert (await client.delete(LEARN)).json() == {"waiting": False, "path": None, "remaining_s": 0.0}
        assert (await client.delete(LEARN)).status_code == 200
        reader(plane).send((0xB0, 70, 5))
        await asyncio.sleep(0)
        assert (await client.post(LEARN, json={"path": "/device/input"})).status_code == 422
        assert (await client.post(LEARN, json={"path": GAIN, "timeout_s": 0})).status_code == 422

    with_client(plane, act)
    assert len(plane.midi.mappings) == 0


def test_more_mappings_than_there_is_room_for(plane):
    async def act(client):
        many = await client.put(MAPPINGS, json={"mappings": [KNOB] * 512})
        assert many.status_code == 200
        return await client.post(MAPPINGS, json=KNOB)

    assert with_client(plane, act).status_code == 413
