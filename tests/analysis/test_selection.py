import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.analysis.selection import Selection, best_model, select
from imdb_tasks.study import Study, VariantResult
from tests.support.simulation import Simulated, Truth, simulate
from tests.support.study_results import study_result

TWO = Study(cells=("GRU",), units=(64, 32), batch_sizes=(32,))
MANY = TWO.model_copy(update={"replicates": 20})


def selected(simulated: Simulated, tested: Predictions | None = None) -> Selection:
    tested = tested or simulated.tested
    return select(simulated.result, measure(simulated.result, tested, 200), tested)


def drawn(seed: int = 1, **truth) -> Simulated:
    return simulate(Truth(**{"study": TWO, "reviews": 400, "epochs": 2, **truth}), np.random.default_rng(seed))


def with_validation(row: VariantResult, accuracy: float, loss: float = 0.4) -> VariantResult:
    history = row.training.history.model_copy(update={"val_accuracy": (0.99, accuracy), "val_loss": (0.1, loss)})
    return row.model_copy(update={"training": row.training.model_copy(update={"history": history})})


def with_validations(accuracies: dict[tuple[str, int], float], losses: dict | None = None) -> list[VariantResult]:
    study = Study(cells=("GRU", "LSTM"), units=(32,), batch_sizes=(64,), replicates=2)
    rows = study_result(study, diverged={}, exploding=(), missing={}).variants
    keys = [(row.variant.cell, row.variant.replicate) for row in rows]
    return [
        with_validation(row, accuracies[key], (losses or {}).get(key, 0.4)) for row, key in zip(rows, keys, strict=True)
    ]


def test_the_choice_is_made_on_the_validation_reviews_after_the_last_epoch():
    models = with_validations({("GRU", 0): 0.80, ("GRU", 1): 0.90, ("LSTM", 0): 0.86, ("LSTM", 1): 0.87})
    assert best_model(models).variant.label == "LSTM-32/64 r1"  # the setting's mean decides, then the replicate
    assert best_model(models[:2]).variant.label == "GRU-32/64 r1"


def test_test_results_do_not_take_part_in_the_choice():
    models = with_validations({("GRU", 0): 0.80, ("GRU", 1): 0.81, ("LSTM", 0): 0.86, ("LSTM", 1): 0.87})
    flattered = [
        row.model_copy(update={"test": row.test.model_copy(update={"accuracy": 0.99 if i == 0 else 0.5})})
        for i, row in enumerate(models)
    ]
    assert best_model(flattered).variant == best_model(models).variant


def test_of_equal_accuracies_the_lower_validation_loss_is_chosen():
    equal = dict.fromkeys([("GRU", 0), ("GRU", 1), ("LSTM", 0), ("LSTM", 1)], 0.8)
    losses = {("GRU", 0): 0.5, ("GRU", 1): 0.4, ("LSTM", 0): 0.3, ("LSTM", 1): 0.9}
    assert best_model(with_validations(equal, losses)).variant.name == "32_GRU_64_r1"


def test_a_training_that_diverged_is_no_better_than_a_guess_for_its_setting():
    study = Study(cells=("GRU", "LSTM"), units=(32,), batch_sizes=(64,), replicates=2)
    result = study_result(study, diverged={"32_GRU_64": 3}, exploding=(), missing={})
    assert best_model(result.variants).variant.cell == "LSTM"


def test_without_a_finished_model_none_is_chosen():
    names = {variant.name: "no worker" for variant in Study().variants}
    assert best_model(study_result(missing=names).variants) is None


def test_the_choice_reports_its_test_accuracy_with_an_interval_and_the_baseline():
    simulated = drawn(by_units={64: 0.05}, validation_reviews=10_000)
    choice = selected(simulated).choice
    right = float(simulated.tested.right("64_GRU_32").mean())
    assert choice.variant.units == 64
    assert choice.accuracy == pytest.approx(right)
    assert choice.interval.low < right < choice.interval.high
    assert choice.baseline.label == "negative"
    assert choice.baseline.accuracy == pytest.approx((simulated.tested.labels == 0).mean())
    assert choice.beats_baseline


