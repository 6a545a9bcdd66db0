"""What OSCQuery answers over HTTP, held against the tree, and what it tells when the tree changes."""

import asyncio
import json
import random

import pytest

from remapd.control.http.oscquery import router
from remapd.control.http.policy import Policy
from remapd.control.osc.values import arguments_of, value_of
from remapd.control.oscquery.attributes import ATTRIBUTES, attributes_json, attributes_of
from remapd.control.oscquery.host_info import EXTENSIONS, host_info
from remapd.control.oscquery.namespace import AT_ONCE, Namespace, path_of
from remapd.control.oscquery.structure import MAX_NODES, structure_messages
from remapd.control.tree import build_tree
from remapd.synth.registry import SYNTHS
from tests.controllers import make_controller
from tests.plane import make_plane, with_client

TREE = build_tree(list(SYNTHS))
TRACK = "/remapd/track/1"
HEAVY = {"/track/1/model": "velocity", "/track/2/model": "velocity", "/track/3/model": "velocity"}


def get(plane, *urls, **options):
    """Answers to these requests, in their order."""

    async def act(client):
        return [await client.get(url) for url in urls]

    answers = with_client(plane, act, **options)
    return answers if len(urls) > 1 else answers[0]


def leaves(node):
    """Nodes without contents at or below one, by their full path."""
    if "CONTENTS" not in node:
        return {node["FULL_PATH"]: node}
    return {path: leaf for below in node["CONTENTS"].values() for path, leaf in leaves(below).items()}


def default_of(control):
    return attributes_of(control, control.default, control.choices)


# -- attributes --------------------------------------------------------------------------------------------------------


def test_attributes_are_those_of_the_tree():
    for control in TREE.values():
        found = default_of(control)
        assert found["FULL_PATH"] == "/remapd" + control.path
        assert found["DESCRIPTION"] == control.description
        assert bool(found["ACCESS"] & 2) == control.osc
        assert bool(found["ACCESS"] & 1) == (control.kind != "action") == ("VALUE" in found)
        if "MIN" in found.get("RANGE", [{}])[0]:
            assert found["RANGE"] == [{"MIN": control.minimum, "MAX": control.maximum}]
        assert set(found) <= set(ATTRIBUTES)
        # There is one entry for each argument, and all controls have one.
        assert all(len(found[name]) == 1 for name in ("VALUE", "RANGE", "UNIT", "CLIPMODE") if name in found)


def test_what_is_written_as_text_is_the_same():
    for control in TREE.values():
        assert json.loads(attributes_json(control, control.default, control.choices)) == default_of(control)


def test_the_type_is_that_of_the_osc_message():
    types = {float: "f", int: "i", str: "s", bool: "F"}
    for control in [c for c in TREE.values() if c.kind != "action"]:
        for value in {False, True} if control.kind == "switch" else {control.default}:
            (argument,) = arguments_of(control, value)
            expected = "T" if argument is True else types[type(argument)]
            assert attributes_of(control, value, ())["TYPE"] == expected


def test_what_is_told_to_be_possible_is_taken_over_osc():
    for control in [c for c in TREE.values() if c.kind != "action" and c.osc]:
        found = default_of(control)
        ranges = [*found.get("RANGE", []), *(overload["RANGE"][0] for overload in found.get("OVERLOADS", []))]
        for number in [spoken[end] for spoken in ranges for end in ("MIN", "MAX") if end in spoken]:
            control.check(value_of(control, [number]))


def test_no_node_is_a_method_and_a_container():
    assert not [path for path in TREE if TREE.is_container(path)]


def test_units_of_the_proposals_list():
    assert default_of(TREE["/output_gain_db"])["UNIT"] == ["gain.db"]
    assert default_of(TREE["/track/1/onset/hold_ms"])["UNIT"] == ["time.ms"]
    assert "UNIT" not in default_of(TREE["/track/1/pan"])


def test_actions_have_no_value_and_are_critical():
    panic = default_of(TREE["/panic"])
    assert (panic["TYPE"], panic["ACCESS"], panic["CRITICAL"]) == ("I", 2, True)
    assert "VALUE" not in panic


