"""What every chart of the report is: a plotly figure, and the words that go with it."""

from dataclasses import dataclass
from typing import Any

from imdb_tasks.analysis import Interval
from imdb_tasks.report.charts.style import plotly_template


@dataclass(frozen=True)
class Chart:
    """A figure that is legible from 320 pixels on, its name in files and links, and its words."""

    name: str
    title: str
    caption: str
    alternative: str
    figure: Any


def empty_figure(height: int, **layout: Any) -> Any:
    """Return a figure of the report's one template, ``height`` pixels high."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        template=plotly_template(dark=False), height=height, margin={"l": 10, "r": 22, "t": 10, "b": 46}
    )
    figure.update_layout(layout)
    return figure


def error_bar(value: float, interval: Interval | None) -> dict[str, Any]:
    """Return plotly's error bar from the ends of an interval; none where there is no interval."""
    if interval is None:
        return {"visible": False}
    return {"array": [interval.high - value], "arrayminus": [value - interval.low]}


def top_legend(figure: Any) -> None:
    """Put the legend in a line of its own above the axes."""
    legend = {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "xref": "container", "x": 0}
    figure.update_layout(legend=legend, margin={"t": 34})
