"""A learning curve in a few numbers. What each means, and its source, is in ``records.CurveSummary``."""

import math
import statistics
from collections.abc import Sequence

from imdb_tasks.analysis.records import CurveSummary
from imdb_tasks.study import DataCard, History, TrainingRecord

_GENERALISATION_LOSS = 0.05  # Prechelt's GL_5
_LAST_PART = 10  # a tenth of the epochs
SMOOTH_FROM = 10  # epochs; before that, a curve is all trend


def summary(record: TrainingRecord, card: DataCard) -> CurveSummary:
    """Sum up one model's training."""
    history, diverged = record.history, record.status == "diverged"
    best = best_epoch(history)
    loss = None if diverged else final(history.loss)
    validation = None if diverged else final(history.val_loss)
    # An epoch's training loss is a mean over its steps, so a jump that was made good again is in it: either will do.
    converged = min((each for each in (loss, validation) if each is not None), default=math.inf) <= constant_loss(card)
    return CurveSummary(
        variant=record.variant,
        diverged=diverged,
        converged=converged,
        best_epoch=best,
        best_val_loss=history.val_loss[best - 1] if best else None,
        overfit_onset=_onset(history, best) if best else None,
        final_loss=loss,
        final_val_loss=validation,
        overfitting=validation - loss if converged and validation is not None and loss is not None else None,
        roughness=roughness(history.val_loss) if converged else None,
    )


def best_epoch(history: History) -> int | None:
    """Return the first epoch, counted from 1, of the lowest validation loss; None where none is finite."""
    finite = [(loss, epoch) for epoch, loss in enumerate(history.val_loss, 1) if loss is not None]
    return min(finite)[1] if finite else None


def training_seconds(history: History) -> float:
    """Return the median epoch times the epochs: the time without the compilation, which the first epoch has."""
    return statistics.median(history.seconds) * history.epochs if history.seconds else 0.0


def constant_loss(card: DataCard) -> float:
    """Return the cross-entropy of the best constant answer: the entropy of the training labels, 0.693 for half each."""
    share = card.train_positive / card.train_rows
    return -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)


def final(losses: Sequence[float | None]) -> float | None:
    """Return the median over the last tenth of the epochs; None where none of them is finite."""
    last = [loss for loss in losses[-max(1, len(losses) // _LAST_PART) :] if loss is not None]
    return statistics.median(last) if last else None


def roughness(losses: Sequence[float | None]) -> float | None:
    """Return the standard deviation of the relative jumps about a smooth curve, over the second half of the epochs.

    From second differences of the logarithm: those of a straight line are zero, those of independent noise have six
    times its variance. None below ten epochs.
    """
    if len(losses) < SMOOTH_FROM:
        return None
    logs = [math.log(loss) for loss in losses[len(losses) // 2 :] if loss is not None and loss > 0]
    bends = [first - 2 * middle + last for first, middle, last in zip(logs, logs[1:], logs[2:], strict=False)]
    return math.sqrt(statistics.fmean(bend * bend for bend in bends) / 6) if bends else None


def _onset(history: History, best: int) -> int | None:
    """Return the first of the epochs, up to the last, that overfit without a break."""
    lowest, then = history.val_loss[best - 1], history.loss[best - 1]
    if lowest is None or then is None:
        return None
    onset = None
    for epoch in range(history.epochs, best, -1):
        validation, training = history.val_loss[epoch - 1], history.loss[epoch - 1]
        if validation is None or training is None or validation <= lowest * (1 + _GENERALISATION_LOSS):
            break
        if training >= then:
            break
        onset = epoch
    return onset