def test_whole_numbers_have_whole_ends():
    ends = default_of(TREE["/track/1/input_channel"])["RANGE"][0]
    assert [type(ends[name]) for name in ("MIN", "MAX")] == [int, int]


# -- over HTTP ---------------------------------------------------------------------------------------------------------


def test_the_root_holds_the_whole_tree(tmp_path):
    plane = make_plane(tmp_path, HEAVY)
    answer = get(plane, "/")
    assert answer.headers["content-type"] == "application/json"
    root = answer.json()
    assert (root["FULL_PATH"], list(root["CONTENTS"])) == ("/", ["remapd"])
    found = leaves(root)
    assert set(found) == {"/remapd" + path for path in plane.controller.tree}
    for path, value in plane.controller.values().items():
        assert found["/remapd" + path]["VALUE"] == [value]


def test_every_node_says_the_same_by_itself_and_within_the_whole(tmp_path):
    plane = make_plane(tmp_path)

    def nodes(node):
        yield node
        for below in node.get("CONTENTS", {}).values():
            yield from nodes(below)

    async def act(client):
        for node in nodes((await client.get("/")).json()):
            assert (await client.get(node["FULL_PATH"])).json() == node

    with_client(plane, act)


def test_a_single_attribute(tmp_path):
    plane = make_plane(tmp_path)
    plane.controller.begin({"values": {"/track/1/model": "velocity", "/track/1/gain_db": -6.5}}, lenient=False)
    value, both, path, contents, spelled = get(
        plane,
        f"{TRACK}/gain_db?VALUE",
        f"{TRACK}/gain_db?VALUE&RANGE",
        "/?FULL_PATH",
        f"{TRACK}/onset?CONTENTS",
        f"{TRACK}/gain_db?VALUE=1",
    )
    assert value.json() == spelled.json() == {"VALUE": [-6.5]}
    assert both.json() == {"VALUE": [-6.5], "RANGE": [{"MIN": -60.0, "MAX": 12.0}]}
    assert path.json() == {"FULL_PATH": "/"}
    assert list(contents.json()) == ["CONTENTS"]
    assert contents.json()["CONTENTS"]["hold_ms"]["FULL_PATH"] == f"{TRACK}/onset/hold_ms"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/remapd/panic?VALUE", 204),
        ("/remapd/track?VALUE", 204),
        ("/remapd/track/1/gain_db?CONTENTS", 204),
        ("/remapd/track/1/gain_db?EXTENDED_TYPE", 204),
        ("/remapd/track/1/pan?UNIT", 204),
        ("/remapd/track/1/gain_db?VOLUME", 400),
        ("/remapd/track/1/gain_db?value", 400),
        ("/remapd/track/1/gain_db?VALUE=3", 400),
        ("/remapd/track/1/gain_db?VALUE&", 400),
        ("/remapd/track/2?VALUE", 404),
        ("/remapd/track/2", 404),
        ("/remapd/nothing", 404),
        ("/remapd//track", 404),
        ("/elsewhere?VALUE", 404),
        ("/elsewhere", 404),
        ("/track/1/gain_db", 404),
    ],
)
def test_status_of_what_cannot_be_answered(tmp_path, url, status):
    answer = get(make_plane(tmp_path), url)
    assert answer.status_code == status
    assert bool(answer.content) == (status != 204)


def test_a_slash_at_the_end_is_no_other_node(tmp_path):
    plain, slash, root, root_slash = get(make_plane(tmp_path), TRACK, TRACK + "/", "/remapd", "/remapd/")
    assert plain.json() == slash.json()
    assert root.json() == root_slash.json()


def test_choices_are_those_of_the_library(tmp_path):
    plane = make_plane(tmp_path)
    model, preset, level = get(plane, f"{TRACK}/model?RANGE", f"{TRACK}/preset?RANGE", "/remapd/log_level?RANGE")
    assert model.json()["RANGE"] == [{"VALS": plane.controller.choices("/track/1/model")}]
    assert preset.json()["RANGE"] == [{"VALS": plane.controller.choices("/track/1/preset")}]
    assert preset.json()["RANGE"][0]["VALS"]
    assert level.json()["RANGE"] == [{"VALS": list(plane.controller.tree["/log_level"].choices)}]


