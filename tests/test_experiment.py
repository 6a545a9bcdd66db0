"""An experiment: what is judged, how it goes on after it was broken off, and what it makes of what it finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")

from remapd.errors import ModelError, TrainingError  # noqa: E402
from remapd.mapping.bundle import load_model  # noqa: E402
from remapd.training import experiment_jobs, trainer  # noqa: E402
from remapd.training.dataset import load_hits  # noqa: E402
from remapd.training.experiment_plan import ROWS, get_method  # noqa: E402
from remapd.training.experiment_store import Store  # noqa: E402
from remapd.training.kernels.threads import use_threads  # noqa: E402
from tests.experiments import InlinePool, contents, plan, run, short, write_drums  # noqa: E402
from tests.training_hits import preset  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _threads():
    """Jobs set threads for the whole process, which here goes on with other tests."""
    threads = torch.get_num_threads()
    yield
    use_threads(None)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def drums(tmp_path_factory) -> Path:
    return write_drums(tmp_path_factory.mktemp("drums"), "one", "two")


@pytest.fixture(scope="module")
def every(drums, tmp_path_factory):
    """Results of every kind of job on the first drum."""
    folder = tmp_path_factory.mktemp("results")
    whole = plan(drums, "bare", "direct", "nime2024", "nime2024-2048", seeds=2)
    one = replace(whole, folders=whole.folders[:1])
    assert run(one, folder)[0].failed == 0
    return {result.cell[2:]: result for result in Store(folder).all(pytest.fail)}


def test_recipes_are_judged_by_the_same_hits_and_what_was_wanted_of_them(every):
    for seed in (0, 1):
        results = [result for (_, s), result in every.items() if s == seed]
        assert len(results) == 4
        assert len({result.test for result in results}) == 1
        assert len(results[0].test) == 2
        for result in results:
            np.testing.assert_array_equal(result.differences.wanted, results[0].differences.wanted)
    assert every["bare", 0].test != every["bare", 1].test


def test_figures_are_those_of_the_training_itself(every, drums):
    recipe = short("nime2024")
    result = trainer.train(load_hits([drums / "one"], spec=recipe.features), preset(), recipe, seed=1)
    for part in ("wanted", "reached", "counted"):
        np.testing.assert_array_equal(
            getattr(every["nime2024", 1].differences, part), getattr(result.part("test"), part)
        )


def test_bare_preset_never_changes(every):
    assert not every["bare", 0].differences.reached.any()
    assert every["direct", 0].differences.reached.any()


def test_goes_on_where_it_was_broken_off(drums, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    wanted = plan(drums, "bare", "nime2024")
    assert run(wanted, whole)[0].computed == 4
    with pytest.raises(KeyboardInterrupt):
        run(wanted, broken, InlinePool(fails_at=3))
    done = contents(broken)
    assert 0 < len(done) < 4
    tally, told = run(wanted, broken)
    assert (tally.present, tally.computed, told) == (len(done), 4 - len(done), [])
    assert contents(broken) == contents(whole)
    pool = InlinePool()
    assert run(wanted, broken, pool)[0].present == 4
    assert pool.calls == 0


@pytest.mark.parametrize("damage", ["{", "", "[]", '{"format": "other"}', '{"seed": 1, "seed": 2}', "\udcff"])
def test_damaged_results_are_told_and_done_again(drums, tmp_path, damage):
    wanted = plan(drums, "bare")
    run(wanted, tmp_path)
    before = contents(tmp_path)
    path = sorted((tmp_path / "jobs").iterdir())[0]
    path.write_text(damage, errors="surrogateescape")
    tally, told = run(wanted, tmp_path)
    assert (tally.present, tally.computed) == (1, 1)
    assert len(told) == 1
    assert str(path) in told[0]
    assert "done again" in told[0]
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("drum", 1),
        ("seed", -1),
        ("seed", 0.5),
        ("hits", "many"),
        ("test", {}),
        ("test", []),
        ("error", None),
        ("fingerprint", []),
        ("differences", {}),
        ("differences", {"wanted": [[1.0]], "reached": [[1.0]], "counted": [[True]]}),
        ("differences", {"wanted": "x", "reached": "x", "counted": "x"}),
        ("surplus", 1),
    ],
)
def test_results_that_do_not_fit_are_done_again(drums, tmp_path, field, value):
    wanted = plan(drums, "bare")
    run(wanted, tmp_path)
    path = sorted((tmp_path / "jobs").iterdir())[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    tally, told = run(wanted, tmp_path)
    assert tally.computed == 1
    assert field in told[0]


def test_results_of_another_job_or_experiment_are_told_and_done_again(drums, tmp_path):
    wanted = plan(drums, "bare")
    run(wanted, tmp_path)
    first, second = sorted((tmp_path / "jobs").iterdir())
    first.write_bytes(second.read_bytes())
    tally, told = run(wanted, tmp_path)
    assert tally.computed == 1
    assert "another job" in told[0]
    other = replace(preset("snare_3"), name="snare_1")
    tally, told = run(replace(wanted, presets=(other,)), tmp_path)
    assert tally.computed == 2
    assert told == [f"{drum}: 1 results were made with another preset; done again" for drum in ("one", "two")]


def test_other_recordings_or_recipes_are_noticed(tmp_path):
    folder = write_drums(tmp_path / "drums", "one")
    run(plan(folder, "bare", "nime2024"), tmp_path)
    path = folder / "one" / "take.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    soundfile.write(path, samples * 0.9, rate, subtype="FLOAT")
    assert run(plan(folder, "bare"), tmp_path)[1] == ["one: 1 results were made with another data; done again"]
    longer = replace(short("nime2024"), epochs=3)
    wanted = replace(plan(folder), methods=(longer,))
    assert run(wanted, tmp_path)[1] == ["one: 1 results were made with another data and recipe; done again"]


def test_a_drum_without_hits_stops_no_other(drums, tmp_path):
    folder = write_drums(tmp_path / "drums", "good")
    for name, content in (("silent", np.zeros(44100)), ("empty", None)):
        (folder / name).mkdir()
        if content is not None:
            soundfile.write(folder / name / "take.wav", content, 44100)
    wanted, results = plan(folder, "bare"), tmp_path / "results"
    tally, told = run(wanted, results)
    assert (tally.computed, tally.failed) == (3, 2)
    assert any("silent" in line for line in told)
    errors = {result.cell.drum: result.error for result in Store(results).all(pytest.fail)}
    assert errors["good"] == ""
    assert "16 hits are needed" in errors["silent"]
    assert "no recording" in errors["empty"]
    tally, _ = run(wanted, results)
    assert (tally.computed, tally.present, tally.failed_before) == (0, 1, 2)
    tally, _ = run(wanted, results, retry_failed=True)
    assert (tally.computed, tally.failed) == (2, 2)


def test_a_failing_job_is_recorded_and_can_be_tried_again(drums, tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ValueError("bad\nluck")

    wanted = plan(drums, "bare", "nime2024")
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "train", fail)
        tally, told = run(wanted, tmp_path)
    assert tally.failed == 2
    assert told == [f"{drum} snare_1 nime2024 0 has failed: ValueError: bad luck" for drum in ("one", "two")]
    failed = [result for result in Store(tmp_path).all(pytest.fail) if result.error]
    assert [result.error for result in failed] == ["ValueError: bad luck"] * 2
    tally, _ = run(wanted, tmp_path, retry_failed=True)
    assert (tally.present, tally.computed, tally.failed) == (2, 2, 0)


def test_what_is_not_finite_is_a_failure(drums, tmp_path, monkeypatch):
    measured = experiment_jobs._measured

    def diverged(*given):
        differences = measured(*given)
        return replace(differences, reached=differences.reached * np.nan)

    monkeypatch.setattr(experiment_jobs, "_measured", diverged)
    run(plan(drums, "bare"), tmp_path)
    assert all("diverged" in result.error for result in Store(tmp_path).all(pytest.fail))


def test_models_are_kept_and_made_again_where_they_are_missing(drums, tmp_path):
    wanted = plan(drums, "bare", "nime2024")
    run(wanted, tmp_path, keep_models=True)
    models = sorted((tmp_path / "models").iterdir())
    assert len(models) == 2
    assert load_model(models[0]).provenance["recipe"] == "nime2024"
    before = models[1].read_bytes()
    models[1].unlink()
    assert run(wanted, tmp_path)[0].computed == 0
    assert run(wanted, tmp_path, keep_models=True)[0].computed == 1
    assert models[1].read_bytes() == before


def test_a_full_disk_stops_and_leaves_no_half_result(drums, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("remapd.files.os.fsync", full)
    with pytest.raises(ModelError, match="No space left"):
        run(plan(drums, "bare"), tmp_path)
    assert contents(tmp_path) == {}


def test_workers_of_another_version_are_refused(drums, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment_jobs, "__version__", "9.9")
    with pytest.raises(TrainingError, match=r"this worker has 9\.9"):
        run(plan(drums, "bare"), tmp_path)
    assert contents(tmp_path) == {}


def test_rows_of_the_publication_are_there():
    assert [get_method(name).name for name in ROWS] == list(ROWS)
    assert len(ROWS) == 9
