"""Patterns of OSC addresses, held against an enumeration by regular expressions; addresses of the tree."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.control.osc.addresses import NEW_PATTERNS_AT_ONCE, REMEMBERED_PATTERNS, Addresses
from remapd.control.osc.patterns import MAX_LEVELS, MAX_WILDCARDS, NamePattern, is_pattern, levels
from remapd.control.tree import build_tree
from remapd.errors import FieldError

LETTERS = "abc-1"
NAMES = st.text(LETTERS, max_size=8)
SETS = st.builds("[{}{}]".format, st.sampled_from(["", "!"]), st.text("abc1", min_size=1, max_size=3))
CHOICES = st.lists(st.text(LETTERS, max_size=3), min_size=1, max_size=3).map(lambda texts: "{" + ",".join(texts) + "}")
PIECES = st.one_of(st.text(LETTERS, min_size=1, max_size=3), st.sampled_from(["?", "*", "**"]), SETS, CHOICES)
WORST_PATTERNS = (
    "//" + "*?" * 7,
    "//*" * 8,
    "/" + "*" * 14,
    "/remapd" + "//*a*" * 3,
    "//*{,o,s,c,d,e}*?*{,r,e}*?*?*y*",
)
PATTERNS = st.lists(PIECES, max_size=6).map("".join)


def as_regex(pattern):
    out = ""
    for piece in re.findall(r"\[.*?\]|\{.*?\}|.", pattern):
        if piece[0] == "[":
            out += "[^" + piece[2:] if piece[1] == "!" else piece
        elif piece[0] == "{":
            out += "(?:" + "|".join(map(re.escape, piece[1:-1].split(","))) + ")"
        else:
            out += {"?": ".", "*": ".*"}.get(piece, re.escape(piece))
    return out


@given(PATTERNS, NAMES)
def test_names_match_as_the_regular_expression_does(pattern, name):
    assert NamePattern(pattern).matches(name) == (re.fullmatch(as_regex(pattern), name) is not None)


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("[a-c]", ["a", "b", "c"], ["d", "-", ""]),
        ("[!a-c]", ["d", "-"], ["a", "b", ""]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[c-a]", [], ["a", "b", "c"]),
        ("[]", [], ["", "a"]),
        ("osc{1,2}", ["osc1", "osc2"], ["osc", "osc3", "osc12"]),
        ("{,a}b", ["b", "ab"], ["a"]),
        ("a!b", ["a!b"], ["ab"]),
    ],
)
def test_brackets_and_braces(pattern, matching, others):
    assert [name for name in matching + others if NamePattern(pattern).matches(name)] == matching


@pytest.mark.parametrize("pattern", ["/[", "/a]", "/{a", "/}", "/[a{b}]", "/{a*}", "/{a/b}", "/[a/b]"])
def test_brackets_without_partner_are_refused(pattern):
    with pytest.raises(FieldError, match="pattern"):
        levels(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["/" + "*/" * (MAX_WILDCARDS + 1), "/a" * (MAX_LEVELS + 1) + "*", "/{" + "," * 33 + "}", "/" + "?" * 17],
)
def test_patterns_have_a_size(pattern):
    with pytest.raises(FieldError, match="at most"):
        levels(pattern)


def test_what_is_a_pattern():
    assert not is_pattern("/remapd/track/1/onset/hold_ms")
    assert all(map(is_pattern, ["/a*", "/?", "/[a]", "/{a,b}", "//a", "/a//b"]))


@pytest.fixture
def addresses():
    return Addresses(lambda: build_tree(["snare808", "kick808"]))


PATHS = tuple(build_tree(["snare808", "kick808"]))


def by_regex(expression):
    return tuple(path for path in PATHS if re.fullmatch(expression, "/remapd" + path))


@pytest.mark.parametrize(
    ("pattern", "expression"),
    [
        ("/remapd/track/*/gain_db", r"/remapd/track/\d/gain_db"),
        ("/remapd/track/[2-9]/onset/*", r"/remapd/track/2/onset/[^/]*"),
        ("/*/track/1/{mute,solo}", r"/remapd/track/1/(mute|solo)"),
        ("/remapd/*", r"/remapd/[^/]*"),
        ("//hold_ms", r".*/hold_ms"),
        ("/remapd//osc1/*", r"/remapd(/.*)?/osc1/[^/]*"),
        ("/remapd//", r"/remapd/.*"),
        ("//", r".*"),
        ("//track//*_db", r".*/track(/.*)?/[^/]*_db"),
        ("////hold_ms", r".*/hold_ms"),
        ("/remapd/device/block_siz?", r"/remapd/device/block_size"),
    ],
)
def test_patterns_find_what_they_describe(addresses, pattern, expression):
    found = addresses.paths(pattern)
    assert sorted(found) == sorted(by_regex(expression))
    assert addresses.paths(pattern) is found  # It is remembered.


def test_addresses_of_controls_and_containers(addresses):
    assert addresses.paths("/remapd/track/1/gain_db") == ("/track/1/gain_db",)
    assert addresses.paths("/remapd/track/2/onset", expands=True) == by_regex("/remapd/track/2/onset/.*")
    assert set(addresses.paths("/remapd/track/*", expands=True)) == set(by_regex("/remapd/track/.*"))
    for root in ("/", "/remapd", "/remapd/"):
        assert set(addresses.paths(root, expands=True)) == set(PATHS)


@pytest.mark.parametrize("address", ["/remapd/track/1", "/track/1/gain_db", "/remapd/track/3/*", "/", "/remapdx"])
def test_what_stands_for_no_control_is_refused(addresses, address):
    with pytest.raises(FieldError, match="one that there is"):
        addresses.paths(address)


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("/remapd/track/1/onset/hold_m", "/remapd/track/1/onset/hold_ms"),
        ("/remapd/trac/1/onset/hold_ms", "/remapd/track"),
        ("/remap/panic", "/remapd"),
    ],
)
def test_a_near_address_is_named(addresses, address, meant):
    assert addresses.hint(address) == f" (did you mean {meant}?)"


def test_what_is_far_from_everything_has_no_hint(addresses):
    assert addresses.hint("/xyzzy") == addresses.hint("/remapd/track/1") == addresses.hint("/remapd/*/x") == ""


def test_patterns_are_looked_up_anew_when_the_tree_has_changed():
    tree = build_tree(["snare808"])
    addresses = Addresses(lambda: tree)
    assert len(addresses.paths("/remapd/track/*/mute")) == 1
    tree = build_tree(["snare808", "snare808"])
    addresses.forget()
    assert len(addresses.paths("/remapd/track/*/mute")) == 2


def mutes(number):
    """One of many patterns for the same."""
    return f"/remapd/*/1/mut[e{number}]"


def test_new_patterns_are_few_in_a_second_and_known_ones_free(addresses):
    assert addresses.paths(mutes(0)) == ("/track/1/mute",)
    for number in range(1, int(NEW_PATTERNS_AT_ONCE)):
        addresses.paths(mutes(number))
    with pytest.raises(FieldError, match="new ones a second"):
        list(map(addresses.paths, map(mutes, range(1000, 1010))))
    assert addresses.paths(mutes(0)) == ("/track/1/mute",)


def test_few_patterns_are_remembered(addresses, monkeypatch):
    monkeypatch.setattr(addresses, "_new_patterns", Generous())
    for number in range(REMEMBERED_PATTERNS + 50):
        addresses.paths(mutes(number))
    assert len(addresses._known) == REMEMBERED_PATTERNS


class Generous:
    def take(self):
        return True


@given(st.lists(st.sampled_from("/*?[]{},!-ao_1"), max_size=40).map(lambda parts: "/" + "".join(parts)))
def test_any_pattern_is_looked_up_or_refused(pattern):
    addresses = Addresses(lambda: build_tree(["snare808"]))
    with contextlib.suppress(FieldError):
        assert addresses.paths(pattern)


def test_the_worst_patterns_come_to_an_end():
    """Fourteen stars stall python-osc for more than 15 s; here the work is bounded, and the benchmark says how long."""
    addresses = Addresses(lambda: build_tree(["snare808"] * 8))
    for pattern in WORST_PATTERNS:
        with contextlib.suppress(FieldError):
            addresses.paths(pattern)
