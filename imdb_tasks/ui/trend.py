"""The accuracy over the runs of one study, as a small chart: where its points lie, and what stands beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imdb_tasks.formatting import count_of, percent
from imdb_tasks.ui.run_list import RunRow

HEIGHT = 150  # pixels
_MOST = 60  # points; more would run into each other on a phone
_LEAST_SPAN = 0.01  # of accuracy: what differs by less looks like it
_TICKS = 4


@dataclass(frozen=True)
class Point:
    """A run: ``x`` in percent of the width, ``y`` and the ends of its interval in pixels from above."""

    x: float
    y: float
    low: float
    high: float
    code_changed: bool
    text: str


@dataclass(frozen=True)
class Tick:
    """A line of the grid, in pixels from above, and its label."""

    y: float
    text: str


@dataclass(frozen=True)
class Trend:
    """The chart, from the oldest run to the newest; ``alternative`` says in words what it shows."""

    points: tuple[Point, ...]
    ticks: tuple[Tick, ...]
    height: int
    oldest: RunRow
    newest: RunRow
    left_out: int
    alternative: str


def trend(rows: Sequence[RunRow]) -> Trend | None:
    """Draw the runs of one study, given the newest first; None where fewer than two have an accuracy."""
    measured = [(row, row.summary.accuracy, row.summary.interval) for row in rows if row.summary]
    found = [(row, accuracy, interval) for row, accuracy, interval in reversed(measured) if accuracy is not None]
    shown = found[-_MOST:]
    if len(shown) < 2:  # noqa: PLR2004 - one point is no trend
        return None
    ends = [(i.low, i.high) if i else (accuracy, accuracy) for _, accuracy, i in shown]
    low, high = _limits(min(low for low, _ in ends), max(high for _, high in ends))

    def down(share: float) -> float:
        return round(HEIGHT * (high - share) / (high - low), 1)

    points = tuple(
        Point(
            x=round(100 * at / (len(shown) - 1), 2),
            y=down(accuracy),
            low=down(ends[at][0]),
            high=down(ends[at][1]),
            code_changed=at > 0 and shown[at - 1][0].run.note.code != row.run.note.code,
            text=f"{row.run.id}: {percent(accuracy)}",
        )
        for at, (row, accuracy, _) in enumerate(shown)
    )
    return Trend(
        points=points,
        ticks=tuple(Tick(down(share), percent(share)) for share in _ticks(low, high)),
        height=HEIGHT,
        oldest=shown[0][0],
        newest=shown[-1][0],
        left_out=len(found) - len(shown),
        alternative=_in_words([accuracy for _, accuracy, _ in shown]),
    )


def _in_words(accuracies: Sequence[float]) -> str:
    return (
        f"Test accuracy of {count_of(len(accuracies), 'run', 'runs')}: {percent(accuracies[0])} in the oldest,"
        f" {percent(accuracies[-1])} in the newest; lowest {percent(min(accuracies))}, highest"
        f" {percent(max(accuracies))}."
    )


def _limits(low: float, high: float) -> tuple[float, float]:
    missing = max(0.0, _LEAST_SPAN - (high - low)) / 2
    return low - missing, high + missing


def _ticks(low: float, high: float) -> list[float]:
    """Return round shares within the limits, as far apart as leaves at most ``_TICKS`` of them."""
    least = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
