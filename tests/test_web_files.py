"""The page's files: nothing from elsewhere, nothing inline, nothing missing; its numbers are those of the tables."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import resources

import pytest

from remapd.control.http.web import INDEX, page_files
from remapd.control.tree import build_tree

FILES = page_files()
FOLDER = resources.files("remapd.control") / "web"
SCRIPTS = {name: content.decode() for name, content in FILES.items() if name.endswith(".js")}


class Page(HTMLParser):
    """What a page refers to, and what in it a content policy would refuse."""

    def __init__(self):
        super().__init__()
        self.references, self.refused, self.ids = [], [], []
        self._in_script = False

    def handle_starttag(self, tag, attrs):
        self._in_script = tag in ("script", "style")
        for name, value in attrs:
            if name in ("src", "href") and not value.startswith("#"):
                self.references.append(value)
            if name == "id":
                self.ids.append(value)
            if name.startswith("on") or name == "style":
                self.refused.append(f"{tag} {name}")

    def handle_data(self, data):
        if self._in_script and data.strip():
            self.refused.append(data)
        self._in_script = False


@pytest.fixture(scope="module")
def page():
    parser = Page()
    parser.feed(FILES[INDEX].decode())
    return parser


def test_every_file_that_the_page_names_is_there(page):
    assert page.references
    assert set(page.references) <= set(FILES)
    for name, script in SCRIPTS.items():
        imported = re.findall(r'from "\./([^"]+)"', script)
        assert set(imported) <= set(FILES), name


def test_every_script_is_used(page):
    used = set(page.references)
    for script in SCRIPTS.values():
        used |= set(re.findall(r'from "\./([^"]+)"', script))
    assert set(SCRIPTS) <= used


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(page):
    assert page.refused == []
    for name, content in FILES.items():
        text = content.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|\beval\(|innerHTML|insertAdjacentHTML|document\.write", text), name


def test_every_place_that_a_script_looks_for_is_in_the_page(page):
    for name, script in SCRIPTS.items():
        assert set(re.findall(r'byId\("([^"]+)"\)', script)) <= set(page.ids), name
    assert len(page.ids) == len(set(page.ids))


PROGRAM = """
import {fromPosition, parseNumber, toPosition} from "./format.js";
import {readFileSync} from "node:fs";
const controls = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(controls.map((control) => [
  control.positions.map((position) => fromPosition(control, position)),
  control.values.map((value) => toPosition(control, value)),
])));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_faders_have_the_curves_of_the_tables():
    positions = [0.0, 0.001, 0.1, 0.25, 0.52, 0.77, 1.0]
    controls = [c for c in build_tree(["snare808", "kick808"]).values() if c.parameter is not None]
    asked = [
        {
            **{name: getattr(control, name) for name in ("kind", "curve", "minimum", "maximum")},
            "positions": positions,
            "values": [float(control.from_position(position)) for position in positions],
        }
        for control in controls
    ]
    command = ["node", "--input-type=module", "-e", PROGRAM]
    done = subprocess.run(command, input=json.dumps(asked), cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for control, row, (values, places) in zip(controls, asked, json.loads(done.stdout), strict=True):
        if control.kind != "switch":
            assert values == pytest.approx(row["values"], rel=1e-5, abs=1e-5), control.path
        assert places == pytest.approx([control.to_position(value) for value in row["values"]], abs=1e-9), control.path
