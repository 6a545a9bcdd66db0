"""The list of sinks, what the daemon begins with, how sinks fare, and names that are looked up."""

import asyncio
import threading

import pytest

from remapd.control.sinks.flags import flag_sinks
from remapd.control.sinks.limits import MAX_SINKS
from remapd.control.sinks.names import MAX_LOOKUPS, Names, UnknownHostError, lookup
from remapd.control.sinks.profiled import with_profile
from remapd.control.sinks.sink_list import SinkList
from remapd.control.sinks.starting import config_sinks, starting_sinks
from remapd.control.sinks.states import NO_ENGINE, NOT_TOLD, SinkStates
from remapd.errors import BusyError, FieldError, NotFoundError, TooLargeError

OSC = {"kind": "osc", "host": "127.0.0.1", "port": 9100}
MIDI = {"kind": "midi", "port": "TR-8S"}


@pytest.fixture
def changes():
    return []


@pytest.fixture
def sinks(changes):
    return SinkList(lambda: changes.append(None))


def names_of(sinks):
    return [entry.sink.id for entry in sinks]


def add(sinks, document, **options):
    return sinks.add(sinks.parse(document), **options)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_each_sink_has_a_name_of_its_own(sinks, changes):
    add(sinks, OSC)
    add(sinks, {**MIDI, "id": "drum"})
    add(sinks, OSC)
    assert names_of(sinks) == ["1", "drum", "2"]
    with pytest.raises(FieldError, match="no other sink"):
        add(sinks, {**OSC, "id": "drum"})
    assert len(changes) == 3
    sinks.remove("1")
    add(sinks, OSC)
    assert names_of(sinks) == ["drum", "2", "1"]
    with pytest.raises(NotFoundError):
        sinks.remove("3")


def test_a_name_that_was_taken_meanwhile_is_replaced(sinks):
    first, second = sinks.parse(OSC), sinks.parse(MIDI)
    sinks.add(first, renames=True)
    sinks.add(second, renames=True)
    assert names_of(sinks) == ["1", "2"]


def test_there_is_room_for_so_many(sinks):
    for _ in range(MAX_SINKS):
        add(sinks, OSC)
    with pytest.raises(TooLargeError):
        add(sinks, OSC)
    with pytest.raises(FieldError, match="at most"):
        sinks.parse_all([OSC] * (MAX_SINKS + 1))


def test_all_together_are_not_too_long(sinks):
    argument = {"source": "velocity", "scale": 0.123456, "offset": 0.25, "type": "float"}
    large = {"kind": "osc", "form": "custom", "messages": [{"address": "/hit", "arguments": [argument] * 64}] * 20}
    parsed = [sinks.parse({**large, "id": str(number)}) for number in range(14)]
    with pytest.raises(TooLargeError, match="KiB"):
        sinks.replace(parsed)
    sinks.replace(parsed[:2])
    assert len(sinks) == 2


def test_a_sink_is_changed_in_its_place(sinks):
    add(sinks, OSC)
    add(sinks, MIDI)
    sinks.change(sinks.parse({**OSC, "port": 9200}, identity="1"))
    assert [entry.sink.document()["port"] for entry in sinks] == [9200, "TR-8S"]
    with pytest.raises(FieldError, match="as in the path"):
        sinks.parse({**OSC, "id": "2"}, identity="1")
    with pytest.raises(NotFoundError):
        sinks.change(sinks.parse({**OSC, "id": "7"}))


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "sink"),
        ({}, "sink.kind"),
        ({"kind": "dmx"}, "sink.kind"),
        ({**OSC, "port": 0}, "sink.port"),
        ({**OSC, "port": "9000"}, "sink.port"),
        ({**OSC, "host": ""}, "sink.host"),
        ({**OSC, "id": "../x"}, "sink.id"),
        ({**OSC, "id": []}, "sink.id"),
        ({**MIDI, "channel": 17}, "sink.channel"),
        ({**MIDI, "controls": [{"source": "unit.nothing", "kind": "cc", "number": 1}]}, "sink.controls[0].source"),
    ],
)
def test_what_does_not_fit_names_its_field(sinks, document, field):
    with pytest.raises(FieldError) as refusal:
        sinks.parse(document)
    assert refusal.value.field == field


