"""Test accuracy against what a setting costs: parameters and compute, and time and memory where they differ."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.report.charts.base import Chart, empty_figure, error_bar, top_legend
from imdb_tasks.report.charts.curves import spread
from imdb_tasks.report.charts.style import GREY, marker, style_of
from imdb_tasks.report.table import SettingRow
from imdb_tasks.study import Study, StudyResult, Variant

_DEPTH = 0.12  # accuracy below the best that is still drawn to scale
_MARGIN = 1.25  # on both ends of a log scale, for points and labels
_MANY = 10_000
_FAR = 4  # times the cheapest: costs beyond it are drawn on a log scale
_LABEL = 0.32  # of the width of the narrowest figure: one setting's name
_NAMED = 3  # settings of the front
_PANEL, _GAP = 190, 62  # pixels
_SETTLED = 3  # times the noise of a measurement: what differs by more is drawn
_ALIKE = 1.5  # peak memory is that of the whole process: below this ratio, libraries and data make the difference
_GATES: Mapping[str, int] = {"GRU": 3, "LSTM": 4}


@dataclass(frozen=True)
class Axis:
    """One kind of cost: its title, its row of panels, and what each setting costs (in units of the title)."""

    title: str
    row: int
    costs: Mapping[Variant, float]

    @property
    def place(self) -> dict[str, int]:
        """The panel as plotly names it."""
        return {"row": self.row, "col": 1}


def compute(variant: Variant, result: StudyResult) -> float:
    """Return the floating-point operations of a training, in tera: two for each multiplication of a matrix product, and
    the backward pass as two forward passes.
    """
    text, training, units = result.study.text, result.study.training, variant.units
    step = _GATES[variant.cell] * units * (text.dimensions + units)
    review = text.max_tokens * step + units * units + units
    rows = int(result.data_card.train_rows * (1 - training.validation_fraction))
    return 2 * 3 * review * rows * training.epochs / 1e12


def axes(table: Sequence[SettingRow], result: StudyResult) -> list[Axis]:
    """Return parameters and compute, and of time and memory those that differ by more than their noise."""
    found: list[tuple[str, Mapping[Variant, float]]] = [
        ("Trainable parameters", {r.variant: r.cost.trainable_parameters for r in table if r.cost}),
        ("Compute of a training, TFLOP", {row.variant: compute(row.variant, result) for row in table}),
    ]
    times = {row.variant: row.training_seconds for row in table if row.training_seconds}
    if _ratio(times) > 1 + _SETTLED * _unrest(result):
        found.append(("Training time without compilation, seconds", times))
    memory = {row.variant: row.cost.peak_memory_bytes / 1e6 for row in table if row.cost}
    if _ratio(memory) > _ALIKE:
        found.append(("Peak memory, MB", memory))
    return [Axis(title, row, costs) for row, (title, costs) in enumerate(found, 1)]


def _ratio(costs: Mapping[Variant, float]) -> float:
    return max(costs.values()) / min(costs.values()) if costs and min(costs.values()) > 0 else 1.0


def _unrest(result: StudyResult) -> float:
    """Return by how much the epochs of one training differ in time: the median of their quartile ranges, relatively."""
    found = []
    for each in result.variants:
        seconds = each.training.history.seconds[1:] if each.training else ()
        if len(seconds) > 1 and (middle := statistics.median(seconds)) > 0:
            low, _, high = statistics.quantiles(seconds, n=4)
            found.append((high - low) / middle)
    return statistics.median(found) if found else math.inf


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which of the (cost, accuracy) no other beats in one and equals in the other, the cheapest first.

    This is the Pareto front: V. Pareto, Manuale di economia politica (1906).
    """
    chosen: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i)):
        if not chosen or points[index][1] > points[chosen[-1]][1]:
            chosen.append(index)
    return chosen


