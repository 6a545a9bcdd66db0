import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from remapd import __version__
from remapd.cli import COMMANDS, main
from remapd.engine.controls import TRACK_PARAMETERS


def test_version():
    assert CliRunner().invoke(main, ["--version"]).output == f"remapd, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name):
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "Options:" in result.output


def test_help_lists_the_commands_without_importing_what_they_need():
    code = (
        "import sys; from remapd.cli import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(name in output for name in COMMANDS)
    assert "'numba'" not in output
    assert "'numpy'" not in output


def test_unknown_command_is_a_usage_error():
    result = CliRunner().invoke(main, ["rendr"])
    assert result.exit_code == 2
    assert "rendr" in result.output


def test_parameters_come_from_the_table():
    result = CliRunner().invoke(main, ["parameters", "--json"])
    listed = json.loads(result.output)
    assert [row["name"] for row in listed["track"]] == list(TRACK_PARAMETERS.names)
    assert "snare808" in listed
    shown = CliRunner().invoke(main, ["parameters"]).output
    assert all(name in shown for name in TRACK_PARAMETERS.names)
