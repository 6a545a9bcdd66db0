"""Layouts of control surfaces: whole, well formed, and true both ways against the real OSC server."""

import json
import zlib
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from remapd.cli import main
from remapd.control.http.policy import Policy
from remapd.control.tree import build_tree
from remapd.errors import FieldError, RemapdError
from remapd.layouts.described import described_controls
from remapd.layouts.open_stage_control import open_stage_control_session
from remapd.layouts.running import running_controls
from remapd.layouts.surface import node_name, surface_of, value_text
from remapd.layouts.touchosc.layout import touchosc_layout
from remapd.layouts.touchosc.screens import SCREENS
from tests.osc_peers import UdpClient, in_loop, osc_server
from tests.plane import LivePlane, make_plane
from tests.virtual_touchosc import CONTAINERS, VirtualTouchOsc

CLIENTS = Path(__file__).parents[1] / "clients"
SYNTHS = ("snare808", "fm_drum", "hat808")
PLACE = 0.37


def tree():
    return build_tree(SYNTHS)


def movable(controls):
    """Controls that a surface moves."""
    return [control for control in controls if control.osc and control.kind in ("number", "whole", "switch")]


@pytest.fixture(scope="module", params=SCREENS)
def tosc(request):
    return touchosc_layout(surface_of(tree().values()), request.param)


def test_every_control_is_on_the_surface_once():
    surface = surface_of(tree().values())
    rows = [*surface.actions, *surface.rows]
    for track in surface.tracks:
        rows += [*track.texts, *track.switches, *(row for tab in track.tabs for row in tab.rows)]
    shown = [c.path for row in rows for c in (row.control, row.depth, row.lock) if c is not None]
    wanted = {c.path for c in tree().values() if c.osc or (c.track and c.kind == "text")}
    assert sorted(shown) == sorted(wanted)


def test_labels_of_a_tab_differ():
    for track in surface_of(tree().values()).tracks:
        for tab in track.tabs:
            assert len({row.label for row in tab.rows}) == len(tab.rows)


def test_the_same_tree_gives_the_same_bytes(tosc):
    surface = surface_of(list(tree().values()))
    assert tosc in [touchosc_layout(surface, screen) for screen in SCREENS]
    assert open_stage_control_session(surface) == open_stage_control_session(surface_of(tree().values()))


def test_an_independent_reader_finds_nothing_wrong(tosc, tmp_path):
    py2tosc = pytest.importorskip("py2tosc")
    path = tmp_path / "layout.tosc"
    path.write_bytes(tosc)
    document = py2tosc.load(path)
    assert [str(issue) for issue in document.validate()] == []
    assert [page.get("tabLabel") for page in document.root.children[0].children] == [
        "All", *(f"Track {number}" for number in range(1, len(SYNTHS) + 1))
    ]  # fmt: skip


def test_what_touchosc_needs_is_there(tosc):
    surface = VirtualTouchOsc(tosc)
    controls = list(surface.root.walk())
    assert len({control.identity for control in controls}) == len(controls) == len(surface.controls)
    for control in controls:
        assert {"name", "frame"} <= control.properties.keys()
        assert "touch" in control.values
        assert not control.children or control.kind in CONTAINERS
        x, y, w, h = control.properties["frame"]
        assert x >= 0, y >= 0
        assert min(w, h) >= 14
        if control.parent is not None:
            _, _, within_w, within_h = control.parent.properties["frame"]
            assert x + w <= within_w, control.name
            assert y + h <= within_h, control.name


def test_controls_of_a_page_do_not_overlap(tosc):
    for page in VirtualTouchOsc(tosc).root.walk():
        if page.kind != "GROUP":
            continue
        frames = [c.properties["frame"] for c in page.children.values() if not c.name.endswith("_name")]
        for index, (x, y, w, h) in enumerate(frames):
            for other_x, other_y, other_w, other_h in frames[:index]:
                assert x >= other_x + other_w or other_x >= x + w or y >= other_y + other_h or other_y >= y + h


def session_of(synths):
    names = {"snare808": "snare_1", "fm_drum": "fm_tom", "hat808": "hat_closed"}
    return {f"/track/{number}/model": names[synth] for number, synth in enumerate(synths, 1)}


