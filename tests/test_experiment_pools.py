"""Processes of this machine and a Dask cluster: same results as at once, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

import remapd
from remapd.errors import TrainingError
from remapd.training import experiment_pools
from remapd.training.experiment_pools import DaskPool, LocalPool
from tests.experiments import contents, plan, run, write_drums

RECIPES = ("bare", "nime2024")

# A worker has the script's standard output, which therefore ends only when both are gone.
_SCRIPT = """
import os, sys, time
from remapd.training.experiment_pools import LocalPool
if __name__ == "__main__":
    pool = LocalPool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    try:
        pool.submit(time.sleep, 3600.0).result()
    finally:
        pool.close(is_complete=False)
"""


@pytest.fixture(scope="module")
def drums(tmp_path_factory) -> Path:
    return write_drums(tmp_path_factory.mktemp("drums"), "one")


@pytest.fixture(scope="module")
def expected(drums, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inline")
    run(plan(drums, *RECIPES), folder)
    return contents(folder)


def test_results_do_not_depend_on_the_workers(drums, expected, tmp_path):
    pool = LocalPool(2)
    try:
        tally, told = run(plan(drums, *RECIPES), tmp_path, pool)
        assert pool.submit(os.getpid).result() != os.getpid()
        niceness = pool.submit(os.nice, 0).result()
    finally:
        pool.close(is_complete=True)
    assert (tally.computed, tally.failed, told) == (2, 0, [])
    assert contents(tmp_path) == expected
    assert niceness > os.nice(0) or niceness == 19


def test_a_dead_worker_is_told():
    pool = LocalPool(1)
    try:
        with pytest.raises(Exception, match="terminated abruptly") as caught:
            pool.submit(os._exit, 1).result()
        assert "fewer --workers" in str(pool.lost(caught.value))
        with pytest.raises(TrainingError, match="fewer --workers"):
            pool.submit(os.getpid)
    finally:
        pool.close(is_complete=False)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        env={**os.environ, "PYTHONPATH": str(Path(remapd.__file__).parents[1])},
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) != process.pid
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.kill()
        # Comes to an end only when the worker has.
        rest, told = process.communicate()
    assert rest == ""
    assert told.count("Traceback") == (number == signal.SIGINT), told


def test_dask_cluster_gives_the_same_results(drums, expected, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(experiment_pools, "_WORKERS_S", 0.01)
    with distributed.LocalCluster(n_workers=0, threads_per_worker=2, dashboard_address=None) as cluster:
        with pytest.raises(TrainingError, match="no worker"):
            DaskPool(cluster.scheduler_address)
        monkeypatch.setattr(experiment_pools, "_WORKERS_S", 600.0)
        cluster.scale(1)
        pool = DaskPool(cluster.scheduler_address)
        try:
            assert pool.size == 2
            tally, told = run(plan(drums, *RECIPES), tmp_path, pool)
            assert (tally.computed, tally.failed, told) == (2, 0, [])
            with pytest.raises(ZeroDivisionError) as caught:
                pool.submit(divmod, 1, 0).result()
            assert "ZeroDivisionError" in str(pool.lost(caught.value))
            assert "needs this version of remapd" in str(pool.lost(caught.value))
        finally:
            pool.close(is_complete=True)
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", ""])
def test_no_dask_cluster(monkeypatch, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr(experiment_pools, "_CONNECT_S", 0.2)
    with pytest.raises(TrainingError, match=f"--dask {address}: no Dask scheduler there"):
        DaskPool(address)


def test_missing_dask_is_told_with_the_extra(monkeypatch):
    monkeypatch.setattr(experiment_pools, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"pip install 'remapd\[train,experiment\]'"):
        DaskPool("tcp://127.0.0.1:1")