def test_a_cheaper_setting_that_is_as_good_is_recommended_with_its_limit():
    found = selected(drawn(study=MANY, reviews=4_000, by_units={64: 0.002}, validation_reviews=100_000))
    [candidate] = found.recommendation.candidates
    assert found.choice.variant.units == 64
    assert found.recommendation.use.units == 32
    assert candidate.good_enough
    assert candidate.loss < candidate.loss_limit < 0.01
    assert (
        "GRU-32/32 has 50 % of its trainable parameters and is, with 95 % confidence, at most"
        in found.recommendation.why
    )


@pytest.mark.parametrize(("replicates", "reviews"), [(20, 4_000), (2, 50)], ids=["really worse", "too few to tell"])
def test_a_cheaper_setting_that_is_not_shown_to_be_as_good_is_not_recommended(replicates, reviews):
    study = TWO.model_copy(update={"replicates": replicates})
    found = selected(drawn(study=study, reviews=reviews, by_units={64: 0.03}, validation_reviews=100_000))
    assert found.recommendation.use == found.choice.variant
    assert found.recommendation.use.units == 64
    assert "No setting with fewer parameters is shown to be as good" in found.recommendation.why


def test_a_setting_that_is_more_accurate_on_the_test_reviews_than_the_recommended_one_is_named():
    seen = set()
    for seed in range(8):
        found = selected(drawn(seed, validation_reviews=50))
        ahead = max(found.standings, key=lambda each: each.accuracy).variant
        said = f"{ahead.label} is right more often: " in found.recommendation.why
        assert said == (ahead != found.recommendation.use)
        seen.add(said)
    assert seen == {True, False}


def test_one_training_of_two_settings_shows_nothing_of_a_cheaper_one():
    found = selected(drawn(by_units={64: 0.05}, validation_reviews=10_000))
    [candidate] = found.recommendation.candidates
    assert candidate.loss_limit is None
    assert not candidate.good_enough
    assert "One training of each setting cannot show" in found.recommendation.why


def test_nothing_is_recommended_that_is_no_better_than_the_constant_answer():
    found = selected(drawn(accuracy=0.5, reviews=2_000))
    assert not found.choice.beats_baseline
    assert found.recommendation.use is None
    assert "always answering “negative”" in found.recommendation.why
    assert "No model is shown to be better than always answering" in found.recommendation.why


def test_settings_stand_in_the_order_of_their_mean_validation_accuracy():
    found = selected(drawn(study=TWO.model_copy(update={"replicates": 3}), by_units={32: 0.05}))
    assert [s.variant.units for s in found.standings] == [32, 64]
    first, second = found.standings
    assert (first.behind, first.behind_interval, first.replicates) == (0.0, None, 3)
    assert second.behind == pytest.approx(first.accuracy - second.accuracy)
    assert second.behind_interval.low < second.behind < second.behind_interval.high
    assert first.accuracy_sd > 0


def test_the_time_of_a_training_leaves_the_compilation_out():
    simulated = drawn()
    [row, *rest] = simulated.result.variants
    history = row.training.history.model_copy(update={"seconds": (100.0, 2.0), "loss": row.training.history.loss[:2]})
    slow = row.model_copy(update={"training": row.training.model_copy(update={"history": history})})
    result = simulated.result.model_copy(update={"variants": (slow, *rest)})
    found = select(result, measure(result, simulated.tested, 20), simulated.tested)
    assert max(s.training_seconds for s in found.standings) == pytest.approx(102.0)  # the median of two, twice


def test_the_best_model_is_of_the_setting_that_is_chosen():
    simulated = drawn(study=TWO.model_copy(update={"replicates": 3}), by_units={32: 0.05})
    choice = selected(simulated).choice
    assert best_model(simulated.result.variants).variant == choice.model
    assert choice.model.setting == choice.variant


def test_without_a_test_result_nothing_is_selected():
    names = {variant.name: "no worker" for variant in Study().variants}
    result = study_result(missing=names)
    nobody = Predictions((), np.zeros(4, np.int8), np.empty((0, 4), np.float32))
    assert select(result, measure(result, nobody, 20), nobody) == Selection()
