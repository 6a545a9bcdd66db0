"""Cost of one forward pass of the mapper, by network."""

from __future__ import annotations

import numpy as np

from remapd.dsp.kernel import compiled
from remapd.engine.native import clock_ns
from remapd.mapping.mapper import NETWORK, SCRATCH, forward
from tests.bench.table import print_table
from tests.networks import MLP, MLP_LARGE, linear, mlp

NETWORKS = {"Linear": linear(), "MLP": mlp(MLP), "MLP Lrg": mlp(MLP_LARGE), "largest": mlp((3, 236, 240, 32))}
PASSES = 1000


@compiled
def _run(network, scratch, x, out, passes, clock):
    """Time in ns that `passes` forward passes take."""
    begun = clock_ns(clock)
    for i in range(passes):
        x[0] = i / passes
        forward(network, scratch, x, out)
    return clock_ns(clock) - begun


def main() -> None:
    record, scratch, out = np.zeros(1, NETWORK)[0], np.zeros(1, SCRATCH)[0], np.zeros(32)
    rows = []
    for name, network in NETWORKS.items():
        network.write(record)
        clock = np.zeros(2, np.int64)
        times = [_run(record, scratch, np.zeros(3), out, PASSES, clock) / PASSES / 1000 for _ in range(20)]
        rows.append((name, network.parameter_count, f"{min(times[1:]):.2f}", f"{np.median(times[1:]):.2f}"))
    print_table("Mapper in us a hit", ("network", "weights", "best", "median"), rows)


if __name__ == "__main__":
    main()
