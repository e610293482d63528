"""A learning curve in a few numbers. What each means, and its source, is in ``records.CurveSummary``."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from imdb_tasks.analysis.records import CurveSummary
from imdb_tasks.study import History, TrainingRecord

_GENERALISATION_LOSS = 0.05  # Prechelt's GL_5
_LAST_PART = 10  # a tenth of the epochs


def summary(record: TrainingRecord) -> CurveSummary:
    """Sum up one model's training."""
    history, diverged = record.history, record.status == "diverged"
    best = best_epoch(history)
    return CurveSummary(
        variant=record.variant,
        diverged=diverged,
        best_epoch=best,
        best_val_loss=history.val_loss[best - 1] if best else None,
        overfit_onset=_onset(history, best) if best else None,
        overfitting=None if diverged else _gap(history),
        roughness=None if diverged else _roughness(history.val_loss),
    )


def best_epoch(history: History) -> int | None:
    """Return the first epoch, counted from 1, of the lowest validation loss; None where none is finite."""
    finite = [(loss, epoch) for epoch, loss in enumerate(history.val_loss, 1) if loss is not None]
    return min(finite)[1] if finite else None


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


def _gap(history: History) -> float | None:
    last = max(1, history.epochs // _LAST_PART)
    pairs = zip(history.val_loss[-last:], history.loss[-last:], strict=True)
    gaps = [validation - training for validation, training in pairs if validation is not None and training is not None]
    return statistics.median(gaps) if gaps else None


def _roughness(losses: Sequence[float | None]) -> float | None:
    """Half the mean square of successive differences is the variance of what is no trend."""
    half = losses[len(losses) // 2 :] if len(losses) > 2 else losses  # noqa: PLR2004
    steps = [after - before for before, after in pairwise(half) if before is not None and after is not None]
    return math.sqrt(statistics.fmean(step * step for step in steps) / 2) if steps else None
