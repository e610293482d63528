import numpy as np
import pytest

from imdb_tasks.analysis import AnalysedRun, analyse, read_claims
from imdb_tasks.pipeline.conclusions import find_conclusions, save_conclusions
from imdb_tasks.study import Study
from tests.support.simulation import Simulated, Truth, simulate

TRUTH = Truth(study=Study(units=(32,), batch_sizes=(64, 32)), reviews=500, epochs=4)


@pytest.fixture
def first() -> Simulated:
    return simulate(TRUTH, np.random.default_rng(1))


@pytest.fixture
def concluded(first: Simulated) -> AnalysedRun:
    return AnalysedRun("run-1", analyse(first.result, first.tested, read_claims().claims, code="a"), first.tested)


def test_conclusions_come_back_from_the_store_as_they_were(first, concluded, store):
    with store.publish("analyses", "a1", {}) as folder:
        save_conclusions(concluded.analysis, concluded.tested, folder)
    found = find_conclusions(store, "run-1", "a1")
    assert found.analysis == concluded.analysis
    assert found.tested.names == first.tested.names
    np.testing.assert_array_equal(found.tested.labels, first.tested.labels)
    np.testing.assert_array_equal(found.tested.probabilities, first.tested.probabilities)


def test_conclusions_that_are_gone_damaged_or_without_predictions_are_none(first, concluded, store):
    assert find_conclusions(store, "run-1", "a1") is None
    with store.publish("analyses", "old", {}) as folder:
        folder.joinpath("analysis.json").write_text("{}")
    assert find_conclusions(store, "run-1", "old") is None
    with store.publish("analyses", "a1", {}) as folder:
        save_conclusions(concluded.analysis, first.tested, folder)
    damaged = store.files.fetch_entry("analyses/a1")
    damaged.joinpath("predictions.npz").write_bytes(b"PK")
    assert find_conclusions(store, "run-1", "a1", repair=False) is None
    assert damaged.is_dir()
    assert find_conclusions(store, "run-1", "a1") is None
    assert not damaged.exists()
