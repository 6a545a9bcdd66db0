"""Tables of controllers of midi.guide as device profiles."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.errors import RemapdError
from remapd.sinks.midi.document import parse_midi_sink
from remapd.sinks.profiles import csv_table
from remapd.sinks.profiles.csv_import import (
    ATTRIBUTION,
    Imported,
    ImportSettings,
    import_table,
    profile_name,
    refuse,
    template,
)
from remapd.sinks.profiles.csv_table import COLUMNS as KNOWN_COLUMNS
from remapd.sinks.profiles.csv_table import read_table
from remapd.sinks.profiles.library import profile_from
from remapd.sinks.profiles.profile import Profile, ProfileError
from remapd.sinks.profiles.sinks import sinks_from_profile
from remapd.sinks.profiles.writing import profile_text
from tests.profile_files import COLUMNS, GOOD_LINES, OLD_COLUMNS, table


def imported(*lines: str, columns: str = COLUMNS, **changes: object) -> Imported:
    return import_table(table(*lines, columns=columns), "Thumper.csv", ImportSettings(**changes))


def profile(*lines: str, columns: str = COLUMNS, **changes: object) -> Profile:
    found = imported(*lines, columns=columns, **changes)
    assert found.profile is not None
    return found.profile


def ways(profile: Profile) -> dict[str, tuple]:
    return {
        c.name: (c.kind, c.number, c.minimum, c.maximum, c.centre, c.default) for c in profile.instruments[0].controls
    }


def line(**cells: object) -> str:
    """Line of a table: what is not said is that of a plain controller."""
    values = {"manufacturer": "Acme", "device": "Thumper", "parameter_name": "Tune", "cc_msb": 25} | cells
    return ",".join(str(values.get(name, "")) for name in COLUMNS.split(","))


def test_each_line_becomes_a_control():
    found = imported(*GOOD_LINES)
    assert not found.problems
    assert not found.remarks
    assert found.profile is not None
    assert ways(found.profile) == {
        "Tune": ("cc", 25, 0, 127, 64, 60),
        "Wide": ("cc14", 5, 0, 16383, None, None),
        "Both": ("cc", 20, 0, 127, 64, 0),
        "Steps": ("nrpn7", 132, 0, 6, None, 3),
        "Filter: Tune": ("cc", 30, 0, 127, None, None),
    }
    sounds = [control.sounds for control in found.profile.instruments[0].controls]
    assert sounds == ["Pitch, in steps", "", "0: low; 127: high", "Careful.", ""]


def test_a_numbered_parameter_is_taken_where_it_is_wanted():
    assert ways(profile(*GOOD_LINES, prefers_nrpn=True))["Both"] == ("nrpn", 131, 0, 16383, 8192, 8192)


def test_tables_of_before_the_columns_of_defaults_are_taken():
    found = profile("Acme,Thumper,Voice,Tune,,25,,0,127,1,2,0,127,0-based,,", columns=OLD_COLUMNS)
    assert ways(found) == {"Tune": ("cc", 25, 0, 127, None, None)}
    shuffled = profile("25,Tune,Acme,Thumper", columns=" cc_msb,Parameter_Name ,manufacturer,device")
    assert ways(shuffled) == {"Tune": ("cc", 25, 0, 127, None, None)}


def test_licence_and_attribution_are_kept_and_nothing_is_mapped():
    found = profile(*GOOD_LINES)
    assert (found.licence, found.attribution) == ("CC-BY-SA-4.0", ATTRIBUTION)
    assert found.sources == ("Table Thumper.csv of midi.guide",)
    assert found.mappings == ()
    assert found.name == "acme-thumper"
    other = profile(*GOOD_LINES, licence="CC0-1.0", attribution="", name="mine", channel=3, note=40)
    assert (other.licence, other.attribution, other.name) == ("CC0-1.0", "", "mine")
    assert (other.instruments[0].channel, other.instruments[0].note) == (3, 40)


def test_what_is_written_reads_back_and_its_remarks_become_mappings():
    found = profile(*GOOD_LINES)
    text = profile_text(found, template(found))
    assert profile_from(text.encode(), found.name, "x.toml") == found
    # A person takes the marks away and says what moves the control.
    completed = text.replace(
        '# [[mapping]]\n# control = "Tune"\n# source = ""', '[[mapping]]\ncontrol = "Tune"\nsource = "scaled.centroid"'
    )
    assert completed != text
    document = sinks_from_profile(profile_from(completed.encode(), found.name, "x.toml"))
    assert [(c["number"], c["centre"]) for c in document["controls"]] == [(25, 64)]
    assert parse_midi_sink(document).note == 38


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"cc_msb": 128}, "line 2, cc_msb: expected a whole number from 0 to 119, got 128"),
        ({"cc_msb": "-1"}, "line 2, cc_msb: expected a whole number or nothing, got '-1'"),
        ({"cc_msb": "٣"}, "line 2, cc_msb: expected a whole number or nothing"),
        ({"cc_msb": 120}, "line 2, cc_msb: expected a whole number from 0 to 119, got 120"),
        ({"cc_msb": 6, "cc_lsb": 38}, "line 2, cc_msb: expected a controller that does not select or set"),
        ({"cc_msb": ""}, "line 2, cc_msb: expected the number of a controller or NRPN, got neither"),
        ({"cc_msb": "", "cc_lsb": 33}, "line 2, cc_msb: expected a number, as cc_lsb has one"),
        ({"nrpn_msb": 1}, "line 2, nrpn_lsb: expected a number, as nrpn_msb has one"),
        ({"cc_msb": "", "nrpn_msb": 1, "nrpn_lsb": 128}, "line 2, nrpn_msb: .* from 0 to 127, got 128"),
        ({"cc_min_value": "low"}, "line 2, cc_min_value: expected a whole number or nothing, got 'low'"),
        ({"cc_max_value": 128}, "line 2, cc_max_value: .* from 0 to 127, got 128"),
        ({"cc_min_value": 9, "cc_max_value": 9}, "line 2, cc_max_value: expected more than the minimum 9"),
        ({"cc_default_value": 200}, "line 2, cc_default_value: .* from 0 to 127, got 200"),
        ({"cc_msb": "", "nrpn_msb": 1, "nrpn_lsb": 2, "nrpn_max_value": 99999}, "nrpn_max_value: .* to 16383"),
        ({"orientation": "upside"}, "line 2, orientation: expected centered or 0-based, got 'upside'"),
        ({"parameter_name": " "}, "line 2, parameter_name: expected one line of 1 to 64 characters"),
        ({"manufacturer": ""}, "line 2, manufacturer: expected one line of 1 to 200 characters"),
        ({"notes": "x" * 20_001}, "line 2, notes: expected at most 20000 characters, got 20001"),
    ],
)
def test_a_line_that_does_not_fit_is_named_and_refuses_the_table_or_is_left_out(cells, problem):
    bad, good = line(**cells), line(parameter_name="Good", cc_msb=30, manufacturer="Acme")
    found = imported(bad, good)
    assert found.profile is None
    assert len(found.problems) == 1
    with pytest.raises(ProfileError, match=problem):
        raise refuse(found, "Thumper.csv")
    rest = imported(bad, good, skips_bad=True)
    assert rest.profile is not None
    assert list(ways(rest.profile)) == ["Good"]
    assert rest.problems == found.problems


def test_lines_count_as_an_editor_counts_them():
    cell = '"two\r\nlines"'
    found = imported(line(notes=cell), "", line(parameter_name="Bad", cc_msb="x"), "one,two", line(device="Other"))
    assert [(p.line, p.column) for p in found.problems] == [(5, "cc_msb"), (6, ""), (7, "device")]
    assert "expected 'Thumper' as in line 2, got 'Other'" in str(found.problems[2])


def test_a_fine_half_that_is_no_fine_half_is_remarked():
    found = imported(line(cc_msb=109, cc_lsb=118))
    assert found.profile is not None
    assert ways(found.profile)["Tune"][:2] == ("cc", 109)
    assert [str(remark) for remark in found.remarks] == [
        "line 2, cc_lsb: 118 is not 32 above 109, so only the coarse half is sent"
    ]


def test_a_pair_whose_range_is_that_of_one_half_is_sent_as_one():
    assert ways(profile(line(cc_msb=5, cc_lsb=37, cc_max_value=127)))["Tune"][:4] == ("cc", 5, 0, 127)
    assert ways(profile(line(cc_msb=5, cc_lsb=37)))["Tune"][:4] == ("cc14", 5, 0, 16383)


def test_names_that_come_again_are_told_apart():
    names = [line(section="A"), line(section="B"), line(section="B"), line(section="B")]
    assert list(ways(profile(*names))) == ["Tune", "B: Tune", "Tune (4)", "Tune (5)"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: columns: expected manufacturer, device, parameter_name, cc_msb, got no manufacturer"),
        (b"manufacturer,device\r\n", "got no parameter_name, cc_msb"),
        (COLUMNS.replace("usage", "use").encode(), r"did you mean usage\?"),
        (f"{COLUMNS},usage".encode(), "got usage twice"),
        (b"\xff\xfem\x00", "line 1: expected UTF-8 text"),
        (table("Acme,Thumper,\xe4").decode().encode("latin-1"), "line 2: expected UTF-8 text"),
        (table('Acme,"Thumper'), "line 2: no CSV"),
        (table("x" * 200_000), "no CSV: field larger than field limit"),
    ],
)
def test_what_is_no_such_table_is_refused(content, message):
    with pytest.raises(ProfileError, match=message):
        import_table(content, "Thumper.csv", ImportSettings(skips_bad=True))


def test_a_table_with_no_line_that_fits_is_refused():
    assert imported(skips_bad=True).profile is None
    with pytest.raises(ProfileError, match="has no line with a controller"):
        raise refuse(imported(), "Thumper.csv")
    assert imported(line(cc_msb=""), skips_bad=True).profile is None


def test_a_table_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(csv_table, "MAX_LINES", 10)
    assert len(read_table(table(*[line()] * 10), "x.csv")[0]) == 10
    with pytest.raises(ProfileError, match="more than 10 lines"):
        read_table(table(*[line()] * 11), "x.csv")


def test_as_many_lines_as_are_taken_make_a_profile_that_reads_back():
    lines = [line(parameter_name=f"P{at}", cc_msb="", nrpn_msb=at // 128, nrpn_lsb=at % 128) for at in range(2000)]
    found = profile(*lines)
    assert profile_from(profile_text(found, template(found)).encode(), found.name, "x.toml") == found


def test_a_byte_order_mark_and_single_line_ends_do_no_harm():
    content = b"\xef\xbb\xbf" + table(*GOOD_LINES).replace(b"\r\n", b"\n")
    assert import_table(content, "x.csv", ImportSettings()).profile is not None


def test_names_of_profiles_are_written_as_those_that_ship():
    assert profile_name("Roland TR-8S") == "roland-tr-8s"
    assert profile_name("Société  Ürg (mk2)!") == "soci-t-rg-mk2"
    assert profile_name("日本") == "profile"


def test_settings_that_do_not_fit_are_named():
    with pytest.raises(RemapdError, match="name"):
        profile(*GOOD_LINES, name="../x")
    with pytest.raises(RemapdError, match="licence"):
        profile(*GOOD_LINES, licence="")


CELL = (
    st.text(max_size=6)
    | st.integers(-1, 200).map(str)
    | st.sampled_from(["", "centered", '"', "a,b", "x\ny", "\0", "\x7f"])
)


ROWS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(KNOWN_COLUMNS, CELL)), max_size=6)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.booleans(), st.booleans())
def test_no_cell_raises_anything_else_and_what_is_taken_reads_back(rows, prefers_nrpn, skips_bad):
    settings = ImportSettings(prefers_nrpn=prefers_nrpn, skips_bad=skips_bad)
    with contextlib.suppress(RemapdError):
        found = import_table(table(*(line(**row) for row in rows)), "x.csv", settings).profile
        if found is not None:
            assert profile_from(profile_text(found, template(found)).encode(), found.name, "x.toml") == found


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise_anything_else(content, with_columns):
    with contextlib.suppress(RemapdError):
        import_table(table() + content if with_columns else content, "x.csv", ImportSettings(skips_bad=True))
