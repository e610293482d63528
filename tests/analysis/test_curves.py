import math

import pytest

from imdb_tasks.analysis.curves import best_epoch, summary
from imdb_tasks.study import History, Study, TrainingRecord, Variant
from tests.support.study_results import study_result, training_record

VARIANT = Variant(cell="GRU", units=32, batch_size=64)


def record(loss, val_loss, status="finished") -> TrainingRecord:
    made = training_record(VARIANT, Study(), stop=None, exploding=False)
    history = History(loss=tuple(loss), val_loss=tuple(val_loss))
    return made.model_copy(update={"history": history, "status": status})


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss():
    found = summary(record([0.6, 0.5, 0.4, 0.3], [0.7, 0.4, 0.4, 0.41]))
    assert (found.best_epoch, found.best_val_loss) == (2, 0.4)


def test_the_best_epoch_of_a_diverged_variant_is_before_its_end():
    diverged = next(each.training for each in study_result().variants if each.status == "diverged")
    assert 0 < best_epoch(diverged.history) < diverged.diverged_at_epoch


def test_overfitting_sets_in_where_the_validation_loss_leaves_for_good():
    val_loss = [0.6, 0.40, 0.43, 0.41, 0.421, 0.43, 0.50]  # 5 % above the best is 0.42
    assert summary(record([0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25], val_loss)).overfit_onset == 5


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
    assert summary(record(loss, val_loss)).overfit_onset is None


def test_the_gap_is_the_median_over_the_last_tenth():
    loss, val_loss = [0.5] * 30, [0.5] * 27 + [0.6, 0.9, 0.7]
    assert summary(record(loss, val_loss)).overfitting == pytest.approx(0.2)


def test_roughness_is_the_noise_about_a_trend():
    """Second half: 0, 1, 0, 1: steps of 1, so half a mean square of 1."""
    assert summary(record([0.0] * 8, [9.0, 9.0, 9.0, 9.0, 0.0, 1.0, 0.0, 1.0])).roughness == pytest.approx(
        math.sqrt(0.5)
    )
    slope = [0.001 * epoch for epoch in range(100)]
    assert summary(record(slope, slope)).roughness == pytest.approx(0.001 / math.sqrt(2))


def test_a_diverged_training_has_a_best_epoch_and_nothing_of_its_end():
    found = summary(record([0.6, 0.5, None], [0.6, 0.5, None], status="diverged"))
    assert (found.diverged, found.best_epoch, found.overfitting, found.roughness) == (True, 2, None, None)


@pytest.mark.parametrize("losses", [[], [None], [0.5]], ids=["no epoch", "never finite", "one epoch"])
def test_a_short_curve_is_summed_up_as_far_as_it_goes(losses):
    found = summary(record(losses, losses, status="diverged" if None in losses else "finished"))
    assert found.roughness is None
    assert found.best_epoch == (1 if losses == [0.5] else None)
