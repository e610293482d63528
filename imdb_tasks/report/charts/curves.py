"""Drawing curves of variants into panels: ranges that no exploded model can flatten, labels that do not collide."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.analysis import best_epoch
from imdb_tasks.report.charts.style import style_of
from imdb_tasks.report.table import ending
from imdb_tasks.study import Measure, Study, StudyResult, Variant, VariantResult

LOSS_CEILING = 2.0  # about three times the 0.69 of a coin: beyond it a loss only says "exploded"
_FEW_EPOCHS = 12
_LINE_HEIGHT = 15  # pixels between two labels
_LARGE = 1_000  # losses from here on are written without decimals


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its place in the figure, what it shows, and the y range and the height that it has."""

    row: int
    column: int
    measure: Measure
    limits: tuple[float, float]
    height: int

    @property
    def place(self) -> dict[str, int]:
        """The place as plotly names it."""
        return {"row": self.row, "col": self.column}


def curve(result: VariantResult, measure: Measure) -> tuple[float | None, ...]:
    """Return one value per epoch, or nothing where the variant is missing."""
    if result.training is None:
        return ()
    values: tuple[float | None, ...] = getattr(result.training.history, measure)
    return values


def limits(results: Sequence[VariantResult], *measures: Measure) -> tuple[float, float]:
    """Return a y range for the finished variants (for all, if none finished); losses above ``LOSS_CEILING`` do not
    stretch it.
    """
    finished = [result for result in results if result.status == "finished"] or results
    values = (value for result in finished for measure in measures for value in curve(result, measure))
    usable = [value for value in values if value is not None and value <= LOSS_CEILING]
    low, high = min(usable, default=0.0), max(usable, default=1.0)
    pad = 0.06 * (high - low) or 0.05
    return low - pad, high + pad


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ``positions`` apart until neighbours are ``gap`` from each other, keeping their order and, between ``low``
    and ``high``, the middle of those that were too close. The gap shrinks where there is no room for it.
    """
    gap = min(gap, (high - low) / max(len(positions), 1))
    blocks: list[tuple[float, list[int]]] = []
    for index in sorted(range(len(positions)), key=lambda i: positions[i]):
        members = [index]
        while True:
            middle, half = sum(positions[i] for i in members) / len(members), gap * (len(members) - 1) / 2
            centre = min(max(middle, low + half), high - half)
            if not blocks or centre - blocks[-1][0] >= gap * (len(members) + len(blocks[-1][1])) / 2:
                break
            members = blocks.pop()[1] + members
        blocks.append((centre, members))
    moved = [0.0] * len(positions)
    for centre, members in blocks:
        for rank, index in enumerate(members):
            moved[index] = centre + gap * (rank - (len(members) - 1) / 2)
    return moved


def draw(figure: Any, panel: Panel, results: Sequence[VariantResult], study_result: StudyResult) -> None:
    """Add one curve for each of ``results``, with rings at the best epoch, crosses where they diverged and
    arrowheads where they leave.
    """
    for result in results:
        values = curve(result, panel.measure)
        shape = style_of(result.variant, study_result.study)
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=[None if v is None else round(v, 5) for v in values],
            name=result.variant.label,
            mode=mode(values, study_result.study.training.epochs),
            line={"color": shape.colour, "dash": shape.dash, "width": shape.width},
            marker={"symbol": shape.symbol, "size": 7, "color": shape.colour},
            hovertemplate="%{y:.4f} after epoch %{x}",
            showlegend=False,
            **panel.place,
        )
        _mark(figure, panel, result, shape.colour)
    figure.update_yaxes(range=list(panel.limits), **panel.place)


def label_ends(figure: Any, panel: Panel, texts: Sequence[str], results: Sequence[VariantResult]) -> None:
    """Write each text right of the end of its curve, if that end can be seen."""
    low, high = panel.limits
    ends = []
    for text, result in zip(texts, results, strict=False):
        seen = [v for v in curve(result, panel.measure) if v is not None]
        if seen and low <= seen[-1] <= high and result.status == "finished":
            ends.append((text, seen[-1]))
    gap = (high - low) * _LINE_HEIGHT / panel.height
    for (text, _), y in zip(ends, spread([y for _, y in ends], gap, low, high), strict=True):
        figure.add_annotation(text=text, x=1, y=y, xref="x domain", xanchor="left", xshift=6, **panel.place)


def remarks(results: Sequence[VariantResult], panel: Panel) -> list[tuple[VariantResult, str]]:
    """Return, in words, what the curves of a panel cannot show."""
    found = []
    for result in results:
        values = curve(result, panel.measure)
        away, last = _first_above(values, panel.limits[1]), _last(values)
        if result.status == "missing":
            found.append((result, "missing"))
        elif result.status == "diverged":
            found.append((result, ending(result)))
        elif away and last > panel.limits[1]:
            found.append((result, f"off scale, ends at {last:,.{1 if last < _LARGE else 0}f}"))
    return found


def mode(values: Sequence[float | None], epochs: int) -> str:
    """Return how plotly draws ``values``: with points where the study has few epochs, or the curve has but one."""
    alone = sum(value is not None for value in values) == 1
    return "lines+markers" if alone or epochs <= _FEW_EPOCHS else "lines"


def bullet(variant: Variant, study: Study, text: str) -> str:
    """Return ``text`` behind a dot in the variant's colour."""
    return f'<span style="color:{style_of(variant, study).colour}">●</span> {text}'


def _mark(figure: Any, panel: Panel, result: VariantResult, colour: str) -> None:
    low, high = panel.limits
    values = curve(result, panel.measure)
    best = best_epoch(result.training.history) if result.training else None
    marks = []
    if best and (value := values[best - 1]) is not None and low <= value <= high:
        marks.append((best, value, "circle-open", f"epoch {best}: lowest validation loss"))
    if away := _first_above(values, high):
        marks.append((away, high, "triangle-up", "leaves the scale"))
    seen = [(epoch, v) for epoch, v in enumerate(values, 1) if v is not None]
    if result.status == "diverged" and seen:
        marks.append((seen[-1][0], min(max(seen[-1][1], low), high), "x", "diverged after this epoch"))
    for epoch, y, symbol, text in marks:
        figure.add_scatter(
            x=[epoch],
            y=[y],
            mode="markers",
            marker={"symbol": symbol, "size": 12, "color": colour, "line": {"width": 2, "color": colour}},
            cliponaxis=False,
            hovertemplate=f"{text}<extra></extra>",
            showlegend=False,
            **panel.place,
        )


def _first_above(values: Sequence[float | None], limit: float) -> int | None:
    return next((epoch for epoch, v in enumerate(values, 1) if v is not None and v > limit), None)


def _last(values: Sequence[float | None]) -> float:
    return next((v for v in reversed(values) if v is not None), math.nan)
