"""How long the trainings of a run will take, from the epochs that they have run so far.

A training takes ``start + epochs x epoch`` seconds.

``epoch`` of a training that has run three epochs is the median of its last ten; the first, which contains the
compilation, is left out. For all others it is ``a x weights + b x batches``: the weights of the recurrent layer stand
for the arithmetic, which takes the time on a CPU, and the batches per epoch for the steps, which take it on a GPU.
``a`` and ``b`` are not negative. They fit, with the least squares of relative errors, the median epoch of each training
that has run three: of all its epochs, because a busy hour of the machine says little about the hours to come. Epochs
that an earlier run left in a checkpoint do not count: the machine may have been another, or busy. If these
trainings are alike, as replicates are, ``a`` and ``b`` cannot be told apart. The estimate is then a range, from one of
them alone to the other alone.

``start`` is the time that a task takes beside its epochs (imports, arrays) plus what its first epoch takes more than
the others; the median of those trainings.

Trainings that have not started are then given to the slots one by one, in the order of the grid, as Airflow does.
A training that was interrupted goes on from its checkpoint; one whose model is in the store takes no time. There is no
estimate before as many trainings as run side by side have three epochs. The evaluation and the report, some minutes,
are not counted, and what cannot be known is left out: trainings that diverge and end early, failures, other load.
"""

import heapq
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from imdb_tasks.study import Variant

EVIDENCE = 3  # epochs
RECENT = 10  # epochs
DIMENSIONS = 100  # of a word vector, as in the study; other numbers change the ratios little
GATES = {"GRU": 3, "LSTM": 4}

State = Literal["waiting", "running", "ended"]
Model = Callable[[Variant], float]
"""Seconds per epoch of a variant."""


@dataclass(frozen=True)
class Training:
    """One training of a run.

    Attributes:
        variant: what is trained.
        epochs: how many it will have.
        state: its task's.
        done: epochs in its checkpoint, those of interrupted runs included.
        seconds: of each epoch that this run has added; empty for a model found in the store.
        elapsed: seconds from the start of its task to its last epoch or, before one, until now.

    """

    variant: Variant
    epochs: int
    state: State = "waiting"
    done: int = 0
    seconds: tuple[float, ...] = ()
    elapsed: float = 0.0

    @property
    def measured(self) -> bool:
        """Whether its epochs are evidence."""
        return len(self.seconds) >= min(EVIDENCE, self.epochs)

    @property
    def recent_seconds(self) -> float:
        """Seconds per epoch of late."""
        return statistics.median(self.seconds[1:][-RECENT:] or self.seconds)

    @property
    def usual_seconds(self) -> float:
        """Seconds per epoch, without the first one and its compilation."""
        return statistics.median(self.seconds[1:] or self.seconds)

    @property
    def start_seconds(self) -> float:
        """What it takes beside its usual epochs."""
        compiling = self.seconds[0] - self.usual_seconds
        return self.elapsed - sum(self.seconds) + max(compiling, 0.0)


@dataclass(frozen=True)
class Estimate:
    """Seconds until the last training ends, at least and at most; equal where the evidence gives one number.

    ``spent`` is the time since the first training started, ``trainings`` how many take time, ``slots`` how many run
    side by side, ``evidence`` the epochs that every training looked at has at least.
    """

    low: float
    high: float
    spent: float
    trainings: int
    slots: int
    evidence: int

    @property
    def whole(self) -> str:
        """The whole time, and what it follows from."""
        count = "1 training" if self.trainings == 1 else f"{self.trainings} trainings"
        epochs = "epoch" if self.evidence == 1 else f"{self.evidence} epochs"
        together = f"{self.slots} side by side" if self.slots > 1 else "one at a time"
        return f"{about(self.spent + self.low, self.spent + self.high)} ({count}, {together}; from the first {epochs})"

    @property
    def left(self) -> str:
        """The time still to come."""
        return f"still {about(self.low, self.high)}"


def estimate(trainings: Sequence[Training], slots: int, spent: float) -> Estimate | None:
    """Estimate when the last of ``trainings``, in the order of the grid, ends; None if the evidence does not suffice.

    ``slots`` of them run side by side; the first has started ``spent`` seconds ago.
    """
    timed = [each for each in trainings if each.state != "ended" or each.seconds]
    measured = [each for each in timed if each.measured]
    slots = min(slots, len(timed))
    if len(measured) < max(slots, 1):
        return None
    start = statistics.median(each.start_seconds for each in measured)
    ends = [_end(timed, slots, model, start) for model in models(measured)]
    evidence = min(len(each.seconds) for each in measured)
    return Estimate(min(ends), max(ends), spent, len(timed), slots, evidence)


def models(measured: Sequence[Training]) -> list[Model]:
    """Return the model of seconds per epoch that fits; two where the trainings cannot tell between them."""
    # As shares of what was measured, so that least squares are of relative errors.
    shares = [
        (weights(each.variant) / each.usual_seconds, 1 / each.variant.batch_size / each.usual_seconds)
        for each in measured
    ]
    w, b = sum(x for x, _ in shares), sum(y for _, y in shares)
    ww, bb, wb = sum(x * x for x, _ in shares), sum(y * y for _, y in shares), sum(x * y for x, y in shares)
    alone = [(w / ww, 0.0), (0.0, b / bb)]
    if len({weights(each.variant) * each.variant.batch_size for each in measured}) == 1:
        return [_model(*each) for each in alone]
    determinant = ww * bb - wb * wb
    both = ((w * bb - b * wb) / determinant, (b * ww - w * wb) / determinant)
    if min(both) >= 0:
        return [_model(*both)]
    return [_model(*min(alone, key=lambda fit: sum((fit[0] * x + fit[1] * y - 1) ** 2 for x, y in shares)))]


def weights(variant: Variant) -> int:
    """Return how many weights the recurrent layer has, without biases."""
    return GATES[variant.cell] * variant.units * (DIMENSIONS + variant.units)


def about(low: float, high: float) -> str:
    """Return a time, or a range, as exactly as an estimate deserves: ``about 4 h 10 min``."""
    first, last = _rounded(low), _rounded(high)
    return f"about {first}" if first == last else f"about {first} to {last}"


def _model(per_weight: float, per_batch: float) -> Model:
    return lambda variant: per_weight * weights(variant) + per_batch / variant.batch_size


def _end(trainings: Sequence[Training], slots: int, model: Model, start: float) -> float:
    """Return in how many seconds the last one ends if each slot takes the next one as soon as it is free."""
    free = [_left(each, model, start) for each in trainings if each.state == "running"]
    free += [0.0] * (slots - len(free))
    heapq.heapify(free)
    for each in trainings:
        if each.state == "waiting":
            heapq.heappush(free, heapq.heappop(free) + _left(each, model, start))
    return max(free)


def _left(training: Training, model: Model, start: float) -> float:
    each = training.recent_seconds if training.measured else model(training.variant)
    starting = 0.0 if training.seconds else max(start - training.elapsed, 0.0)
    return starting + (training.epochs - training.done) * each


def _rounded(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "1 min"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min"
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {minutes:02} min"
