"""The page in a real browser: built from the tree, moved by mouse, finger and keys, and told of all that happens."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from remapd.control.http.policy import Policy
from remapd.engine.control import TrackSetup
from remapd.engine.engine import Engine
from remapd.mapping.library import load_model_named
from tests.browser import Visit, chromium
from tests.engines import RATE, hits, play
from tests.plane import LivePlane, make_plane

GAIN, NEURALITY = "/track/1/gain_db", "/track/1/neurality"
TOKEN = "a-token-for-this-test"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TWO_TRACKS = {"/track/1/model": "snare_1", "/track/2/model": "kick_long"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def live(tmp_path):
    with LivePlane(lambda: make_plane(tmp_path, TWO_TRACKS)) as live:
        yield live


@pytest.fixture
def visit(browser, live):
    """The page of a plane, loaded; at the end nothing in it may have gone wrong."""
    with Visit(browser, f"{live.url}/", viewport={"width": 1400, "height": 900}) as visit:
        visit.page.wait_for_selector("#link[data-state=on]")
        visit.page.wait_for_selector(".fader")
        yield visit
        assert visit.faults == []
        assert all(url.startswith((live.url, live.url.replace("http", "ws"))) for url in visit.urls)


def value(live, path):
    return live.call(lambda: live.plane.controller.value(path))


def await_value(live, path, is_wanted):
    """The value of a control, once it is as wanted."""
    deadline = time.monotonic() + 20.0
    while not is_wanted(found := value(live, path)):
        assert time.monotonic() < deadline, f"{path} is {found}"
        time.sleep(0.01)
    return found


def test_every_control_of_the_tree_is_on_the_page(live, visit):
    visit.open_groups()
    shown = set(visit.page.eval_on_selector_all("[data-path]", "rows => rows.map(row => row.dataset.path)"))
    visit.page.locator(".strip .select").nth(1).click()
    visit.wait("document.querySelector('#details h2').textContent === 'Track 2'")
    shown |= set(visit.page.eval_on_selector_all("[data-path]", "rows => rows.map(row => row.dataset.path)"))
    in_header = {"/panic"}
    assert shown | in_header == set(live.plane.controller.tree)


def test_keys_move_a_fader_and_bring_it_back(live, visit):
    fader = visit.fader(NEURALITY)
    fader.focus()
    before = value(live, NEURALITY)
    visit.page.keyboard.press("ArrowRight")
    assert await_value(live, NEURALITY, lambda found: found > before) == pytest.approx(before + 0.004, abs=0.001)
    visit.page.keyboard.press("PageUp")
    await_value(live, NEURALITY, lambda found: found > before + 0.3)
    visit.page.keyboard.press("End")
    await_value(live, NEURALITY, lambda found: found == 4.0)
    visit.page.keyboard.press("Delete")
    await_value(live, NEURALITY, lambda found: found == 1.0)
    assert fader.get_attribute("aria-valuetext") == "1.00"


def test_a_mouse_moves_a_fader_to_where_it_points(live, visit):
    way = visit.row(NEURALITY).locator(".way")
    box = way.bounding_box()
    visit.page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2, steps=20)
    visit.page.mouse.up()
    await_value(live, NEURALITY, lambda found: found == pytest.approx(3.0, abs=0.05))


def touch(page, session, kind, *points):
    """A touch by the browser's own protocol, which is where fingers come from."""
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})


def test_a_finger_moves_a_fader_from_where_it_stands(browser, live):
    with Visit(browser, f"{live.url}/ui/", **PHONE) as visit:
        visit.page.wait_for_selector(".fader")
        way = visit.row(NEURALITY).locator(".way")
        way.scroll_into_view_if_needed()
        box = way.bounding_box()
        x, y = box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
        session = visit.page.context.new_cdp_session(visit.page)
        touch(visit.page, session, "touchStart", (x, y))
        touch(visit.page, session, "touchEnd")
        changed = visit.page.evaluate("document.querySelector('#details').getBoundingClientRect().width")
        assert changed <= 390
        assert value(live, NEURALITY) == 1.0
        touch(visit.page, session, "touchStart", (x, y))
        for step in range(1, 21):
            touch(visit.page, session, "touchMove", (x - step * 0.01 * box["width"], y))
        touch(visit.page, session, "touchEnd")
        # A fifth of the way to the left of 1 is 0.2; the first few pixels tell a drag from a scroll.
        assert await_value(live, NEURALITY, lambda found: found < 0.6) >= 0.15
        assert visit.faults == []


