"""The original's four claims, each read with care against the numbers of this result.

Every reading compares pairs of variants that differ in one factor only. It describes what was seen; it is no test.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from imdb_tasks.findings import Row, count_of, is_another_study, percent, points, published, rows, signed
from imdb_tasks.results import StudyResult

Measure = Callable[[Row], float | None]
_EXPLODED = 10.0  # a coin's loss is 0.69
_FACTORS = ("cell", "units", "batch_size", "replicate")


@dataclass(frozen=True)
class Claim:
    """One claim of the original study, and what this result shows of it."""

    title: str
    reading: str


def claims(result: StudyResult) -> tuple[Claim, ...]:
    """Read each of the four claims."""
    table, titles = rows(result), published()["claims"]
    readings = {"cell": _cell, "stability": _stability, "batch": _batch, "size": _size}
    return tuple(Claim(titles[name], read(result, table)) for name, read in readings.items())


def caution(result: StudyResult) -> str:
    """Return what readings of this result can and cannot tell."""
    runs = result.study.replicates
    if runs == 1:
        text = (
            "One run of each model cannot separate an effect from seed noise: the same model, started from other"
            " random weights, ends elsewhere. Read what follows as what was seen, not as what is so."
        )
    else:
        text = (
            f"Each model was run {runs} times. Counts of pairs show how steady a difference is over these runs;"
            " they are no statistical test."
        )
    if is_another_study(result):
        text += " And this is not the original study (see above), so it neither confirms nor refutes its claims."
    return text


def pairs(table: Sequence[Row], factor: str, levels: tuple[object, object], measure: Measure) -> list[float]:
    """Return first less second of ``measure`` over all finished pairs that differ in ``factor`` alone."""
    first, second = (_by_other_factors(table, factor, level, measure) for level in levels)
    return [first[key] - second[key] for key in first if key in second]


def _by_other_factors(
    table: Sequence[Row], factor: str, level: object, measure: Measure
) -> dict[tuple[object, ...], float]:
    others = [name for name in _FACTORS if name != factor]
    found = {}
    for row in table:
        variant = row.result.variant
        value = measure(row) if row.result.status == "finished" else None
        if value is not None and getattr(variant, factor) == level:
            found[tuple(getattr(variant, name) for name in others)] = value
    return found


def _accuracy(row: Row) -> float | None:
    return row.accuracy


def _roughness(row: Row) -> float | None:
    """Return the mean step of the validation loss from epoch to epoch, over the second half of the training."""
    losses = row.result.training.history.val_loss if row.result.training else ()
    tail = losses[max(len(losses) // 2 - 1, 0) :]
    steps = [abs(b - a) for a, b in pairwise(tail) if a is not None and b is not None]
    return statistics.fmean(steps) if steps else None


def _overfitting(row: Row) -> float | None:
    """Return validation loss less training loss, after the last epoch."""
    history = row.result.training.history if row.result.training else None
    if not history or not history.loss or not history.val_loss:
        return None
    train, validation = history.loss[-1], history.val_loss[-1]
    return None if train is None or validation is None else validation - train


def _final_loss(row: Row) -> float | None:
    losses = row.result.training.history.val_loss if row.result.training else ()
    return losses[-1] if losses else None


def _cell(result: StudyResult, table: Sequence[Row]) -> str:
    if set(result.study.cells) != {"GRU", "LSTM"}:
        return f"Not tested here: the grid has only {result.study.cells[0]}."
    lost = [row.result.variant.cell for row in table if row.result.status == "diverged"]
    ended = f" Diverged and so left out: {lost.count('GRU')} GRU, {lost.count('LSTM')} LSTM." if lost else ""
    gains = pairs(table, "cell", ("GRU", "LSTM"), _accuracy)
    if not gains:
        return f"Not to be seen here: no pair of a GRU and an LSTM finished.{ended}"
    return (
        f"In {sum(g > 0 for g in gains)} of {count_of(len(gains), 'finished pair', 'finished pairs')} the GRU has the"
        f" higher test accuracy; the mean difference, GRU less LSTM, is"
        f" {signed(100 * statistics.fmean(gains), 1)} points.{ended}"
    )


def _stability(result: StudyResult, table: Sequence[Row]) -> str:
    small, large = min(result.study.units), max(result.study.units)
    if small == large:
        return f"Not tested here: the grid has only layers of {small} units."
    gaps = pairs(table, "units", (small, large), _roughness)
    lost = [row.result.variant.units for row in table if row.result.status == "diverged"]
    ended = f" Diverged: {lost.count(small)} with {small} units, {lost.count(large)} with {large}." if lost else ""
    if not gaps:
        return f"Not to be seen here: no pair of {small} and {large} units has two epochs to compare.{ended}"
    return (
        f"In {sum(g < 0 for g in gaps)} of {count_of(len(gaps), 'pair', 'pairs')}"
        f" the validation loss moves less from epoch to epoch with {small} units than with {large}"
        f" (second half of the training; median difference {signed(statistics.median(gaps), 4)}).{ended}"
    )


def _batch(result: StudyResult, table: Sequence[Row]) -> str:
    small, large = min(result.study.batch_sizes), max(result.study.batch_sizes)
    if small == large:
        return f"Not tested here: the grid has only batches of {small}."
    gaps = pairs(table, "batch_size", (large, small), _overfitting)
    if not gaps:
        return f"Not to be seen here: no pair of batch sizes {large} and {small} finished."
    by_size = []
    for units in result.study.units:
        own = pairs([r for r in table if r.result.variant.units == units], "batch_size", (large, small), _overfitting)
        if own:
            by_size.append(f"{_loss_change(statistics.median(own))} at {units} units")
    return (
        f"Overfitting, here validation loss less training loss after the last epoch, is smaller with batch size"
        f" {large} than with {small} in {sum(g < 0 for g in gaps)} of {count_of(len(gaps), 'pair', 'pairs')}."
        f" Median change from {small} to {large}: {', '.join(by_size)}."
    )


def _loss_change(value: float) -> str:
    # An exploded loss has any number of digits, and none of them means anything.
    if abs(value) < _EXPLODED:
        return signed(value, 3)
    return f"beyond {signed(math.copysign(_EXPLODED, value), 0)} (a loss exploded)"


def _size(result: StudyResult, table: Sequence[Row]) -> str:
    grus = [row for row in table if row.result.variant.cell == "GRU"]
    small, large = min(result.study.units), max(result.study.units)
    if not grus:
        return "Not tested here: the grid has no GRU."
    if small == large:
        return f"Not tested here: the grid has only layers of {small} units."
    means = {}
    for units in result.study.units:
        found = [r.accuracy for r in grus if r.result.variant.units == units and r.accuracy is not None]
        if found:
            means[units] = statistics.fmean(found)
    losses = pairs(grus, "units", (small, large), _final_loss)
    if not losses:
        return f"Not to be seen here: no pair of GRUs with {small} and {large} units finished."
    spread = points(max(means.values()) - min(means.values()))
    listed = ", ".join(f"{percent(mean)} at {units} units" for units, mean in means.items())
    return (
        f"Mean GRU test accuracy: {listed}; {spread} between the highest and the lowest. The last validation loss is"
        f" lower with {small} units than with {large} in {sum(g < 0 for g in losses)} of"
        f" {count_of(len(losses), 'pair', 'pairs')}."
    )
