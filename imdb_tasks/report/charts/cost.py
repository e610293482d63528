"""Test accuracy against what a variant costs: time, parameters, memory."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.report.charts.base import Chart, error_bar, top_legend
from imdb_tasks.report.charts.curves import spread
from imdb_tasks.report.charts.style import GREY, NEUTRAL, marker, plotly_template, style_of
from imdb_tasks.report.table import TableRow
from imdb_tasks.study import Cost, Study

_DEPTH = 0.12  # accuracy below the best that is still drawn to scale
_MARGIN = 1.25  # on both ends of a log scale, for points and labels
_MANY = 10_000
_FAR = 4  # times the cheapest: costs beyond it are drawn on a log scale
_LABEL = 0.15  # of the width of the figure: one variant's name
_HEIGHTS = (0.56, 0.44)


@dataclass(frozen=True)
class Axis:
    """One kind of cost: its title, where its panel is, and how it is measured (in units of the title)."""

    title: str
    row: int
    column: int
    measure: Callable[[TableRow, Cost], float]

    @property
    def place(self) -> dict[str, int]:
        """The panel as plotly names it."""
        return {"row": self.row, "col": self.column}


AXES = (
    Axis("Training time without compilation, seconds", 1, 1, lambda row, _: row.training_seconds or 0.0),
    Axis("Trainable parameters", 2, 1, lambda _, cost: cost.trainable_parameters),
    Axis("Peak memory, MB", 2, 2, lambda _, cost: cost.peak_memory_bytes / 1e6),
)


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which of the (cost, accuracy) no other beats in one and equals in the other, the cheapest first.

    This is the Pareto front: V. Pareto, Manuale di economia politica (1906).
    """
    chosen: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i)):
        if not chosen or points[index][1] > points[chosen[-1]][1]:
            chosen.append(index)
    return chosen


def cost_chart(table: Sequence[TableRow], study: Study) -> Chart | None:
    """Draw accuracy against each cost, with the front of the variants that nothing beats at their price."""
    measured = [row for row in table if row.accuracy is not None and row.cost]
    if not measured:
        return None
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2, cols=2, specs=[[{"colspan": 2}, None], [{}, {}]], row_heights=list(_HEIGHTS), vertical_spacing=0.17
    )
    figure.update_layout(template=plotly_template(dark=False), height=560, margin={"l": 10, "r": 16, "t": 34, "b": 46})
    top = max(row.accuracy or 0 for row in measured)
    bottom = max(min(row.accuracy or 0 for row in measured), top - _DEPTH) - 0.012
    for axis in AXES:
        _draw_axis(figure, axis, measured, study, bottom)
    figure.update_yaxes(tickformat=".2~%", range=[bottom - 0.004, top + 0.03])
    figure.update_yaxes(title="Test accuracy", col=1)
    _key(figure, study)
    named = [measured[index].label for index in front([_point(row, AXES[0]) for row in measured])]
    below = sum((row.accuracy or 0) < bottom for row in measured)
    clipped = f" Triangles at the bottom: {below} below the scale." if below else ""
    return Chart(
        name="cost",
        title="What accuracy costs",
        caption=(
            "The line joins the variants that no cheaper one equals, for each kind of cost. Filled is GRU, hollow is"
            f" LSTM. Bars are 95 % intervals for the sampling error of the test reviews.{clipped}"
        ),
        alternative=f"Test accuracy against training time. No quicker variant equals {', '.join(named)}.",
        figure=figure,
        narrowest=520,
    )


def _point(row: TableRow, axis: Axis) -> tuple[float, float]:
    return (axis.measure(row, row.cost) if row.cost else math.inf, row.accuracy or 0)


def _draw_axis(figure: Any, axis: Axis, measured: Sequence[TableRow], study: Study, bottom: float) -> None:
    points = [_point(row, axis) for row in measured]
    chosen = [index for index in front(points) if points[index][1] >= bottom]
    figure.add_scatter(
        x=[points[index][0] for index in chosen],
        y=[points[index][1] for index in chosen],
        mode="lines",
        line={"color": GREY, "width": 1.5, "shape": "hv"},
        hoverinfo="skip",
        showlegend=False,
        **axis.place,
    )
    for row, point in zip(measured, points, strict=True):
        _draw_variant(figure, axis, row, point, marker(row.variant, study), bottom)
    scale = _scale(axis, [cost for cost, _ in points])
    _name_variants(figure, axis, measured, _label_places(axis, chosen, points, scale), scale)
    figure.update_xaxes(scale, **axis.place)