def test_a_number_can_be_typed_and_one_that_does_not_fit_is_told_and_taken_back(live, visit):
    number = visit.row(GAIN).locator(".number")
    number.fill("-7,5")
    number.press("Enter")
    await_value(live, GAIN, lambda found: found == -7.5)
    number.fill("99")
    number.press("Enter")
    visit.page.wait_for_selector(".toast.bad")
    assert "a number from -60 to 12 dB" in visit.page.inner_text(".toast.bad")
    visit.wait_text(GAIN, "-7.50 dB")
    assert value(live, GAIN) == -7.5
    visit.faults.clear()  # The browser itself reports the refusal.


def test_what_may_open_the_device_anew_is_typed_and_no_fader(visit, live):
    restarting = [path for path, control in live.plane.controller.tree.items() if control.restarts]
    assert "/track/1/input_channel" in restarting
    assert [path for path in restarting if visit.page.locator(f"[data-path='{path}'] .fader").count()] == []


def test_what_others_change_is_seen_but_not_under_the_hand(live, visit):
    def change(**values):
        live.call(lambda: live.plane.controller.set({f"/track/1/{name}": x for name, x in values.items()}, "others"))

    change(gain_db=-12.0, mute=True)
    visit.wait_text(GAIN, "-12.0 dB")
    for place in ("#details", "#strips"):
        visit.page.wait_for_selector(f"{place} [data-path='/track/1/mute'] [aria-checked=true]")
    box = visit.row(NEURALITY).locator(".way").bounding_box()
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    visit.page.mouse.down()
    await_value(live, NEURALITY, lambda found: found == pytest.approx(2.0, abs=0.05))
    change(neurality=0.5, pan=0.5)
    visit.wait_text("/track/1/pan", "0.50")
    assert visit.fader(NEURALITY).get_attribute("aria-valuetext") == "2.00"
    visit.page.mouse.up()


def test_switches_and_menus_change_what_they_show(live, visit):
    visit.page.locator(".strip").first.get_by_role("switch", name="Solo track 1").click()
    await_value(live, "/track/1/solo", lambda found: found is True)
    visit.page.locator("#details .menu select").first.select_option("kick_long")
    await_value(live, "/track/1/model", lambda found: found == "kick_long")
    wanted = set(live.call(lambda: [c.path for c in live.plane.controller.tree.under("/track/1/synth")]))
    visit.wait("document.querySelector('#details .track-head select:nth-of-type(1)').value === 'kick_long'")
    visit.wait(f"document.querySelectorAll('#details .rows.synth > .row').length === {len(wanted)}")
    assert visit.page.input_value("#details .menu:nth-of-type(2) select") == value(live, "/track/1/preset")


def test_tracks_come_and_go(live, visit):
    visit.page.get_by_role("button", name="+ track").click()
    visit.wait("document.querySelectorAll('.strip').length === 3")
    visit.page.get_by_role("button", name="remove track").click()
    visit.page.locator("#ask-yes").click()
    visit.wait("document.querySelectorAll('.strip').length === 2")
    assert live.call(lambda: live.plane.controller.tracks) == 2
    visit.page.keyboard.press("2")
    visit.wait("document.querySelector('#details h2').textContent === 'Track 2'")


def test_panic_by_button_and_by_key(live, visit):
    actions = []
    live.call(lambda: live.plane.bulletin.subscribe(lambda kind, data: actions.append((kind, data))))
    visit.page.get_by_role("button", name="PANIC").click()
    visit.page.wait_for_selector(".toast >> text=All voices silenced")
    visit.page.keyboard.press("Shift+Escape")
    deadline = time.monotonic() + 20.0
    while len(actions) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert actions == 2 * [("action", {"path": "/panic"})]


def test_sessions_are_saved_and_loaded(live, visit):
    visit.page.locator("summary >> text=sessions").click()
    visit.page.get_by_label("Name of the session").fill("sunday")
    visit.page.get_by_role("button", name="save", exact=True).click()
    visit.page.wait_for_selector(".names >> text=sunday")
    live.call(lambda: live.plane.controller.set({GAIN: -30.0}))
    visit.page.locator(".names >> text=sunday").click()
    await_value(live, GAIN, lambda found: found == 0.0)


