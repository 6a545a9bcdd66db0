"""Playing never loads torch; training says what is missing where it is not installed."""

import subprocess
import sys
from pathlib import Path

import pytest

import remapd.training
from remapd.cli import COMMANDS
from remapd.errors import TrainingError
from remapd.extras import require_torch

#: Modules of `remapd.training` that work without torch.
TORCH_FREE = ("dataset", "splits", "long_term", "recipes", "result", "report")
TORCH_FREE += tuple(f"experiment_{part}" for part in ("plan", "store", "jobs", "run", "pools", "tables"))

_MODULES = """
import sys
for module in {modules!r}:
    __import__(module)
print("torch" in sys.modules)
"""

_RENDER = """
import sys
import numpy, soundfile
from click.testing import CliRunner
from remapd.cli import main
soundfile.write("in.wav", numpy.zeros(4800), 48000)
result = CliRunner().invoke(main, ["render", "in.wav", "out.wav"], catch_exceptions=False)
assert result.exit_code == 0, result.output
print("torch" in sys.modules)
"""


def run_python(code: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands_and_what_plays_load_no_torch():
    modules = ["remapd.cli", "remapd.engine_process", "remapd.daemon.session", "remapd.daemon.supervisor"]
    modules += [
        "remapd.control.building",
        "remapd.control.service",
        "remapd.daemon.child",
        "remapd.daemon.composition",
        "remapd.demo.session",
        "remapd.offline.render",
    ]
    modules += [f"remapd.commands.{name}" for name in COMMANDS]
    assert run_python(_MODULES.format(modules=modules)).splitlines()[-1] == "False"


def test_a_render_loads_no_torch(tmp_path):
    assert run_python(_RENDER, tmp_path).splitlines()[-1] == "False"


def test_torch_free_modules_of_training():
    folder = Path(remapd.training.__file__).parent
    there = [f"remapd.training.{name}" for name in TORCH_FREE if (folder / f"{name}.py").exists()]
    assert run_python(_MODULES.format(modules=there)).splitlines()[-1] == "False"


@pytest.mark.parametrize("missing", ["torch", "scipy"])
def test_a_missing_package_is_told_with_the_extra(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(TrainingError, match=rf"{missing}.* not installed: pip install 'remapd\[train\]'"):
        require_torch()
