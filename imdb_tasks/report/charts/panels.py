"""Figures of several panels, each with its title and, below it, what its curves cannot show."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.report.charts.curves import Panel, bullet, draw, label_ends, limits, mode, remarks
from imdb_tasks.report.charts.settings import Setting, pace
from imdb_tasks.report.charts.style import GREY, Look, plotly_template, style_of
from imdb_tasks.study import Measure, Study, StudyResult

_HEIGHT = 190  # of a panel, in pixels
_TITLE = 22
_REMARK = 16
_AXIS = 24
_FEW_TICKS = 5


@dataclass(frozen=True)
class View:
    """What one panel shows: the first measure as coloured curves with ``ends`` as labels, a second one in grey."""

    title: str
    measures: tuple[Measure, ...]
    settings: Sequence[Setting]
    ends: Sequence[str] = ()
    look: Look = style_of


def grid(result: StudyResult, views: Sequence[View], *, columns: int, common_scale: bool) -> Any:
    """Draw ``views`` row by row. With ``common_scale`` all panels have one y range."""
    from plotly.subplots import make_subplots

    lines = math.ceil(len(views) / columns)
    everything = [each for view in views for each in view.settings]
    panels = []
    for number, view in enumerate(views):
        found = limits(everything if common_scale else view.settings, *view.measures)
        panels.append(Panel(number // columns + 1, number % columns + 1, view.measures[0], found, _HEIGHT))
    head = _heading_height(views[:columns], panels[:columns])
    gap = _heading_height(views[columns:], panels[columns:]) + _AXIS
    inside = lines * _HEIGHT + (lines - 1) * gap
    figure = make_subplots(
        rows=lines,
        cols=columns,
        shared_yaxes=common_scale,
        vertical_spacing=gap / inside if lines > 1 else 0,
        horizontal_spacing=0.05 if columns > 1 else 0,
    )
    right = 110 if any(view.ends for view in views) else 12
    figure.update_layout(
        template=plotly_template(dark=False),
        height=head + inside + 50,
        margin={"l": 10, "r": right, "t": head + 4, "b": 46},
    )
    for view, panel in zip(views, panels, strict=True):
        _draw_view(figure, view, panel, result)
    scale_epochs(figure, result.study, ticks=5 if columns > 1 else 11)
    figure.update_xaxes(title={"text": "Epoch", "standoff": 6}, row=lines)
    return figure


def _heading_height(views: Sequence[View], panels: Sequence[Panel]) -> int:
    most = max((len(remarks(view.settings, panel)) for view, panel in zip(views, panels, strict=True)), default=0)
    return _TITLE + most * _REMARK


def _draw_view(figure: Any, view: View, panel: Panel, result: StudyResult) -> None:
    for measure in view.measures[1:]:
        for each in view.settings:
            values = [None if v is None else round(v, 5) for v in each.mean(measure)]
            figure.add_scatter(
                x=list(range(1, len(values) + 1)),
                y=values,
                mode=mode(values, result.study.training.epochs),
                line={"color": GREY, "width": 2, "dash": "dot"},
                hovertemplate="training %{y:.4f}<extra></extra>",
                legendgroup=str(each.variant.batch_size),
                meta=pace(each, result.study, result.data_card),
                showlegend=False,
                **panel.place,
            )
    draw(figure, panel, view.settings, result, view.look)
    label_ends(figure, panel, view.ends, view.settings)
    heading = [f"<b>{view.title}</b>"]
    for each, text in remarks(view.settings, panel):
        which = f"{each.variant.batch_size}: " if len(view.settings) > 1 else ""
        heading.append(bullet(each.variant, result.study, which + text, view.look))
    figure.add_annotation(
        text="<br>".join(heading),
        x=0,
        y=1,
        xref="x domain",
        yref="y domain",
        xanchor="left",
        yanchor="bottom",
        align="left",
        **panel.place,
    )
    if panel.measure == "val_accuracy":
        figure.update_yaxes(tickformat=".2~%", **panel.place)


def scale_epochs(figure: Any, study: Study, *, ticks: int) -> None:
    """Give every x axis the range of the study's epochs."""
    epochs = study.training.epochs
    room = max(0.3, 0.02 * epochs)
    figure.update_xaxes(range=[1 - room, epochs + room], dtick=1 if epochs < _FEW_TICKS else None, nticks=ticks)