@in_loop
async def test_touchosc_moves_every_control_and_follows_every_control():
    pytest.importorskip("lupa")
    from tests.controllers import make_controller

    controller = make_controller(values=session_of(SYNTHS))
    surface = VirtualTouchOsc(touchosc_layout(surface_of(controller.tree.values())))
    async with osc_server(controller) as (server, _), UdpClient.open(server) as finger, UdpClient.open(server) as eye:
        for client in (finger, eye):
            client.send("/remapd/ping")
            await client.settle()
        for control in movable(controller.tree.values()):
            surface.sent.clear()
            surface.move(node_name(control), 1.0 if control.kind == "switch" else PLACE)
            ((address, arguments),) = surface.sent
            finger.send(address, *arguments)
        await finger.settle()
        for control in movable(controller.tree.values()):
            wanted = control.from_position(1.0 if control.kind == "switch" else PLACE)
            assert controller.value(control.path) == pytest.approx(wanted, rel=1e-5, abs=1e-5), control.path
        eye.mail.messages.clear()
        changed = {
            c.path: c.from_position(0.0 if c.kind == "switch" else 0.81) for c in movable(controller.tree.values())
        }
        controller.set(changed)
        surface.sent.clear()
        while changed:
            address, arguments = await eye.mail.next()
            surface.receive(address, *arguments)
            path = address.removeprefix("/remapd")
            # What the finger did may still be under way.
            if path in changed and arguments[0] == pytest.approx(changed[path], rel=1e-5, abs=1e-5):
                del changed[path]
        assert surface.sent == []  # What was told is not told back.
    for control in movable(controller.tree.values()):
        shown = surface.controls[node_name(control)]
        assert shown.values["x"] == pytest.approx(0.0 if control.kind == "switch" else 0.81, abs=0.02), control.path
        if label := surface.controls.get(f"{shown.name}_value"):
            assert label.values["text"] == value_text(control, controller.value(control.path))


def test_touchosc_shows_what_plays_and_hits_and_acts():
    pytest.importorskip("lupa")
    surface = VirtualTouchOsc(touchosc_layout(surface_of(tree().values())))
    surface.receive("/remapd/track/2/model", "mine")
    assert surface.controls["track_2_model"].values["text"] == "mine"
    surface.receive("/remapd/2/hit", 7, 0.6, 0.1, 0.2)
    assert surface.controls["hit_2"].values["x"] == 0.6
    surface.update(100.0)
    assert 0.0 < surface.controls["hit_2"].values["x"] < 0.6
    surface.sent.clear()
    surface.move("panic", 1.0)
    surface.move("panic", 0.0)
    assert surface.sent == [("/remapd/panic", [])]


def test_touchosc_looks_for_the_service_and_stays_in_touch():
    pytest.importorskip("lupa")
    surface = VirtualTouchOsc(touchosc_layout(surface_of(tree().values()), receive_port=9123))
    surface.update(0.0)
    assert surface.sent == [("/remapd/subscribe", [9123])]
    assert "not answer" in surface.controls["connection"].values["text"]
    surface.receive("/remapd/pong")
    surface.sent.clear()
    for second in range(1, 40):
        surface.update(1000.0 * second)
    assert surface.sent[0] == ("/remapd/ping", [])
    assert surface.sent[-1] == ("/remapd/subscribe", [9123])  # Nobody answered.


#: Members that the program documents for these widgets, beside those of every widget.
COMMON = {
    "type", "id", "comments", "width", "height", "expand", "colorWidget", "alphaStroke", "padding", "html", "value",
    "default", "address", "typeTags", "decimals", "bypass", "onCreate", "onValue", "interaction",
}  # fmt: skip
MEMBERS = {
    "root": {"tabs"},
    "tab": {"label", "layout", "contain", "widgets", "tabs"},
    "panel": {"layout", "scroll", "innerPadding", "widgets", "tabs"},
    "fader": {"design", "horizontal", "range", "logScale", "doubleTap"},
    "button": {"label", "mode", "on", "off"},
    "text": {"align"},
    "input": set(),
    "variable": set(),
}


def widgets_of(widget):
    yield widget
    for child in (*widget.get("widgets", ()), *widget.get("tabs", ())):
        yield from widgets_of(child)


@pytest.fixture(scope="module")
def session():
    return json.loads(open_stage_control_session(surface_of(tree().values())))


def test_the_session_has_the_documented_form(session):
    assert (session["type"], session["createdWith"]) == ("session", "Open Stage Control")
    widgets = list(widgets_of(session["content"]))
    assert len({widget["id"] for widget in widgets}) == len(widgets)
    for widget in widgets:
        assert widget.keys() <= COMMON | MEMBERS[widget["type"]], widget["id"]
        assert not (widget.get("widgets") and widget.get("tabs")), widget["id"]
        assert all(child["type"] == "tab" for child in widget.get("tabs", ()))


