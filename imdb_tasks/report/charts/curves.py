"""Drawing curves of variants into panels: ranges that no exploded model can flatten, labels that do not collide."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.report.charts.settings import Curve, Setting, pace
from imdb_tasks.report.charts.style import Look, style_of
from imdb_tasks.study import Measure, Study, StudyResult, Variant

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


def limits(settings: Sequence[Setting], *measures: Measure) -> tuple[float, float]:
    """Return a y range for the trainings that finished (for all, if none did); losses above ``LOSS_CEILING`` do not
    stretch it.
    """
    models = [model for setting in settings for model in setting.models]
    finished = [model for model in models if model.status == "finished"] or models
    values = (value for model in finished for measure in measures for value in model.curve(measure))
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


def draw(figure: Any, panel: Panel, settings: Sequence[Setting], result: StudyResult, look: Look = style_of) -> None:
    """Add one curve for each of ``settings``, with rings at the best epoch, crosses where a training diverged and
    arrowheads where one leaves; behind the mean of replicates, each of them.
    """
    for setting in settings:
        shape = look(setting.variant, result.study)
        line = {"color": shape.colour, "dash": shape.dash, "width": shape.width}
        common = {
            "legendgroup": str(setting.variant.batch_size),
            "meta": pace(setting, result.study, result.data_card),
            "showlegend": False,
            **panel.place,
        }
        for model in () if setting.alone else setting.models:
            thin = _points(model.curve(panel.measure), result.study)
            figure.add_scatter(**thin, line=line | {"width": 1}, opacity=0.4, hoverinfo="skip", **common)
        figure.add_scatter(
            **_points(setting.mean(panel.measure), result.study),
            name=setting.variant.label,
            line=line,
            marker={"symbol": shape.symbol, "size": 7, "color": shape.colour},
            hovertemplate="%{y:.4f}",
            **common,
        )
        _mark(figure, panel, setting, shape.colour, common)
    figure.update_yaxes(range=list(panel.limits), **panel.place)


def _points(values: Curve, study: Study) -> dict[str, Any]:
    return {
        "x": list(range(1, len(values) + 1)),
        "y": [None if v is None else round(v, 5) for v in values],
        "mode": mode(values, study.training.epochs),
    }


def label_ends(figure: Any, panel: Panel, texts: Sequence[str], settings: Sequence[Setting]) -> None:
    """Write each text right of the end of its curve, if that end can be seen."""
    low, high = panel.limits
    ends = []
    for text, setting in zip(texts, settings, strict=False):
        seen = [v for v in setting.mean(panel.measure) if v is not None]
        finished = any(model.status == "finished" for model in setting.converged)
        if seen and low <= seen[-1] <= high and finished:
            ends.append((text, seen[-1]))
    gap = (high - low) * _LINE_HEIGHT / panel.height
    for (text, _), y in zip(ends, spread([y for _, y in ends], gap, low, high), strict=True):
        figure.add_annotation(text=text, x=1, y=y, xref="x domain", xanchor="left", xshift=6, **panel.place)


def remarks(settings: Sequence[Setting], panel: Panel) -> list[tuple[Setting, str]]:
    """Return, in words, what the curves of a panel cannot show."""
    found = []
    for setting in settings:
        ends = [_last(m.curve(panel.measure)) for m in setting.models if m.status == "finished"]
        away = [end for end in ends if end > panel.limits[1]]
        if said := setting.ending():
            found.append((setting, said))
        if away and setting.alone:
            found.append((setting, f"off scale, ends at {away[0]:,.{1 if away[0] < _LARGE else 0}f}"))
        elif away:
            found.append((setting, f"{len(away)} of {len(setting.models)} off scale"))
    return found


def mode(values: Sequence[float | None], epochs: int) -> str:
    """Return how plotly draws ``values``: with points where the study has few epochs, or the curve has but one."""
    alone = sum(value is not None for value in values) == 1
    return "lines+markers" if alone or epochs <= _FEW_EPOCHS else "lines"


def bullet(variant: Variant, study: Study, text: str, look: Look = style_of) -> str:
    """Return ``text`` behind a dot in the variant's colour."""
    return f'<span style="color:{look(variant, study).colour}">●</span> {text}'


def _mark(figure: Any, panel: Panel, setting: Setting, colour: str, common: Mapping[str, Any]) -> None:
    low, high = panel.limits
    values, best = setting.mean(panel.measure), setting.best_epoch()
    marks = []
    if best and (value := values[best - 1]) is not None and low <= value <= high:
        marks.append((best, value, "circle-open", f"epoch {best}: lowest validation loss"))
    for model in setting.models:
        own = model.curve(panel.measure)
        if away := _first_above(own, high):
            marks.append((away, high, "triangle-up", "leaves the scale"))
        seen = [(epoch, v) for epoch, v in enumerate(own, 1) if v is not None]
        if model.status == "diverged" and seen:
            marks.append((seen[-1][0], min(max(seen[-1][1], low), high), "x", "diverged after this epoch"))
    for epoch, y, symbol, text in marks:
        figure.add_scatter(
            x=[epoch],
            y=[y],
            mode="markers",
            marker={"symbol": symbol, "size": 12, "color": colour, "line": {"width": 2, "color": colour}},
            cliponaxis=False,
            hovertemplate=f"{text}<extra></extra>",
            **common,
        )


def _first_above(values: Sequence[float | None], limit: float) -> int | None:
    return next((epoch for epoch, v in enumerate(values, 1) if v is not None and v > limit), None)


def _last(values: Sequence[float | None]) -> float:
    return next((v for v in reversed(values) if v is not None), math.nan)
