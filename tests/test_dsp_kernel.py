"""Where compiled code is kept, and whose word is taken for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from remapd.dsp import kernel

FOLDER = f"remapd-{kernel.source_fingerprint()}"
OTHER = "remapd-0123456789abcdef"
_NESTED = """
import subprocess, sys
from remapd.dsp import kernel
import numba
print(kernel.CACHE_DIR, numba.config.CACHE_DIR, flush=True)
if len(sys.argv) > 1:
    subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
"""
_COMPILE = """
import numba
from remapd.dsp import biquad, kernel
import numpy as np
was_cached = kernel.is_cached()
biquad.reset(np.zeros(1, biquad.STATE)[0])
print(was_cached, kernel.is_cached())
"""

needs_owners = pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owners here")


def _run(code, *arguments, cache):
    command = [sys.executable, "-c", code, *arguments]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.parametrize("inherited", ["", OTHER, FOLDER])
def test_a_folder_that_the_user_names_holds_one_folder_for_these_sources(tmp_path, inherited):
    assert _run(_NESTED, _NESTED, cache=tmp_path / inherited) == 4 * [str(tmp_path / FOLDER)]


def test_compiled_code_is_found_again_by_another_process(tmp_path):
    assert _run(_COMPILE, cache=tmp_path) == ["False", "True"]
    assert _run(_COMPILE, cache=tmp_path) == ["True", "True"]


def test_a_relative_folder_is_the_same_for_a_child_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "cache")
    assert kernel.cache_folder() == tmp_path / "cache" / FOLDER


def _folder(path, age_s):
    path.mkdir(parents=True)
    (path / "code.nbc").write_bytes(b"")
    os.utime(path, 2 * (time.time() - age_s,))
    return path


def test_a_new_cache_drops_those_unused_for_long_and_nothing_else(tmp_path):
    stale = _folder(tmp_path / OTHER, kernel.STALE_AFTER_S + 100.0)
    kept = [
        _folder(tmp_path / "remapd-fedcba9876543210", kernel.STALE_AFTER_S - 1000.0),
        _folder(tmp_path / "another", 2.0 * kernel.STALE_AFTER_S),
    ]
    kernel.open_cache(tmp_path / FOLDER)
    assert not stale.exists()
    assert all((folder / "code.nbc").exists() for folder in kept)


def test_a_cache_in_use_counts_as_young(tmp_path):
    used = _folder(tmp_path / OTHER, 2.0 * kernel.STALE_AFTER_S)
    kernel.open_cache(used)
    kernel.open_cache(tmp_path / FOLDER)
    assert used.exists()


def test_a_cache_that_cannot_be_made_is_no_error_yet(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    kernel.open_cache(tmp_path / "file" / FOLDER)


@needs_owners
@pytest.mark.parametrize(("mode", "trusted"), [(0o700, True), (0o755, True), (0o770, False), (0o707, False)])
def test_a_root_that_others_may_write_to_is_not_trusted(tmp_path, monkeypatch, mode, trusted):
    root = tmp_path / "root"
    root.mkdir()
    root.chmod(mode)
    monkeypatch.setattr(kernel.platformdirs, "user_cache_dir", lambda name: str(root))
    monkeypatch.setattr(kernel, "_private_temporary", lambda: tmp_path / "own")
    assert (kernel.cache_root() == root) == trusted


@needs_owners
def test_a_link_and_a_folder_of_someone_else_are_not_trusted(tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    monkeypatch.setattr(kernel.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "link"))
    monkeypatch.setattr(kernel, "_private_temporary", lambda: tmp_path / "own")
    assert kernel.cache_root() == tmp_path / "own"
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    root = kernel.cache_root()
    root.rmdir()
    assert root.parent == Path(kernel.tempfile.gettempdir())
