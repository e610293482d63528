"""The charts that are not curves: test accuracy, and what the data is."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from imdb_tasks.analysis import Analysis
from imdb_tasks.formatting import count_of, percent
from imdb_tasks.report.charts.base import Chart, empty_figure, error_bar, top_legend
from imdb_tasks.report.charts.style import COLOURS, GREY, NEUTRAL, style_of
from imdb_tasks.report.table import SettingRow, most_accurate
from imdb_tasks.study import Study, StudyResult

MOST_BARS = 60
_BAR = 23  # pixels for one setting
_CHARACTER = 7


def test_accuracy(table: Sequence[SettingRow], result: StudyResult, analysis: Analysis) -> Chart:
    """Draw one line for each setting: its test accuracy, that of each replicate, and the published one if any.

    A training without a test result is told in words beside the axes, never as a point on them.
    """
    finished = [(row.accuracy, row.label) for row in table if row.accuracy is not None]
    if len(table) > MOST_BARS:
        table = most_accurate(table, MOST_BARS)
    chance = analysis.choice.baseline.accuracy if analysis.choice else 0.5
    figure = empty_figure(height=len(table) * _BAR + 112)
    _add_published(figure, table)
    for size in result.study.batch_sizes:
        _add_measured(figure, [row for row in table if row.variant.batch_size == size], result.study)
    for row in table:
        if _brief(row):
            figure.add_annotation(
                text=_brief(row), x=1, xref="paper", xanchor="left", xshift=6, y=row.label, font={"color": GREY}
            )
    longest = max((len(_brief(row)) for row in table), default=0)
    figure.update_layout(margin={"r": max(22, 10 + _CHARACTER * longest)})
    figure.add_vline(x=chance, line={"color": GREY, "width": 1.5, "dash": "dot"})
    figure.add_annotation(text="chance", x=chance, y=1, yref="paper", xanchor="left", yanchor="bottom", xshift=2)
    figure.update_yaxes(categoryorder="array", categoryarray=[row.label for row in reversed(table)], showgrid=True)
    # Without the type, a grid that was never published would be drawn by numbers: plotly guesses from the first line.
    figure.update_yaxes(type="category", range=[-0.6, len(table) - 0.4])
    figure.update_xaxes(title="Test accuracy", tickformat=".2~%", showgrid=True, nticks=6, range=_reach(table, chance))
    top_legend(figure)
    figure.update_layout(margin={"t": 50})
    highest = max(finished, key=lambda each: each[0], default=None)
    peak = f"Highest: {highest[1]} with {percent(highest[0])}." if highest else "None finished."
    few = f" The {MOST_BARS} best of {len(analysis.standings)}." if len(finished) > MOST_BARS else ""
    return Chart(
        name="test-accuracy",
        title="Test accuracy of every setting",
        caption=f"{_marks(result.study)} “Chance” is always giving the same answer.{few}",
        alternative=f"Test accuracy of {count_of(len(finished), 'setting', 'settings')}. {peak}",
        figure=figure,
    )


def _marks(study: Study) -> str:
    if study.replicates == 1:
        return "The line through a point is its 95 % interval, for the sampling error of the test reviews."
    means = f"A point is the mean of {study.replicates} trainings, a tick each of them"
    return f"{means}; failed: did not converge, or missing."


def _brief(row: SettingRow) -> str:
    """Say beside the axes which trainings have no point, or are no better than chance, in few characters."""
    if len(row.models) > 1:
        return f"{row.failed} of {len(row.models)} failed" if row.failed else ""
    [model] = row.models
    return model.ending.partition(" at ")[0] if row.accuracy is None else "not converged" if row.failed else ""


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


def _reach(table: Sequence[SettingRow], chance: float) -> list[float]:
    """Return limits that hold every interval, every replicate and every published value, and the chance line."""
    values = [chance]
    for row in table:
        if row.published and row.published.accuracy is not None:
            values.append(row.published.accuracy)
        if row.interval is not None:
            values += (row.interval.low, row.interval.high)
        values += [each for each in (row.accuracy, *_replicates(row)) if each is not None]
    low, high = min(values), max(values)
    pad = 0.04 * (high - low) or 0.02
    return [low - pad, high + pad]


def _replicates(row: SettingRow) -> list[float]:
    return [] if len(row.models) == 1 else [m.accuracy for m in row.models if m.accuracy is not None]


def _add_published(figure: Any, table: Sequence[SettingRow]) -> None:
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


def _add_measured(figure: Any, table: Sequence[SettingRow], study: Study) -> None:
    """Draw the settings of one batch size: one entry of the legend, which hides all of them."""
    drawn = [(row, row.accuracy) for row in table if row.accuracy is not None]
    if not drawn:
        return
    size, shapes = drawn[0][0].variant.batch_size, [style_of(row.variant, study) for row, _ in drawn]
    colour = shapes[0].colour
    ticks = [(row.label, accuracy) for row, _ in drawn for accuracy in _replicates(row)]
    if ticks:
        figure.add_scatter(
            x=[accuracy for _, accuracy in ticks],
            y=[label for label, _ in ticks],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 10, "color": colour, "line": {"width": 1.5}},
            hovertemplate="%{y}, one training: %{x:.2%}<extra></extra>",
            legendgroup=str(size),
            showlegend=False,
        )
    bars = [error_bar(accuracy, row.interval) for row, accuracy in drawn]
    figure.add_scatter(
        x=[accuracy for _, accuracy in drawn],
        y=[row.label for row, _ in drawn],
        mode="markers",
        name=f"batch {size}",
        marker={"symbol": [shape.symbol for shape in shapes], "size": 10, "color": colour},
        error_x={
            "array": [bar.get("array", [0])[0] for bar in bars],
            "arrayminus": [bar.get("arrayminus", [0])[0] for bar in bars],
            "thickness": 2,
            "width": 5,
        }
        if study.replicates == 1
        else None,
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        legendgroup=str(size),
    )
