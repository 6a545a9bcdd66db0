"""`remapd profiles`: what there is, what it is, whether it fits, and making one of a table."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remapd.cli import main
from remapd.sinks.midi.document import parse_midi_sink
from remapd.sinks.profiles.library import load_profile
from tests.profile_files import GOOD_LINES, THUMPER, table


def profiles(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["profiles", *map(str, arguments)])


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """The user's own folder, with nothing in it."""
    monkeypatch.setenv("REMAPD_PATHS__DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "profiles"


@pytest.fixture
def source(tmp_path) -> Path:
    """A table whose third line does not fit."""
    path = tmp_path / "Thumper.csv"
    path.write_bytes(table(GOOD_LINES[0], "Acme,Thumper,Voice,Bad,,200,,,,,,,,,,,,", *GOOD_LINES[1:]))
    return path


def test_the_list_names_what_ships_and_what_is_ones_own(own):
    own.mkdir(parents=True)
    (own / "mine.toml").write_text(THUMPER)
    (own / "broken.toml").write_text(THUMPER.replace("note = 38", "note = 380"))
    result = profiles("list")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert lines["roland-tr-8s"].endswith("Roland TR-8S: BD SD LT MT HT RS HC CH OH CC RC")
    assert lines["mine"].endswith("Acme Thumper: SD BD")
    assert "instrument.1.note: expected a whole number from 0 to 127, got 380" in lines["broken"]
    assert result.output.splitlines()[-1] == f"Your own: {own}"


def test_the_list_as_json(own):
    rows = {row["name"]: row for row in json.loads(profiles("list", "--json").output)}
    assert rows["nord-drum-3p"]["instruments"] == ["1", "2", "3", "4", "5", "6"]
    assert Path(rows["nord-drum-3p"]["path"]).is_file()


def test_show_says_what_to_set_which_drums_there_are_and_what_moves_what(own):
    output = profiles("show", "roland-tr-8s").output
    assert "RxEditData must be ON" in output
    assert "Roland TR-8S MIDI Implementation" in output
    rows = [line.split() for line in output.splitlines()]
    assert ["SD", "Snare", "drum", "10", "38", "snare808"] in rows
    assert ["snare808", "tune", "all", "osc1.freq", "100", "Hz", "400", "Hz"] in rows


def test_show_of_one_drum_says_how_each_control_is_sent(own):
    rows = [line.split() for line in profiles("show", "fluidsynth", "sd").output.splitlines()]
    assert ["brightness", "NRPN", "120,", "8", "0", "127"] in [row[:6] for row in rows]
    assert ["anything", "brightness", "centroid", "0", "1"] in rows
    rows = [line.split() for line in profiles("show", "nord-drum-3p", 1).output.splitlines()]
    assert ["tone", "pitch", "CC", "31", "and", "63"] in [row[:6] for row in rows]
    assert profiles("show", "roland-tr-8s", "tt").exit_code == 1


def test_show_as_json_and_as_a_sink(own):
    document = json.loads(profiles("show", "korg-volca-drum", "--json").output)
    assert [one["channel"] for one in document["instruments"]] == [1, 2, 3, 4, 5, 6]
    sink = json.loads(profiles("show", "korg-volca-drum", "2", "--sink").output)
    assert parse_midi_sink(sink).channel == 2


def test_the_file_itself_is_what_one_begins_with(own, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(profiles("show", "roland-tr-08", "--toml").output)
    assert load_profile(mine).device == "TR-08"


def test_an_unknown_profile_is_told_with_the_nearest(own):
    result = profiles("show", "rolandtr8s")
    assert result.exit_code == 1
    assert "did you mean roland-tr-8s?" in result.stderr


def test_verify_takes_all_that_ships_and_names_what_does_not_fit(own, tmp_path):
    result = profiles("verify")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == 8
    bad = tmp_path / "bad.toml"
    bad.write_text(THUMPER.replace("cc = 25", "cc = 250"))
    result = profiles("verify", "roland-tr-08", bad)
    assert result.exit_code == 1
    assert [line[:4] for line in result.output.splitlines()] == ["ok  ", "fail"]
    assert "instrument.1.control.1.cc" in result.output
    report = json.loads(profiles("verify", "--json", bad).output)
    assert [row["ok"] for row in report] == [False]


def test_import_refuses_a_table_with_a_bad_line_or_leaves_it_out(own, source):
    result = profiles("import", source)
    assert result.exit_code == 1
    assert result.stderr.count("line 3, cc_msb: expected a whole number from 0 to 119, got 200") == 1
    assert not own.exists()
    result = profiles("import", "--skip-bad", source)
    assert result.exit_code == 0, result.output
    assert "left out: line 3, cc_msb" in result.stderr
    first, *advice = result.stdout.splitlines()
    assert first == f"{own / 'acme-thumper.toml'}: Acme Thumper, 5 controls, no mappings yet"
    assert f"Then: remapd profiles verify {own / 'acme-thumper.toml'}" in advice
    assert load_profile(own / "acme-thumper.toml").attribution.startswith("midi.guide")
    assert "# source = " in (own / "acme-thumper.toml").read_text()
    assert profiles("show", "acme-thumper", "1").exit_code == 0


def test_import_replaces_nothing_unless_told(own, source, tmp_path):
    output = tmp_path / "x.toml"
    output.write_text("mine")
    result = profiles("import", "--skip-bad", source, "-o", output)
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert output.read_text() == "mine"
    assert profiles("import", "--skip-bad", source, "-o", output, "--force").exit_code == 0
    result = profiles("import", "--skip-bad", source, "--name", "roland-tr-8s")
    assert result.exit_code == 1
    assert "hide a profile that ships" in result.stderr


def test_import_takes_what_the_table_does_not_say(own, source, tmp_path):
    output = tmp_path / "x.toml"
    options = ["--channel", 3, "--note", 60, "--nrpn", "--licence", "CC0-1.0", "--attribution", "Me"]
    assert profiles("import", "--skip-bad", source, "-o", output, *options).exit_code == 0
    profile = load_profile(output)
    drum = profile.instruments[0]
    assert (drum.channel, drum.note, profile.licence, profile.attribution) == (3, 60, "CC0-1.0", "Me")
    assert [c.kind for c in drum.controls if c.name == "Both"] == ["nrpn"]
    result = profiles("import", "--skip-bad", source, "-o", tmp_path / "y.toml", "--channel", 17)
    assert result.exit_code == 1
    assert "channel" in result.stderr
    assert not (tmp_path / "y.toml").exists()


def test_a_missing_table_and_a_missing_folder_are_told(own, source, tmp_path):
    assert "cannot be read" in profiles("import", tmp_path / "none.csv").stderr
    result = profiles("import", "--skip-bad", source, "-o", tmp_path / "none" / "x.toml")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