def test_what_was_read_can_be_sent_back(sinks):
    add(sinks, OSC)
    add(sinks, MIDI)
    rows = [{**entry.document(), "status": {"state": "open"}} for entry in sinks]
    before = sinks.document()
    sinks.replace(sinks.parse_all(rows))
    assert sinks.document() == before


def test_all_or_nothing(sinks):
    add(sinks, OSC)
    with pytest.raises(FieldError) as refusal:
        sinks.parse_all([MIDI, {**OSC, "port": -1}])
    assert refusal.value.field == "sinks[1].port"
    with pytest.raises(FieldError):
        sinks.replace([sinks.parse({**OSC, "id": "a"})] * 2)
    assert names_of(sinks) == ["1"]


# -- sessions, config and options --------------------------------------------------------------------------------------


def test_a_session_brings_its_sinks_and_leaves_those_of_options(sinks):
    add(sinks, OSC)
    saved = sinks.document()
    sinks.fix(flag_sinks(["127.0.0.1:57110=supercollider"], []))
    assert sinks.document() == saved
    sinks.restore([{**MIDI, "id": "osc-out-1"}, {**MIDI, "id": "hall"}])
    assert [(e.sink.id, e.origin) for e in sinks] == [("osc-out-1", "flag"), ("hall", "session")]
    sinks.restore(saved)
    assert names_of(sinks) == ["osc-out-1", "1"]
    with pytest.raises(FieldError) as refusal:
        sinks.restore([{**OSC, "port": None}])
    assert refusal.value.field == "sinks[0].port"
    assert names_of(sinks) == ["osc-out-1", "1"]


def test_the_config_holds_after_an_ordinary_end_and_the_session_after_a_crash():
    config = config_sinks([OSC])
    saved = [{**config[0], "port": 9300, "origin": "config"}, {**MIDI, "id": "1"}]

    def begun(resumes, config=config):
        found, notes = starting_sinks(config, saved, resumes)
        assert notes == []
        return [(sink["id"], sink["port"], sink["origin"]) for sink in found]

    assert begun(False) == [("config-1", 9100, "config"), ("1", "TR-8S", "session")]
    assert begun(True) == [("config-1", 9300, "config"), ("1", "TR-8S", "session")]
    assert begun(True, config=config_sinks([OSC, OSC]))[-1] == ("config-2", 9100, "config")
    assert begun(False, config=[]) == [("1", "TR-8S", "session")]
    assert starting_sinks(config, None, True)[0] == [{**config[0], "origin": "config"}]


def test_the_instrument_of_a_profile_suits_what_the_first_of_the_tracks_plays():
    config = config_sinks([{**MIDI, "profile": "roland-tr-8s"}, {**MIDI, "profile": "roland-tr-8s", "tracks": [3, 2]}])
    begun, _ = starting_sinks(config, None, False, {1: "snare808", 2: "kick808"})
    assert [sink["instrument"] for sink in begun] == ["SD", "BD"]
    assert all(sink["controls"] for sink in begun)
    (option,) = flag_sinks([], ["x=roland-tr-8s"])
    full = with_profile(option, "sink", {1: "snare808"})
    assert (full["instrument"], full["note"]) == ("SD", begun[0]["note"])


@pytest.mark.parametrize("saved", [7, "x", [7], [{**OSC, "port": 0}], [{**OSC, "origin": "moon"}], [OSC] * 33])
def test_damage_of_a_session_is_told_and_costs_that_sink_alone(saved):
    listed = [*saved, {**MIDI, "id": "good"}] if isinstance(saved, list) else saved
    sinks, notes = starting_sinks(config_sinks([OSC]), listed, True)
    assert len(notes) == 1
    assert [sink["id"] for sink in sinks] in (["good", "config-1"], ["config-1"])