@in_loop
async def test_open_stage_control_moves_every_control():
    from tests.controllers import make_controller

    controller = make_controller(values=session_of(SYNTHS))
    session = json.loads(open_stage_control_session(surface_of(controller.tree.values())))
    widgets = {widget["id"]: widget for widget in widgets_of(session["content"])}
    async with osc_server(controller) as (server, _), UdpClient.open(server) as client:
        for control in movable(controller.tree.values()):
            widget = widgets[node_name(control)]
            assert widget["address"] == f"/remapd{control.path}"
            client.send(widget["address"], widget["on"] if control.kind == "switch" else fader_value(widget, PLACE))
        await client.settle()
    for control in movable(controller.tree.values()):
        wanted = control.from_position(1.0 if control.kind == "switch" else PLACE)
        decimals = widgets[node_name(control)].get("decimals", 9)
        assert controller.value(control.path) == pytest.approx(wanted, abs=10.0**-decimals, rel=1e-6), control.path


def fader_value(widget, place):
    """What the program's own scale makes of a place: with a number as `logScale` it is the base."""
    low, high, base = widget["range"]["min"], widget["range"]["max"], widget["logScale"]
    part = (base**place - 1.0) / (base - 1.0) if base else place
    return round(low + part * (high - low), widget["decimals"])


def test_the_committed_examples_are_what_is_made_now(tmp_path):
    for command, name in (("touchosc", "remapd.tosc"), ("open-stage-control", "remapd.json")):
        made, kept = tmp_path / name, CLIENTS / command / name
        result = CliRunner().invoke(main, ["clients", command, "-o", str(made), "--tracks", "2"])
        assert result.output == f"{made}: 2 tracks\n"
        contents = [path.read_bytes() for path in (made, kept)]
        if name.endswith(".tosc"):  # Compression differs between versions of zlib.
            contents = [zlib.decompress(content) for content in contents]
        assert contents[0] == contents[1], f"make it anew: remapd clients {command} -o {kept} --tracks 2"


TOKEN = "t" * 43


def test_the_tree_of_a_service_is_that_of_the_layout(tmp_path):
    with LivePlane(lambda: make_plane(tmp_path, session_of(SYNTHS)), Policy(token=TOKEN)) as live:
        made = tmp_path / "live.tosc"
        (tmp_path / "token").write_text(TOKEN + "\n")
        place = ["--url", live.url, "-o", str(made)]
        refused = CliRunner().invoke(main, ["clients", "touchosc", *place])
        assert (refused.exit_code, "401" in refused.output, "--token-file" in refused.output) == (1, True, True)
        done = CliRunner().invoke(main, ["clients", "touchosc", *place, "--token-file", str(tmp_path / "token")])
        assert done.exit_code == 0, done.output
        controls = running_controls(live.url, TOKEN)
    assert made.read_bytes() == touchosc_layout(surface_of(tree().values()))
    assert open_stage_control_session(surface_of(controls)) == open_stage_control_session(surface_of(tree().values()))


def description(**changes):
    row = {
        "path": "/track/1/pan", "kind": "number", "description": "Place.", "unit": "", "minimum": -1.0, "maximum": 1.0,
        "curve": "linear", "default": 0.0, "osc": True, "track": 1,
    }  # fmt: skip
    return {"controls": [{**row, **changes}]}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"controls": {}},
        {"controls": [1]},
        description(path="no path"),
        description(path="/a']; os.exit() --"),
        description(kind="fader"),
        description(unit="'); os.exit() --"),
        description(unit="JS{{ }}"),
        description(unit="\n"),
        description(minimum=2.0),
        description(minimum=float("nan")),
        description(maximum=None),
        description(curve="log"),
        description(curve="steep"),
        description(default=[]),
        description(track=-1),
        description(track=True),
        description(description=3),
    ],
)
def test_what_is_no_description_is_refused(document):
    with pytest.raises(FieldError):
        described_controls(document)


@pytest.mark.parametrize(
    "url", ["localhost:8808", "file:///etc/passwd", "http://127.0.0.1:1", "http://[", "http://a b"]
)
def test_where_nobody_is_it_says_so(url):
    with pytest.raises(RemapdError, match=r"does not answer|expected http"):
        running_controls(url)


def test_another_server_is_no_remapd(tmp_path):
    with LivePlane(lambda: make_plane(tmp_path)) as live:
        assert httpx.get(f"{live.url}/healthz").status_code == 200
        with pytest.raises(RemapdError, match="404"):
            running_controls(f"{live.url}/page")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--model", "nothing"), "expected the name of a model"),
        (("--tracks", "33"), "--tracks"),
        (("--model", "snare_1", "--model", "kick_long", "--tracks", "1"), "2 to 32"),
        (("--url", "http://127.0.0.1:1", "--tracks", "2"), "leave out"),
        (("--token-file", "x"), "goes with --url"),
        (("-o", "/nowhere/at/all.tosc"), "cannot be written"),
    ],
)
def test_what_the_command_refuses(arguments, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["clients", "touchosc", *arguments])
    assert result.exit_code != 0
    assert text in result.output
    assert list(tmp_path.iterdir()) == []