def test_a_browser_gets_the_page_and_programs_the_tree(tmp_path):
    plane = make_plane(tmp_path)

    async def act(client):
        page = await client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
        html = await client.get("/remapd/track?HTML")
        node = await client.get("/?HOST_INFO", headers={"Accept": "text/html,*/*;q=0.8"})
        return page, html, node

    page, html, node = with_client(plane, act)
    assert (page.status_code, page.headers["location"]) == (307, "/ui/")
    assert (html.status_code, html.headers["location"]) == (307, "/ui/")
    assert "EXTENSIONS" in node.json()


def test_host_info_tells_the_open_ports(tmp_path):
    settings = {"osc": {"udp_port": 0, "tcp_port": 0}, "discovery": {"enabled": False, "name": "Kit of Ana"}}
    plane = make_plane(tmp_path, settings=settings)

    async def act(client):
        assert plane.osc.udp_port
        return (await client.get("/?HOST_INFO")).json(), (await client.get("/?HOST_INFO=1")).json()

    info, spelled = with_client(plane, act)
    assert info == spelled
    assert (info["NAME"], info["OSC_TRANSPORT"], info["OSC_IP"]) == ("Kit of Ana", "UDP", "127.0.0.1")
    assert info["OSC_PORT"] > 0


def test_host_info_names_no_address_that_stands_for_many():
    assert "OSC_IP" not in host_info("x", "0.0.0.0", 9000, 9000)
    assert "OSC_IP" not in host_info("x", "localhost", 9000, 9000)
    assert host_info("x", "192.0.2.1", None, 9001)["OSC_TRANSPORT"] == "TCP"
    assert "OSC_PORT" not in host_info("x", "0.0.0.0", None, None)


def test_extensions_are_true_of_what_is_answered(tmp_path):
    found = leaves(get(make_plane(tmp_path), "/").json()).values()
    for name in ATTRIBUTES:
        if name in EXTENSIONS:
            assert EXTENSIONS[name] == any(name in leaf for leaf in found), name


def test_the_rules_of_the_port_hold_here_too(tmp_path):
    token = "a token that is long enough"

    async def act(client):
        unknown = await client.get(TRACK)
        strange = await client.get("/", headers={"Host": "evil.example"})
        known = await client.get(TRACK, headers={"Authorization": f"Bearer {token}"})
        return unknown.status_code, strange.status_code, known.status_code

    assert with_client(make_plane(tmp_path), act, policy=Policy(token=token)) == (401, 421, 200)


def test_any_query_gets_an_answer(tmp_path):
    source = random.Random(7)
    names = [*ATTRIBUTES, "HOST_INFO", "HTML", "", "value", "%00", "é", "VALUE=1", "VALUE=", "=", "&", "?"]
    places = ["remapd", "track", "1", "0", "-1", "gain_db", "onset", "", "..", "%2e%2e", "%2f", "é", "*", "x" * 300]

    def url():
        path = "/".join(source.choices(places, k=source.randrange(5)))
        return f"/{path}?{'&'.join(source.choices(names, k=source.randrange(4)))}"

    async def act(client):
        return [(wanted := url(), (await client.get(wanted)).status_code) for _ in range(400)]

    found = with_client(make_plane(tmp_path), act)
    assert {status for _, status in found} == {200, 204, 307, 400, 404}, found


def test_a_node_that_goes_while_it_is_described_is_not_half_there():
    controller = make_controller(values={"/track/1/model": "velocity", "/track/2/model": "velocity"})

    async def choices(controls):
        if controller.tracks == 2:
            await controller.remove_track(2)
        return {}

    async def act():
        namespace = Namespace(controller, choices)
        assert namespace.has("/remapd/track/2")
        gone = await namespace.node("/remapd/track/2")
        return gone, await namespace.attributes("/remapd/track/2/pan", ["VALUE"]), json.loads(await namespace.node("/"))

    gone, attributes, whole = asyncio.run(act())
    assert gone is None
    assert attributes is None
    assert set(leaves(whole)) == {"/remapd" + path for path in controller.tree}