def _draw_variant(  # noqa: PLR0913, PLR0917 - a point needs its place, its shape and its words
    figure: Any, axis: Axis, row: TableRow, point: tuple[float, float], shape: Mapping[str, Any], bottom: float
) -> None:
    cost, accuracy = point
    clipped = accuracy < bottom
    figure.add_scatter(
        x=[cost],
        y=[bottom if clipped else accuracy],
        name=row.label,
        mode="markers",
        marker={**shape, "symbol": "triangle-down-open"} if clipped else shape,
        error_y=None if clipped else error_bar(accuracy, row.interval) | {"thickness": 1.2, "width": 0},
        hovertemplate=f"{row.label}: {accuracy:.2%}, %{{x:,.4g}}<extra></extra>",
        showlegend=False,
        **axis.place,
    )


def _name_variants(
    figure: Any,
    axis: Axis,
    measured: Sequence[TableRow],
    places: Sequence[tuple[int, float]],
    scale: Mapping[str, Any],
) -> None:
    reference = figure.get_subplot(axis.row, axis.column).xaxis.plotly_name.replace("axis", "")
    for index, x in places:
        row = measured[index]
        # A line leads from the name to its point, for names are moved apart.
        figure.add_annotation(
            text=row.label,
            x=_along(_point(row, axis)[0], scale),
            y=row.interval.high if row.interval else row.accuracy,
            ax=x,
            axref=reference,
            ay=-16,
            showarrow=True,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=GREY,
            **axis.place,
        )


def _label_places(
    axis: Axis, chosen: Sequence[int], points: Sequence[tuple[float, float]], scale: Mapping[str, Any]
) -> list[tuple[int, float]]:
    """Return which points get their name, and where along the axis: moved apart and inside of the panel."""
    named = chosen if axis.row == 1 else chosen[-1:]
    low, high = scale["range"]
    gap = (high - low) * (_LABEL if axis.row == 1 else 2 * _LABEL)
    costs = [points[index][0] for index in named]
    places = spread([_along(cost, scale) for cost in costs], gap, low + gap / 2, high - gap / 2)
    return list(zip(named, places, strict=True))


def _along(cost: float, scale: Mapping[str, Any]) -> float:
    """Return where a cost lies along its axis, in the unit of the axis' range."""
    return math.log10(cost) if "type" in scale else cost


def _scale(axis: Axis, costs: Sequence[float]) -> dict[str, Any]:
    """Return an axis that spans the costs: linear, or, where they differ much, logarithmic with ticks at 1, 2 and 5
    times the powers of ten.
    """
    if min(costs) <= 0 or max(costs) < _FAR * min(costs):
        pad = 0.1 * (max(costs) - min(costs)) or 0.1 * max(costs) or 1.0
        title = {"text": axis.title, "standoff": 6}
        return {"title": title, "range": [min(costs) - pad, max(costs) + pad], "nticks": 6}
    low, high = min(costs) / _MARGIN, max(costs) * _MARGIN
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [
        tick for power in powers for tick in (10.0**power, 2 * 10.0**power, 5 * 10.0**power) if low <= tick <= high
    ]
    return {
        "title": {"text": f"{axis.title} (log scale)", "standoff": 6},
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [f"{tick:,g}" if tick < _MANY else f"{tick / 1000:,g}k" for tick in ticks],
    }


def _key(figure: Any, study: Study) -> None:
    """Say what colours and shapes mean: a batch size each, a layer size each."""
    entries = []
    for size in study.batch_sizes:
        example = next(each for each in study.variants if each.batch_size == size)
        entries.append((f"batch {size}", {"symbol": "circle", "color": style_of(example, study).colour}))
    for units in study.units if len(study.units) > 1 else ():
        example = next(each for each in study.variants if each.units == units)
        entries.append((f"{units} units", {"symbol": style_of(example, study).symbol, "color": NEUTRAL}))
    for name, shape in entries:
        figure.add_scatter(x=[None], y=[None], mode="markers", name=name, marker={**shape, "size": 9})
    top_legend(figure)
