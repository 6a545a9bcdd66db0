"""What a trained model tells of its making is written, read back, and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from remapd.features.descriptors import FeatureSpec
from remapd.mapping.bundle import MAX_PROVENANCE_ENTRIES, load_model, save_model
from remapd.training.cards import card
from remapd.training.dataset import HitSet, Origin
from remapd.training.long_term import LONG_TERM
from remapd.training.provenance import error_rows, other_entries, rank_correlations, training_provenance
from remapd.training.result import Differences, History
from remapd.training.splits import even_split
from tests.models import SHIPPED, make_model

HITS = 60


@pytest.fixture
def facts():
    """Arguments of `training_provenance`, with what makes text long or awkward."""
    rng = np.random.default_rng(0)
    origins = tuple(Origin(Path(f"takes/{i} {'long ' * 8}\n|name|.wav"), 0, 0.5 * i, "a [drum]") for i in range(HITS))
    hits = HitSet(np.zeros((HITS, 4), np.float32), rng.normal(size=(HITS, 3)), np.ones(HITS), origins, FeatureSpec())
    wanted = rng.normal(size=(HITS, len(LONG_TERM)))
    reached = wanted + 0.1 * rng.normal(size=wanted.shape)
    history = History(np.ones(30), np.ones(30), np.ones(30), 19)
    return {
        "hits": hits,
        "split": even_split(hits.loudness_db, 0),
        "reference": 7,
        "recipe": "default",
        "settings": {"epochs": "250", "note": "x" * 600},
        "seed": 3,
        "history": history,
        "differences": Differences(wanted, reached, np.ones(wanted.shape, bool)),
        "ending": "stopped",
    }


def test_provenance_fits_a_model_and_is_read_back(facts, tmp_path):
    provenance = training_provenance(**facts)
    assert len(provenance) <= MAX_PROVENANCE_ENTRIES
    save_model(make_model(provenance=provenance), tmp_path / "x.safetensors")
    read = load_model(tmp_path / "x.safetensors").provenance
    assert read == provenance
    assert (read["recipe"], read["seed"]) == ("default", "3")
    assert read["data.hits"] == "60: 48 trained on, 6 chosen by, 6 tested on"
    assert read["epochs"] == "30, stopped by hand; best 20"
    files = read["data.files"]
    assert files.startswith("60: 0 long")
    assert files.endswith(f".wav and {60 - files.count('.wav')} more")
    assert read["data.drums"] == "a [drum]"
    rows = error_rows(read)
    assert [row.name for row in rows] == [*LONG_TERM.names, "mean"]
    test = facts["differences"].subset(facts["split"].test)
    np.testing.assert_allclose([r.mean for r in rows[:-1]], test.errors().mean, atol=1e-4)
    np.testing.assert_allclose([r.deviation for r in rows[:-1]], test.errors().deviation, atol=1e-4)
    np.testing.assert_allclose(rows[-1].bare, test.bare_errors().overall, atol=1e-4)
    assert set(rank_correlations(read)) == {"loudness_t_db", "centroid_t"}
    assert not {name for name in other_entries(read) if name.startswith(("error.", "rank."))}


def test_where_no_epoch_is_chosen_none_is_the_best(facts):
    facts["history"] = History(np.ones(30), np.zeros(0), np.ones(30), 29)
    assert training_provenance(**facts)["epochs"] == "30, stopped by hand"


def test_files_of_the_same_name_in_two_folders_are_two(facts):
    origins = tuple(Origin(Path(f"drum{i % 2}/take.wav"), 0, 0.5 * i, f"drum{i % 2}") for i in range(HITS))
    provenance = training_provenance(**facts | {"hits": replace(facts["hits"], origins=origins)})
    assert (provenance["data.drums"], provenance["data.files"]) == ("drum0, drum1", "2: take.wav, take.wav")


def test_errors_that_do_not_count_are_read_as_no_number(facts):
    facts["differences"].counted[:, -1] = False
    rows = {row.name: row for row in error_rows(training_provenance(**facts))}
    assert np.isnan(rows["temporal_centroid"].mean)
    assert np.isfinite(rows["loudness_t_db"].mean)


def test_the_card_has_what_the_model_has(facts):
    model = make_model(provenance=training_provenance(**facts))
    text = card(model)
    assert text == card(model)
    for part in (
        "# a model\n",
        "CC0-1.0",
        "| recipe | default |",
        "## Errors",
        "| loudness\\_t\\_db | dB |",
        "osc1.freq",
    ):
        assert part in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    # Bars and brackets of names do not end a cell or make a link.
    assert "a \\[drum\\]" in text
    assert all(row.replace("\\|", "").count("|") in (3, 5, 6) for row in rows)


def test_the_cards_that_ship_are_those_of_the_models():
    cards = {path.stem: path.read_text(encoding="utf-8") for path in (SHIPPED / "cards").glob("*.md")}
    assert cards == {path.stem: card(load_model(path)) for path in SHIPPED.glob("*.safetensors")}


def test_a_model_that_was_not_trained_has_a_card_without_errors():
    text = card(make_model(provenance={}))
    assert "## Errors" not in text
    assert "## How it was made" not in text
    assert "\n\n\n" not in text
