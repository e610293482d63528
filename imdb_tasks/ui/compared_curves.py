"""The learning curves of two runs over each other: one small panel for each setting, all with the same axes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from imdb_tasks.analysis import VariantChange
from imdb_tasks.formatting import percent
from imdb_tasks.report import LOSS_CEILING
from imdb_tasks.study import Measure, StudyResult, Variant, VariantResult, by_setting
from imdb_tasks.ui.loss_scale import without_jumps
from imdb_tasks.ui.training_page import spread

MOST_PANELS = 24
_POINTS = 100  # of a curve: a panel is hardly wider in pixels
_ABOVE_MEDIAN = 1.5
_SIZE = 100.0  # of a panel in its own unit; it is stretched to the width that there is

Values = Sequence[float | None]
Pair = tuple[list[VariantResult], list[VariantResult]]  # before and after


@dataclass(frozen=True)
class Panel:
    """A setting; each line is a list of points for SVG, one or more for each replicate. ``words`` say how it ends."""

    label: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class CurvePanels:
    """The panels of one measure, the ends of its axis in words, and the epochs that they span.

    ``left_out`` counts the settings without a panel; ``clipped`` says whether a curve lies above the axis, and is
    drawn at its upper edge.
    """

    title: str
    low: str
    high: str
    epochs: int
    panels: tuple[Panel, ...]
    left_out: int
    clipped: bool


def compared_curves(
    before: StudyResult, after: StudyResult, changes: Mapping[Variant, VariantChange]
) -> tuple[CurvePanels, ...]:
    """Draw validation loss and accuracy of the settings that both runs have, at most ``MOST_PANELS`` of them: those
    whose test accuracy differs most.
    """
    old, new = by_setting(before.variants), by_setting(after.variants)
    common = [setting for setting in new if setting in old]
    shown = _most_changed(common, changes) if len(common) > MOST_PANELS else common
    pairs = {setting: (old[setting], new[setting]) for setting in common if setting in shown}
    if not pairs:
        return ()
    left_out = len(common) - len(pairs)
    return (
        _panels("Validation loss", "val_loss", pairs, left_out),
        _panels("Validation accuracy", "val_accuracy", pairs, left_out),
    )


def _panels(
    title: str,
    measure: Measure,
    pairs: Mapping[Variant, tuple[list[VariantResult], list[VariantResult]]],
    left_out: int,
) -> CurvePanels:
    curves = {s.label: tuple([row.curve(measure) for row in rows] for rows in pair) for s, pair in pairs.items()}
    everything = [curve for pair in curves.values() for side in pair for curve in side]
    low, high = _limits(everything, measure)
    last = max((len(curve) for curve in everything), default=1)
    text = "{:.2f}".format if measure == "val_loss" else percent
    panels = tuple(
        Panel(
            label,
            tuple(line for curve in old for line in _lines(curve, low, high, last)),
            tuple(line for curve in new for line in _lines(curve, low, high, last)),
            f"{title} of {label}: {_end(old, text)} at the end before, {_end(new, text)} after",
        )
        for label, (old, new) in curves.items()
    )
    clipped = any(value is not None and value > high for curve in everything for value in curve)
    return CurvePanels(title, text(low), text(high), last, panels, left_out, clipped)


def _most_changed(settings: Collection[Variant], changes: Mapping[Variant, VariantChange]) -> set[Variant]:
    moved = dict.fromkeys(settings, 0.0)
    for variant, change in changes.items():
        moved[variant.setting] = max(moved[variant.setting], abs(change.difference))
    return set(sorted(moved, key=lambda setting: -moved[setting])[:MOST_PANELS])


def _limits(curves: Sequence[Values], measure: Measure) -> tuple[float, float]:
    """Return an axis for all curves; of losses, up to 1.5 times the median of the curves' largest ones without jumps,
    so that the unstable models do not flatten the stable ones.
    """
    ceiling = LOSS_CEILING if measure == "val_loss" else 1.0
    usable = [[v for v in curve if v is not None and v <= ceiling] for curve in curves]
    inside = [list(without_jumps(curve)) if measure == "val_loss" else curve for curve in usable if curve]
    low, tops = min(map(min, inside), default=0.0), [max(curve) for curve in inside]
    high = max(tops, default=1.0)
    if measure == "val_loss" and tops:
        high = min(high, _ABOVE_MEDIAN * median(tops))
    return (low, high) if low < high else (low - 0.05, high + 0.05)


def _lines(values: Values, low: float, high: float, last: int) -> Iterable[str]:
    """Return the points of each unbroken part of a curve; what lies outside the axis is drawn at its edge."""
    part: list[str] = []
    for at in spread(len(values), _POINTS):
        value = values[at]
        if value is None:
            if part:
                yield " ".join(part)
            part = []
            continue
        across = _SIZE * at / max(1, last - 1)
        down = _SIZE * (high - min(max(value, low), high)) / (high - low)
        part.append(f"{across:.1f},{down:.1f}")
    if part:
        yield " ".join(part if len(part) > 1 else part * 2)  # a single point needs a line of no length


def _end(curves: Sequence[Values], text: Callable[[float], str]) -> str:
    ends = [curve[-1] for curve in curves if curve]
    finite = [value for value in ends if value is not None]
    return text(fmean(finite)) if finite else "not finite" if ends else "missing"