def cost_chart(table: Sequence[SettingRow], result: StudyResult) -> Chart | None:
    """Draw accuracy against each cost, with the front of the settings that nothing beats at their price."""
    measured = [row for row in table if row.accuracy is not None and row.cost]
    if not measured:
        return None
    from plotly.subplots import make_subplots

    panels = axes(measured, result)
    inside = len(panels) * _PANEL + (len(panels) - 1) * _GAP
    figure = make_subplots(rows=len(panels), cols=1, vertical_spacing=_GAP / inside if len(panels) > 1 else 0)
    figure.update_layout(empty_figure(height=inside + 96).layout)
    top = max(row.accuracy or 0 for row in measured)
    bottom = max(min(row.accuracy or 0 for row in measured), top - _DEPTH) - 0.012
    for axis in panels:
        _draw_axis(figure, axis, measured, result.study, bottom)
    figure.update_yaxes(title="Test accuracy", tickformat=".2~%", range=[bottom - 0.004, top + 0.03], nticks=6)
    _key(figure, result.study)
    named = [measured[index].label for index in front([_point(row, panels[0]) for row in measured])]
    below = sum((row.accuracy or 0) < bottom for row in measured)
    clipped = f" Triangles at the bottom: {below} below the scale." if below else ""
    drawn = " ".join(axis.title for axis in panels)
    left_out = [name for name in ("training time", "peak memory") if name.capitalize() not in drawn]
    equal = f" Not drawn, for it differs by no more than its noise: {', '.join(left_out)}." if left_out else ""
    return Chart(
        name="cost",
        title="What accuracy costs",
        caption=(
            "The line joins the settings that no cheaper one equals. Filled is GRU, hollow is LSTM; the shape is the"
            f" layer size. Compute counts the matrix products of all epochs.{equal}{clipped}"
        ),
        alternative=f"Test accuracy against parameters. No smaller setting equals {', '.join(named)}.",
        figure=figure,
    )


def _point(row: SettingRow, axis: Axis) -> tuple[float, float]:
    return axis.costs.get(row.variant, math.inf), row.accuracy or 0


def _draw_axis(figure: Any, axis: Axis, table: Sequence[SettingRow], study: Study, bottom: float) -> None:
    measured = [row for row in table if row.variant in axis.costs]
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
        _draw_setting(figure, axis, row, point, marker(row.variant, study), bottom)
    scale = _scale(axis, [cost for cost, _ in points])
    _name_settings(figure, axis, measured, _label_places(chosen, points, scale), scale)
    figure.update_xaxes(scale, **axis.place)


def _draw_setting(  # noqa: PLR0913, PLR0917 - a point needs its place, its shape and its words
    figure: Any, axis: Axis, row: SettingRow, point: tuple[float, float], shape: Mapping[str, Any], bottom: float
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
        legendgroup=str(row.variant.batch_size),
        showlegend=False,
        **axis.place,
    )


def _name_settings(
    figure: Any,
    axis: Axis,
    measured: Sequence[SettingRow],
    places: Sequence[tuple[int, float]],
    scale: Mapping[str, Any],
) -> None:
    reference = figure.get_subplot(axis.row, 1).xaxis.plotly_name.replace("axis", "")
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
    chosen: Sequence[int], points: Sequence[tuple[float, float]], scale: Mapping[str, Any]
) -> list[tuple[int, float]]:
    """Return which points get their name, and where along the axis: moved apart and inside of the panel."""
    # The cheapest, the most accurate, and what is between them.
    named = chosen if len(chosen) <= _NAMED else [chosen[0], chosen[len(chosen) // 2], chosen[-1]]
    low, high = scale["range"]
    gap = (high - low) * _LABEL
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
    """Say what the colours mean: a batch size each, which a click hides."""
    for size in study.batch_sizes:
        example = next(each for each in study.variants if each.batch_size == size)
        shape = {"symbol": "circle", "color": style_of(example, study).colour, "size": 9}
        own = {"name": f"batch {size}", "legendgroup": str(size)}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=shape, **own)
    top_legend(figure)
    figure.update_layout(margin={"t": 56})
