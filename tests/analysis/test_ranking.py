import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.ranking import Ranking, best_model, rank
from imdb_tasks.analysis.whole_study import measure
from imdb_tasks.study import Study, VariantResult
from tests.support.simulation import Simulated, Truth, simulate
from tests.support.study_results import study_result

TWO = Study(cells=("GRU",), units=(64, 32), batch_sizes=(32,))


def ranked(simulated: Simulated, predictions: Predictions | None = None) -> Ranking:
    predictions = predictions or simulated.tested
    return rank(simulated.result, measure(simulated.result, predictions, 200), predictions)


def right_and_wrong(both: int, first: int, second: int, neither: int) -> Predictions:
    """Predictions of two models on positive reviews: how many both, one alone, or neither gets right."""
    one = [0.9] * (both + first) + [0.1] * (second + neither)
    other = [0.9] * both + [0.1] * first + [0.9] * second + [0.1] * neither
    rows = np.array([one, other], np.float32)
    return Predictions(tuple(v.name for v in TWO.variants), np.ones(rows.shape[1], np.int8), rows)


def two(predictions: Predictions) -> Ranking:
    return ranked(simulate(Truth(study=TWO, reviews=10, epochs=2), np.random.default_rng(0)), predictions)


def test_best_and_second_are_compared_by_mcnemars_exact_test():
    """Of 10 reviews that one alone gets right, 9 fall to the best: two-sided binomial, 2 * 11 / 1024."""
    found = two(right_and_wrong(80, 9, 1, 10))
    best = found.best
    assert best.p_value == pytest.approx(22 / 1_024)
    assert best.difference == pytest.approx(0.08)
    assert (best.best.units, best.second.units) == (64, 32)
    assert [standing.within_noise for standing in found.standings] == [True, False]
    assert ": statistically significant" in best.explanation


def test_two_that_agree_cannot_be_told_apart_and_the_cheaper_is_recommended():
    found = two(right_and_wrong(80, 3, 2, 15))
    assert ": not statistically significant" in found.best.explanation
    assert [standing.within_noise for standing in found.standings] == [True, True]
    assert found.recommendation.best.units == 64
    assert found.recommendation.cheapest.units == 32
    assert "32,000 trainable parameters against 64,000" in found.recommendation.why


def test_a_p_value_is_multiplied_by_the_number_of_rivals():
    found = ranked(simulate(Truth(reviews=500, epochs=2), np.random.default_rng(4)))
    assert found.best.p_corrected == pytest.approx(min(1.0, 17 * found.best.p_value))
    assert len(found.standings) == 18
    assert found.standings[0].behind == 0


def test_settings_stand_in_the_order_of_their_mean_accuracy():
    study = TWO.model_copy(update={"replicates": 3})
    simulated = simulate(Truth(study=study, reviews=400, by_units={32: 0.05}, epochs=2), np.random.default_rng(1))
    found = ranked(simulated)
    expected = simulated.tested.correct.mean(axis=1).reshape(2, 3).mean(axis=1)
    assert [s.accuracy for s in found.standings] == pytest.approx(sorted(expected, reverse=True))
    assert found.standings[0].variant.units == 32
    assert found.best.basis == "replicates"
    assert "on these trained models" not in found.best.explanation


def test_a_setting_that_cannot_be_tested_is_not_recommended_and_is_told():
    """Of the smaller setting one training is left: no two pairs, so nothing tells how much is chance."""
    study = TWO.model_copy(update={"replicates": 3})
    simulated = simulate(Truth(study=study, reviews=400, by_units={64: 0.05}, epochs=2), np.random.default_rng(1))
    kept = [at for at, name in enumerate(simulated.tested.names) if not name.startswith("32_") or at == 3]
    tested = simulated.tested
    found = ranked(
        simulated, Predictions(tuple(tested.names[at] for at in kept), tested.labels, tested.probabilities[kept])
    )
    assert [standing.p_corrected for standing in found.standings] == [None, None]
    assert found.recommendation.cheapest == found.recommendation.best
    assert "There are too few matched trainings to test 1 setting against it." in found.recommendation.why
    assert "there are too few matched trainings to test the difference" in found.best.explanation
    assert [standing.within_noise for standing in found.standings] == [True, True]


def test_of_one_setting_nothing_is_compared():
    found = ranked(simulate(Truth(study=Study(cells=("GRU",), units=(8,), batch_sizes=(8,)), reviews=30, epochs=2),
                            np.random.default_rng(1)))  # fmt: skip
    assert found.best is None
    assert found.recommendation.cheapest == found.recommendation.best


def test_without_a_test_result_nothing_is_ranked():
    simulated = simulate(Truth(study=TWO, reviews=10, epochs=2), np.random.default_rng(0))
    nobody = Predictions((), simulated.tested.labels, simulated.tested.probabilities[:0])
    assert ranked(simulated, nobody) == Ranking((), None, None)


def with_test(row: VariantResult, **values: float) -> VariantResult:
    return row.model_copy(update={"test": row.test.model_copy(update=values)})


def with_accuracies(accuracies: dict[tuple[str, int], float]) -> list[VariantResult]:
    study = Study(cells=("GRU", "LSTM"), units=(32,), batch_sizes=(64,), replicates=2)
    result = study_result(study, diverged={}, exploding=(), missing={})
    return [with_test(row, accuracy=accuracies[row.variant.cell, row.variant.replicate]) for row in result.variants]


def test_the_best_model_is_of_the_best_setting_and_not_its_luckiest_rival():
    models = with_accuracies({("GRU", 0): 0.80, ("GRU", 1): 0.90, ("LSTM", 0): 0.86, ("LSTM", 1): 0.87})
    assert best_model(models).variant.label == "LSTM-32/64 r1"
    assert best_model(models[:2]).variant.label == "GRU-32/64 r1"


def test_of_equal_accuracies_the_lower_loss_is_best_and_of_equal_losses_the_first():
    models = with_accuracies({("GRU", 0): 0.8, ("GRU", 1): 0.8, ("LSTM", 0): 0.8, ("LSTM", 1): 0.8})
    losses = [0.5, 0.4, 0.3, 0.9]
    given = [with_test(model, loss=loss) for model, loss in zip(models, losses, strict=True)]
    assert best_model(given).variant.name == "32_GRU_64_r1"
    assert best_model([with_test(model, loss=0.5) for model in models]).variant.name == "32_GRU_64"


def test_without_a_finished_model_none_is_best():
    names = {variant.name: "no worker" for variant in Study().variants}
    assert best_model(study_result(missing=names).variants) is None


def test_the_best_model_is_of_the_setting_that_the_ranking_puts_first():
    truth = Truth(study=TWO.model_copy(update={"replicates": 3}), reviews=400, by_units={32: 0.05}, epochs=2)
    simulated = simulate(truth, np.random.default_rng(1))
    best, leader = best_model(simulated.result.variants).variant, ranked(simulated).standings[0].variant
    assert best.model_copy(update={"replicate": 0}) == leader
