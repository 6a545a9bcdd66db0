"""Stand-ins for the process that trains: small programs that tell and end as the real one might."""

import json
import sys

RECIPES = {"default": "ours", "nime2024": "theirs"}

_PRELUDE = f"""
import json, os, pathlib, shutil, signal, subprocess, sys, time
if "--list-recipes" in sys.argv:
    print({json.dumps(RECIPES)!r})
    sys.exit()
options = dict(argument.split("=", 1) for argument in sys.argv[1:] if argument.startswith("--") and "=" in argument)
recordings = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
def say(**line): print(json.dumps(line), flush=True)
def epoch(n, of): say(epoch=n, epochs=of, train_loss=1 / n, validation_loss=None, best_loss=None, left_s=float(of - n))
def wait_for_parent(): sys.stdin.read()
"""


def fake_trainer(program: str) -> list[str]:
    """Command of a trainer that runs `program`, in which ``options`` and ``recordings`` are what it was given."""
    return [sys.executable, "-c", _PRELUDE + program]


def making(model: str) -> str:
    """Program that learns for two epochs and gives a copy of a model's file."""
    return f"""
say(stage="reading")
say(hits={{"hits": 20, "warnings": []}})
say(stage="training")
epoch(1, 2)
epoch(2, 2)
shutil.copy({model!r}, options["--output"])
pathlib.Path(options["--report"], "audio").mkdir(parents=True)
pathlib.Path(options["--report"], "index.html").write_text("<p>report")
pathlib.Path(options["--report"], "audio", "all_hits.wav").write_bytes(b"RIFF")
say(result={{"name": options["--name"], "ending": "finished"}})
"""


LEARNING = """
say(stage="training")
epoch(1, 100)
wait_for_parent()
"""