def test_the_loop_has_its_turn_while_much_is_described():
    controller = make_controller(values={f"/track/{number}/model": "velocity" for number in range(1, 9)})
    turns = 0

    async def choices(controls):
        return {}

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def act():
        counting = asyncio.create_task(count())
        await Namespace(controller, choices).node("/")
        counting.cancel()

    asyncio.run(act())
    assert turns >= len(controller.tree) // (2 * AT_ONCE)


def test_the_documentation_of_the_api_leaves_it_out(tmp_path):
    assert not [route for route in router(make_plane(tmp_path)).routes if getattr(route, "include_in_schema", False)]


# -- addresses and structure -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/", "/"),
        ("", "/"),
        ("/remapd", "/"),
        ("/remapd/", "/"),
        ("/remapd/panic", "/panic"),
        ("/remapd/track/1/", "/track/1"),
        ("/remapdx", None),
        ("remapd/panic", None),
        ("/other", None),
    ],
)
def test_path_of_an_address(address, path):
    assert path_of(address) == path


def told(before, after):
    """What is told when the tree of the synths `before` becomes that of `after`."""
    before, after = build_tree(before), build_tree(after)
    added = {path for path in after if path not in before or before[path] != after[path]}
    removed = {path for path in before if path not in after or before[path] != after[path]}
    return [json.loads(text) for text in structure_messages(after, added, removed)]


def test_a_new_track_is_one_node():
    assert told(["snare808"], ["snare808", "kick808"]) == [
        {"COMMAND": "PATH_ADDED", "DATA": "/remapd/track/2"},
        {"COMMAND": "PATH_CHANGED", "DATA": "/remapd/track"},
    ]


def test_the_first_track_brings_its_container_and_the_last_takes_it():
    changed = {"COMMAND": "PATH_CHANGED", "DATA": "/remapd"}
    assert told([], ["snare808"]) == [{"COMMAND": "PATH_ADDED", "DATA": "/remapd/track"}, changed]
    assert told(["snare808"], []) == [{"COMMAND": "PATH_REMOVED", "DATA": "/remapd/track"}, changed]


def below(places, path):
    return any(path == place or path.startswith(place + "/") for place in places)


@pytest.mark.parametrize("after", SYNTHS)
@pytest.mark.parametrize("before", SYNTHS)
def test_a_client_that_follows_the_messages_has_the_tree_there_is(before, after):
    messages = told([before], [after])
    commands = [message["COMMAND"] for message in messages]
    assert commands == sorted(commands, key=["PATH_REMOVED", "PATH_ADDED", "PATH_CHANGED"].index)
    gone, came = ({m["DATA"] for m in messages if m["COMMAND"] == kind} for kind in ("PATH_REMOVED", "PATH_ADDED"))
    old, new = ({f"/remapd{path}": c for path, c in build_tree([synth]).items()} for synth in (before, after))
    known = {path: control for path, control in old.items() if not below(gone, path)}
    known |= {path: control for path, control in new.items() if below(came, path)}
    if commands != ["PATH_CHANGED"]:
        assert known == new


def test_very_many_changes_are_one():
    after = build_tree(["snare808", "snare808"])
    every_other = [path for path in after if path.startswith("/track/")][::2]
    assert len(every_other) > MAX_NODES
    messages = [json.loads(text) for text in structure_messages(after, every_other, [])]
    assert messages == [{"COMMAND": "PATH_CHANGED", "DATA": "/remapd"}]


def test_a_query_that_is_none_is_told_what_there_is(tmp_path):
    problem = get(make_plane(tmp_path), "/?LOUDNESS").json()
    assert problem["field"] == "query"
    assert "VALUE" in problem["expected"]