class Playing:
    """A plane with an engine that plays hits, as fast as they are."""

    def __init__(self, folder):
        self.engine = Engine(RATE, 1, 2, [TrackSetup(load_model_named("snare_1"))])
        self.engine.warm_up()
        self.live = LivePlane(lambda: make_plane(folder, {"/track/1/model": "snare_1"}, engine=self.engine))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)

    def _play(self):
        source = hits([0.05], 0.25)
        while not self._stop.wait(0.1):
            play(self.engine, source, 64)

    def __enter__(self):
        self.live.__enter__()
        self._thread.start()
        return self.live

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()
        self.live.__exit__(*error)


def test_hits_meters_and_the_detection_signal_are_shown_as_they_come(browser, tmp_path):
    with Playing(tmp_path) as live, Visit(browser, f"{live.url}/ui/") as visit:
        visit.page.wait_for_selector("tr.hit")
        visit.wait("document.querySelectorAll('tr.hit').length >= 3")
        assert len(visit.page.query_selector_all(".features .bar-row")) == 7
        assert len(visit.page.query_selector_all(".modulation .bar-row")) == 14
        assert len(visit.page.query_selector_all(".mark.seen")) == 14
        visit.wait("Number(document.querySelector('.strip .meter').ariaValueNow) > -40")
        drawn = "(() => { const c = document.querySelector('canvas');"
        drawn += " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((x) => x > 200); })()"
        visit.wait(drawn)
        assert visit.faults == []


def test_the_page_asks_for_the_token_and_never_puts_it_into_an_address(browser, tmp_path):
    plane = LivePlane(lambda: make_plane(tmp_path, TWO_TRACKS), policy=Policy(token=TOKEN))
    with plane as live, Visit(browser, f"{live.url}/ui/") as visit:
        visit.page.wait_for_selector("#token-dialog[open]")
        visit.page.locator("#token").fill(TOKEN)
        visit.page.locator("#token-dialog button").click()
        visit.page.wait_for_selector("#link[data-state=on]")
        visit.page.wait_for_selector(".fader")
        assert TOKEN not in "".join(visit.urls)


WATCH_BANNER = """
    const banner = document.getElementById("banner");
    window.told = false;
    new MutationObserver(() => (window.told ||= !banner.hidden)).observe(banner, {attributes: true});
"""


def test_a_page_that_lost_the_service_says_so_and_comes_back(live, visit):
    visit.page.evaluate(WATCH_BANNER)
    live.call(lambda: [watcher.close() for watcher in list(live.plane.feed._watchers)])
    live.call(lambda: live.plane.controller.set({GAIN: -6.0}))
    # Nothing is said any more, which the page notices by itself.
    visit.wait("window.told")
    visit.page.wait_for_selector("#link[data-state=on]")
    visit.wait_text(GAIN, "-6.00 dB")


def test_a_control_is_touched_a_knob_is_moved_and_they_are_one(live, visit):
    def move(position):
        live.call(lambda: live.plane.midi.hear({"port": "knobs", "messages": [bytes([0xB0, 21, position]).hex()]}))

    visit.page.get_by_role("button", name="MIDI learn").click()
    visit.row(NEURALITY).locator(".way").click()
    visit.page.wait_for_selector("#details .awaits")
    assert value(live, NEURALITY) == 1.0
    for position in (10, 20, 30, 40):
        move(position)
    visit.page.wait_for_selector("#details .badge >> text=CC 21, channel 1")
    visit.page.get_by_role("button", name="MIDI learn").click()
    move(127)
    await_value(live, NEURALITY, lambda found: found == 4.0)
    visit.wait_text(NEURALITY, "4.00")
    visit.page.get_by_role("button", name="MIDI learn").click()
    visit.page.locator("#details .badge").click()
    visit.wait("document.querySelectorAll('#details .badge').length === 0")
    assert live.call(lambda: len(list(live.plane.midi.mappings))) == 0


def test_what_one_looks_at_stays_when_the_synth_changes_and_the_library_grows(live, visit):
    hits = visit.page.locator(".hit-list input[type=checkbox]")
    hits.check()
    visit.fader(GAIN).focus()
    live.call(lambda: live.plane.bulletin.post("library", {"kind": "model", "name": "new", "what": "added"}))
    asyncio.run_coroutine_threadsafe(live.plane.controller.change({"/track/1/model": "kick_long"}), live._loop).result()
    visit.wait("document.querySelector('#details .track-head select').value === 'kick_long'")
    assert hits.is_checked()
    visit.wait(f"document.activeElement.closest('#details [data-path]')?.dataset.path === '{GAIN}'")
