"""The loss axis of *Curves*: a range that no exploded epoch can flatten, and the sentences on what it leaves out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from imdb_tasks.formatting import count_of
from imdb_tasks.report import LOSS_CEILING
from imdb_tasks.study import History

CONSTANT_ANSWER = math.log(2)  # the loss of always answering one half
_REACH = 2  # neighbours on each side that tell a lasting rise from a jump
_ABOVE_NEIGHBOURS = 1.5
_PAD = 0.06  # of the height

Losses = Sequence[float | None]


@dataclass(frozen=True)
class LossAxis:
    """The ends of the axis, and the loss from which curves are drawn at its upper edge."""

    low: float
    high: float
    top: float


def loss_axis(history: History) -> LossAxis:
    """Return an axis for every loss up to a top.

    The top is the first loss, or 1.5 times the largest running median over five epochs, whichever is larger, and at
    most ``LOSS_CEILING``. So a lasting rise is shown, and a jump of one epoch leaves the axis. Where losses leave it,
    it reaches at least to that of the constant answer, for orientation.
    """
    curves = [[v for v in curve if v is not None and v <= LOSS_CEILING] for curve in (history.loss, history.val_loss)]
    inside = [v for curve in curves if curve for v in without_jumps(curve)]
    top = max(inside, default=CONSTANT_ANSWER)
    if any(v is not None and v > top for v in (*history.loss, *history.val_loss)):
        top = max(top, CONSTANT_ANSWER)
    low = min(inside, default=0.0)
    pad = _PAD * (top - low) or 0.05
    return LossAxis(low - pad, top + pad, top)


def without_jumps(curve: Sequence[float]) -> Iterable[float]:
    """Return the losses of a curve up to 1.5 times its largest running median, or to its first loss if that is more."""
    windows = (curve[max(0, at - _REACH) : at + _REACH + 1] for at in range(len(curve)))
    top = max(curve[0], _ABOVE_NEIGHBOURS * max(map(median, windows)))
    return (value for value in curve if value <= top)


def remarks(history: History, top: float) -> tuple[str, ...]:
    """Return in sentences what the curves cannot show: losses that are not finite, and those above ``top``."""
    named = {"training": history.loss, "validation": history.val_loss}
    lost = {name: [at for at, value in enumerate(curve, 1) if value is None] for name, curve in named.items()}
    above = {
        name: {at: value for at, value in enumerate(curve, 1) if value is not None and value > top}
        for name, curve in named.items()
    }
    found = []
    if gaps := [f"the {name} loss after {_epochs(epochs)}" for name, epochs in lost.items() if epochs]:
        found.append(f"Not finite: {'; '.join(gaps)}.")
    if off := [f"the {n} loss after {_epochs(list(v))}, at most {max(v.values()):,.2f}" for n, v in above.items() if v]:
        found.append(
            f"Above {top:.2f}, so drawn at the upper edge: {'; '.join(off)}."
            f" Always answering one half has a loss of {CONSTANT_ANSWER:.2f}."
        )
    return tuple(found)


def _epochs(numbers: Sequence[int]) -> str:
    """Return ``epoch 7``, ``epochs 7 to 9``, or, where they lie apart, how many and the first."""
    if len(numbers) == 1:
        return f"epoch {numbers[0]:,}"
    if all(second - first == 1 for first, second in pairwise(numbers)):
        return f"epochs {numbers[0]:,} to {numbers[-1]:,}"
    return f"{count_of(len(numbers), 'epoch', 'epochs')}, the first of them {numbers[0]:,}"
