"""Every benchmark, or those named, of `BENCHMARKS`: ``python -m tests.bench engine live``."""

from __future__ import annotations

import argparse
import importlib

BENCHMARKS = (
    "engine",
    "blocks",
    "detection",
    "live",
    "processes",
    "control",
    "events",
    "wire",
    "midi_out",
    "midi_wire",
    "training",
)


def main() -> None:
    """Run the benchmarks one after the other; each prints its tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], default=BENCHMARKS, metavar="NAME")
    for name in parser.parse_args().names:
        importlib.import_module(f"tests.bench.bench_{name}").main()


if __name__ == "__main__":
    main()
