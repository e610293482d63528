"""The charts that are not curves: test accuracy, and what the data is."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from imdb_tasks.formatting import count_of, percent
from imdb_tasks.report.charts.base import Chart, empty_figure, error_bar, top_legend
from imdb_tasks.report.charts.curves import bullet
from imdb_tasks.report.charts.style import COLOURS, GREY, NEUTRAL, style_of
from imdb_tasks.report.table import TableRow
from imdb_tasks.study import Study, StudyResult

MOST_BARS = 60
_CROWDED = 0.75  # published accuracies above it leave no room for words on their right
_BAR = 23  # pixels for one variant


def test_accuracy(table: Sequence[TableRow], result: StudyResult) -> Chart:
    """Draw one line for each variant: its test accuracy with its 95 % interval, and the published one if any."""
    finished = [(row.accuracy, row.label) for row in table if row.accuracy is not None]
    if len(table) > MOST_BARS:
        table = tuple(sorted(table, key=lambda row: row.accuracy or 0, reverse=True)[:MOST_BARS])
    figure = empty_figure(height=len(table) * _BAR + 96)
    _add_published(figure, table)
    for row in table:
        _add_measured(figure, row, result.study)
    figure.update_yaxes(categoryorder="array", categoryarray=[row.label for row in reversed(table)], showgrid=True)
    # Without the type, a grid that was never published would be drawn by numbers: plotly guesses from the first line.
    figure.update_yaxes(type="category", range=[-0.6, len(table) - 0.4])
    figure.update_xaxes(title="Test accuracy", tickformat=".2~%", showgrid=True, range=_reach(table))
    top_legend(figure)
    highest = max(finished, key=lambda each: each[0], default=None)
    peak = f"Highest: {highest[1]} with {percent(highest[0])}." if highest else "None finished."
    few = f" The {MOST_BARS} best of {len(result.variants)}." if len(result.variants) > MOST_BARS else ""
    return Chart(
        name="test-accuracy",
        title="Test accuracy of every variant",
        caption=f"Bars are 95 % intervals for the sampling error of the test reviews.{few}",
        alternative=f"Test accuracy of {count_of(len(finished), 'finished variant', 'finished variants')}. {peak}",
        figure=figure,
    )


def class_balance(result: StudyResult) -> Chart:
    """Draw how many reviews are positive and negative, in training and test."""
    card = result.data_card
    positive = (card.train_positive, card.test_positive)
    negative = (card.train_rows - card.train_positive, card.test_rows - card.test_positive)
    figure = empty_figure(height=190)
    for name, counts in (("negative", negative), ("positive", positive)):
        figure.add_bar(
            y=["training", "test"],
            x=list(counts),
            orientation="h",
            name=name,
            marker={"color": NEUTRAL},
            text=[f"{count:,} {name}" for count in counts],
            textposition="auto",
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_layout(barmode="group", showlegend=False, bargap=0.25)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title="Reviews", showgrid=True)
    words = f"{card.positive:,} positive and {card.negative:,} negative reviews"
    return Chart("class-balance", "Class balance", f"{words} in all.", f"Bar chart: {words}.", figure)


def review_lengths(result: StudyResult) -> Chart:
    """Draw how many words the cleaned reviews have; the last, open bin is drawn as wide as the one before it."""
    lengths, tokens = result.data_card.lengths, result.study.text.max_tokens
    edges = list(lengths.histogram_edges)
    if lengths.maximum > edges[-2] + (width := edges[1] - edges[0]):
        edges[-1] = edges[-2] + width
    widths = [right - left for left, right in pairwise(edges)]
    figure = empty_figure(height=260)
    figure.add_bar(
        x=edges[:-1],
        y=[count / width for count, width in zip(lengths.histogram_counts, widths, strict=True)],
        width=widths,
        offset=0,
        marker={"color": NEUTRAL, "line": {"width": 0}},
        customdata=list(lengths.histogram_counts),
        hovertemplate="%{customdata:,} reviews from %{x} words<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=tokens, line={"color": COLOURS[1], "width": 2, "dash": "dash"})
    figure.add_annotation(
        x=tokens, y=1, yref="paper", xanchor="left", yanchor="bottom", text=f"the last {tokens} words are read"
    )
    figure.update_layout(margin={"t": 26})
    figure.update_xaxes(title="Words per cleaned review")
    figure.update_yaxes(title="Density (reviews per word)", rangemode="tozero")
    words = f"median {lengths.median:,.0f} words, {percent(lengths.truncated_share)} are longer than {tokens}"
    return Chart("review-lengths", "Length of reviews", f"Reviews: {words}.", f"Histogram: {words}.", figure)


def _reach(table: Sequence[TableRow]) -> list[float]:
    """Return limits that hold every interval and published value; words beside them would widen a narrow chart's."""
    values = [row.published.accuracy for row in table if row.published and row.published.accuracy is not None]
    for row in table:
        if row.interval is not None:
            values += (row.interval.low, row.interval.high)
    low, high = min(values, default=0.5), max(values, default=1.0)
    pad = 0.04 * (high - low)
    return [low - pad, high + pad]


def _add_published(figure: Any, table: Sequence[TableRow]) -> None:
    known = [(row.label, row.published.accuracy) for row in table if row.published]
    if known:
        figure.add_scatter(
            x=[accuracy for _, accuracy in known],
            y=[name for name, _ in known],
            mode="markers",
            name="published",
            marker={"symbol": "line-ns-open", "size": 17, "color": GREY, "line": {"width": 3}},
            hovertemplate="%{y} published: %{x:.2%}<extra></extra>",
        )
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name="this study (colour: batch size)",
        marker={"symbol": "circle", "size": 10, "color": NEUTRAL},
    )


def _add_measured(figure: Any, row: TableRow, study: Study) -> None:
    shape = style_of(row.variant, study)
    if row.accuracy is None:
        _add_ending(figure, row, study)
        return
    figure.add_scatter(
        x=[row.accuracy],
        y=[row.label],
        mode="markers",
        marker={"symbol": shape.symbol, "size": 10, "color": shape.colour},
        error_x=error_bar(row.accuracy, row.interval) | {"thickness": 2, "width": 5},
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        showlegend=False,
    )


def _add_ending(figure: Any, row: TableRow, study: Study) -> None:
    # Beside the published value, so as not to cover it; at the axis where there is none.
    published = row.published.accuracy if row.published else None
    near = published is not None and published > _CROWDED
    figure.add_annotation(
        text=bullet(row.variant, study, row.ending),
        x=0 if published is None else published,
        xref="paper" if published is None else "x",
        y=row.label,
        xanchor="right" if near else "left",
        xshift=-8 if near else 8,
    )
