import math

import pytest

from imdb_tasks.report import LOSS_CEILING
from imdb_tasks.study import History
from imdb_tasks.ui.loss_scale import loss_axis, remarks


def losses(training: list[float | None], validation: list[float | None] | None = None) -> History:
    return History(loss=tuple(training), val_loss=tuple(training if validation is None else validation))


FALLING = [0.69 - 0.004 * epoch for epoch in range(100)]


def test_the_axis_of_a_usual_training_holds_all_of_it_and_there_is_nothing_to_say() -> None:
    history = losses(FALLING, [value + 0.1 for value in FALLING])
    axis = loss_axis(history)
    assert axis.low < min(FALLING)
    assert axis.top == pytest.approx(0.79)
    assert axis.top < axis.high < 0.85
    assert remarks(history, axis.top) == ()


@pytest.mark.parametrize("jump", [1.9, 5.0, 578_666.0, 1e300])
def test_one_exploded_epoch_leaves_the_axis_and_is_told(jump: float) -> None:
    history = losses([*FALLING[:50], jump, *FALLING[51:]], FALLING)
    axis = loss_axis(history)
    assert axis.high < 1.1
    [told] = remarks(history, axis.top)
    assert "the training loss after epoch 51, at most" in told
    assert f"{jump:,.2f}" in told


def test_a_lasting_rise_such_as_overfitting_is_shown() -> None:
    rising = [0.4 + 0.013 * epoch for epoch in range(100)]
    axis = loss_axis(losses(FALLING, rising))
    assert axis.top == max(rising)


def test_a_training_that_explodes_for_good_is_drawn_at_the_edge_beside_the_constant_answer() -> None:
    history = losses([0.65, *[7.9] * 99], [0.59, *[8.1] * 99])
    axis = loss_axis(history)
    assert axis.top == pytest.approx(math.log(2))
    assert remarks(history, axis.top) == (
        "Above 0.69, so drawn at the upper edge: the training loss after epochs 2 to 100, at most 7.90;"
        " the validation loss after epochs 2 to 100, at most 8.10. Always answering one half has a loss of 0.69.",
    )


def test_no_axis_ends_above_the_stated_ceiling() -> None:
    axis = loss_axis(losses([1.9, 1.95, 2.5, 30.0], [1.0, 1.1, 1.2, 1.3]))
    assert axis.top <= LOSS_CEILING


def test_losses_that_are_not_finite_are_told_in_a_sentence() -> None:
    history = losses([0.6, 0.5, None], [0.6, None, None])
    assert remarks(history, 1.0) == (
        "Not finite: the training loss after epoch 3; the validation loss after epochs 2 to 3.",
    )


def test_epochs_that_lie_apart_are_counted() -> None:
    history = losses([0.5, 9.0, 0.5, 9.0, 0.5], [0.5] * 5)
    [told] = remarks(history, loss_axis(history).top)
    assert "after 2 epochs, the first of them 2, at most 9.00" in told


@pytest.mark.parametrize("values", [[None], [None, None], [9.0], [0.0], [1e308, None]])
def test_any_history_has_an_axis_of_some_height(values: list[float | None]) -> None:
    axis = loss_axis(losses(values))
    assert math.isfinite(axis.low)
    assert axis.low < axis.top < axis.high
