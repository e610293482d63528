import math

import numpy as np
import pytest

from imdb_tasks.analysis.curves import best_epoch, constant_loss, final, roughness, summary
from imdb_tasks.analysis.records import CurveSummary
from imdb_tasks.study import History, Study, TrainingRecord, Variant
from tests.support.study_results import original_card, study_result, training_record

VARIANT = Variant(cell="GRU", units=32, batch_size=64)


def record(loss, val_loss, status="finished") -> TrainingRecord:
    made = training_record(VARIANT, Study(), stop=None, exploding=False)
    history = History(loss=tuple(loss), val_loss=tuple(val_loss))
    return made.model_copy(update={"history": history, "status": status})


def summed(*arguments, **named) -> CurveSummary:
    return summary(record(*arguments, **named), original_card())


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss():
    found = summed([0.6, 0.5, 0.4, 0.3], [0.7, 0.4, 0.4, 0.41])
    assert (found.best_epoch, found.best_val_loss) == (2, 0.4)


def test_the_best_epoch_of_a_diverged_variant_is_before_its_end():
    diverged = next(each.training for each in study_result().variants if each.status == "diverged")
    assert 0 < best_epoch(diverged.history) < diverged.diverged_at_epoch


def test_overfitting_sets_in_where_the_validation_loss_leaves_for_good():
    val_loss = [0.6, 0.40, 0.43, 0.41, 0.421, 0.43, 0.50]  # 5 % above the best is 0.42
    assert summed([0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25], val_loss).overfit_onset == 5


@pytest.mark.parametrize(
    ("loss", "val_loss"),
    [
        ([0.6, 0.5, 0.4], [0.6, 0.5, 0.51]),  # less than 5 %
        ([0.6, 0.5, 0.9], [0.6, 0.5, 0.9]),  # the training loss rises too: that is no overfitting
        ([0.6, 0.5, 0.4], [0.6, 0.5, 0.4]),
    ],
    ids=["within 5 %", "both rise", "best at the end"],
)
def test_no_overfitting_has_no_onset(loss, val_loss):
    assert summed(loss, val_loss).overfit_onset is None


def test_the_end_is_the_median_over_the_last_tenth():
    loss, val_loss = [0.5] * 30, [0.5] * 27 + [0.6, 0.9, 0.7]
    found = summed(loss, val_loss)
    assert (found.final_loss, found.final_val_loss) == (0.5, 0.7)
    assert found.overfitting == pytest.approx(0.2)
    assert final([0.4, 0.3]) == 0.3


def test_the_constant_answers_loss_is_the_entropy_of_the_labels():
    half = original_card().model_copy(update={"train_positive": 20_000, "train_rows": 40_000})
    assert constant_loss(half) == pytest.approx(math.log(2))
    assert constant_loss(half.model_copy(update={"train_positive": 0})) == 0.0


@pytest.mark.parametrize(
    ("loss", "val_loss", "converged"),
    [
        ([0.69, 0.4, 0.3], [0.69, 0.5, 0.5], True),
        ([0.69, 0.2, 0.05], [0.69, 0.9, 1.3], True),  # overfits: worse than a guess on new reviews, yet it learnt
        ([0.69, 0.5, 7.9], [0.69, 0.5, 8.1], False),  # exploded, and stayed finite
        ([0.70, 0.70, 0.70], [0.70, 0.70, 0.70], False),  # never learnt anything
        ([0.69, 0.50, 0.75], [0.69, 0.50, 0.45], True),  # jumped within the last epoch, and was good at its end
    ],
    ids=["learnt", "overfits", "exploded", "stuck", "jumped"],
)
def test_a_training_converged_if_one_of_its_losses_ends_below_the_constant_answers(loss, val_loss, converged):
    found = summed(loss, val_loss)
    assert (found.converged, found.diverged) == (converged, False)
    assert (found.overfitting is None) == (not converged)


def test_a_straight_line_has_no_roughness_and_noise_has_its_own():
    epochs = np.arange(1, 201)
    assert roughness(np.exp(0.01 * epochs).tolist()) == pytest.approx(0.0, abs=1e-9)
    noisy = np.exp(0.01 * epochs + 0.05 * np.random.default_rng(0).standard_normal(200))
    assert roughness(noisy.tolist()) == pytest.approx(0.05, rel=0.15)
    assert roughness((1_000 * noisy).tolist()) == pytest.approx(roughness(noisy.tolist()))


def test_below_ten_epochs_there_is_no_roughness():
    assert roughness([0.5] * 9) is None
    assert roughness([0.5, 0.6] * 5) is not None


def test_a_diverged_training_has_a_best_epoch_and_nothing_of_its_end():
    found = summed([0.6, 0.5, None], [0.6, 0.5, None], status="diverged")
    assert (found.diverged, found.converged, found.best_epoch) == (True, False, 2)
    assert (found.final_loss, found.final_val_loss, found.overfitting, found.roughness) == (None,) * 4


@pytest.mark.parametrize("losses", [[], [None], [0.5]], ids=["no epoch", "never finite", "one epoch"])
def test_a_short_curve_is_summed_up_as_far_as_it_goes(losses):
    found = summed(losses, losses, status="diverged" if None in losses else "finished")
    assert found.roughness is None
    assert found.best_epoch == (1 if losses == [0.5] else None)