def test_sinks_of_the_config_are_checked():
    for given, field in (
        (7, "sinks"),
        ([7], "sinks.1"),
        ([OSC, {**OSC, "prt": 1}], "sinks.2"),
        ([{**OSC, "id": "a"}, {**OSC, "id": "a"}], "sinks.2.id"),
        ([{**OSC, "port": 99999}], "sinks.1.port"),
    ):
        with pytest.raises(FieldError) as refusal:
            config_sinks(given)
        assert refusal.value.field == field


def test_options_are_sinks():
    sinks = flag_sinks(["localhost:9000", "[::1]:9001=parameters"], ["", "Circuit"])
    assert [sink["id"] for sink in sinks] == ["osc-out-1", "osc-out-2", "midi-out-1", "midi-out-2"]
    assert [(sink["host"], sink["port"], sink["form"]) for sink in sinks[:2]] == [
        ("localhost", 9000, "vector"), ("::1", 9001, "parameters"),
    ]  # fmt: skip
    assert [sink["port"] for sink in sinks[2:]] == ["", "Circuit"]
    numbers = {control["number"] for control in sinks[2]["controls"]}
    assert numbers == set(range(102, 102 + len(numbers)))


@pytest.mark.parametrize(
    "text", ["", "localhost", ":9000", "localhost:", "localhost:x", "localhost:70000", "h:1=vectr"]
)
def test_an_option_that_is_no_receiver_is_refused(text):
    with pytest.raises(FieldError) as refusal:
        flag_sinks([text], [])
    assert refusal.value.field.startswith("--osc-out")


def test_an_option_with_an_empty_profile_is_refused():
    with pytest.raises(FieldError, match="--midi-out"):
        flag_sinks([], ["TR-8S="])


# -- how they fare -----------------------------------------------------------------------------------------------------


def test_states_follow_the_reports():
    told = []
    states = SinkStates(lambda name, former, now: told.append((name, former.state, now.state, now.fault)))
    states.keep({"1": True, "2": False})
    states.report({"id": "1", "state": "open", "fault": "", "sent": 3, "late_us": {"p50": 40.0}})
    states.report({"id": "2", "state": "open"})
    states.report({"id": "3", "state": "open"})
    states.report({"id": "1", "state": "on fire"})
    assert states["1"].document() == {
        "state": "open", "fault": "", "sent": 3, "dropped": 0, "coalesced": 0, "late_us": {"p50": 40.0},
    }  # fmt: skip
    states.wait_all(NO_ENGINE)
    states.wait_all(NO_ENGINE)
    states.keep({"2": True})
    assert told == [
        ("2", "waiting", "off", ""), ("1", "waiting", "open", ""), ("1", "open", "waiting", NO_ENGINE),
        ("2", "off", "waiting", NOT_TOLD),
    ]  # fmt: skip


# -- names of hosts ----------------------------------------------------------------------------------------------------


def found(name, names):
    return asyncio.run(names.address(name))


def test_an_address_needs_no_lookup():
    def never(host):
        raise AssertionError(host)

    assert found("127.0.0.1", Names(never)) == "127.0.0.1"
    assert found("::1", Names(never)) == "::1"


def test_names_are_looked_up():
    assert found("desk", Names({"desk": "10.0.0.7"}.get)) == "10.0.0.7"
    assert lookup("localhost") == "127.0.0.1"
    with pytest.raises(UnknownHostError):
        found("no-such-host.invalid", Names())
    with pytest.raises(UnknownHostError):
        lookup("x" * 300)


def test_a_name_server_that_hangs_holds_nobody_up():
    answers = threading.Event()

    def hang(host):
        answers.wait()
        return "10.0.0.7"

    async def act():
        names = Names(hang, patience_s=0.02)
        waiting = [names.address(f"desk{number}") for number in range(MAX_LOOKUPS + 1)]
        faults = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(fault) for fault in faults] == [UnknownHostError] * MAX_LOOKUPS + [BusyError]
        answers.set()

    asyncio.run(act())
