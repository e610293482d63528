"""How good the best model's probabilities are: calibration, confusion and ROC curve."""

from collections.abc import Sequence
from typing import Any

from imdb_tasks.analysis import Calibration, CalibrationBin, Confusion, Roc
from imdb_tasks.formatting import percent
from imdb_tasks.report.charts.base import Chart, empty_figure
from imdb_tasks.report.charts.style import COLOURS, GREY, NEUTRAL
from imdb_tasks.study import THRESHOLD


def calibration_chart(calibration: Calibration) -> Chart:
    """Draw the share of positive reviews against the probability that the model gave them; below, their number."""
    worst = max(calibration.bins, key=lambda each: abs(each.positive_share - each.mean_probability))
    name = calibration.variant.label
    return Chart(
        name="calibration",
        title=f"Calibration of {name}",
        caption=(
            "On the dotted line, a probability of 0.8 is right four times in five. Bars are 95 % intervals; below, how"
            f" many test reviews each point has. Mean distance {calibration.ece:.3f} (ECE), Brier score"
            f" {calibration.brier:.3f}; both are 0 at best."
        ),
        alternative=(
            f"Calibration of {name}. Furthest from the line: where it says {worst.mean_probability:.2f},"
            f" {percent(worst.positive_share)} are positive."
        ),
        figure=_calibration_figure(calibration.bins),
    )


def _calibration_figure(bins: Sequence[CalibrationBin]) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.76, 0.24], vertical_spacing=0.05)
    figure.update_layout(empty_figure(height=430).layout)
    _add_ideal(figure)
    figure.add_scatter(
        x=[each.mean_probability for each in bins],
        y=[each.positive_share for each in bins],
        mode="lines+markers",
        line={"color": COLOURS[0], "width": 2},
        marker={"size": 9, "color": COLOURS[0]},
        error_y={
            "array": [each.interval.high - each.positive_share for each in bins],
            "arrayminus": [each.positive_share - each.interval.low for each in bins],
            "thickness": 2,
            "width": 5,
        },
        customdata=[each.count for each in bins],
        hovertemplate="probability %{x:.2f}: %{y:.1%} of %{customdata:,} are positive<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_bar(
        x=[(each.low + each.high) / 2 for each in bins],
        y=[each.count for each in bins],
        width=[0.92 * (each.high - each.low) for each in bins],
        marker={"color": NEUTRAL},
        hovertemplate="%{y:,} reviews<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_layout(showlegend=False)
    figure.update_yaxes(title="Share positive", tickformat=".0%", range=[-0.03, 1.03], row=1, col=1)
    figure.update_yaxes(title="Reviews", nticks=4, row=2, col=1)
    figure.update_xaxes(title="Probability that the model gives for “positive”", range=[-0.02, 1.02], row=2, col=1)
    return figure


def _add_ideal(figure: Any) -> None:
    """Draw where every probability means what it says."""
    _add_diagonal(figure, row=1, col=1)
    figure.add_annotation(
        text="means what it says", x=0.78, y=0.78, xanchor="right", yanchor="bottom", font={"color": GREY}, row=1, col=1
    )


def _add_diagonal(figure: Any, **place: int) -> None:
    line = {"color": GREY, "width": 1.5, "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip", **place)


def confusion_chart(confusion: Confusion) -> Chart:
    """Draw, for each true label, how many reviews the model gets right and wrong."""
    found = {
        "positive": (confusion.true_positive, confusion.false_negative),
        "negative": (confusion.true_negative, confusion.false_positive),
    }
    totals = {name: sum(counts) for name, counts in found.items()}
    figure = empty_figure(height=168, barmode="stack", bargap=0.3, showlegend=False)
    for place, (word, colour) in enumerate((("right", NEUTRAL), ("wrong", COLOURS[1]))):
        figure.add_bar(
            y=[f"{name} reviews" for name in found],
            x=[counts[place] for counts in found.values()],
            orientation="h",
            marker={"color": colour},
            text=[_share(counts[place], totals[name], word) for name, counts in found.items()],
            textposition="inside" if place == 0 else "outside",
            insidetextanchor="start",
            insidetextfont={"color": "#FFFFFF"},
            cliponaxis=False,
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title="Test reviews", range=[0, 1.35 * max(totals.values(), default=1)])
    name = confusion.variant.label
    words = "; ".join(f"{key} reviews: {_share(counts[0], totals[key], 'right')}" for key, counts in found.items())
    return Chart(
        name="confusion",
        title=f"Which reviews does {name} get wrong?",
        caption=f"Counts at the threshold {THRESHOLD}. {words[0].upper()}{words[1:]}.",
        alternative=f"Bar chart: {words}.",
        figure=figure,
    )


def roc_chart(roc: Roc, auc: float | None) -> Chart:
    """Draw the true positive rate against the false positive rate."""
    figure = empty_figure(height=360, showlegend=False)
    _add_diagonal(figure)
    figure.add_scatter(
        x=[round(rate, 5) for rate in roc.false_positive_rate],
        y=[round(rate, 5) for rate in roc.true_positive_rate],
        mode="lines",
        line={"color": COLOURS[0], "width": 2},
        hovertemplate="%{y:.1%} of the positive, %{x:.1%} of the negative<extra></extra>",
    )
    figure.update_xaxes(title="Negative reviews called positive", tickformat=".0%", range=[-0.02, 1.02])
    figure.update_yaxes(title="Positive reviews called positive", tickformat=".0%", range=[-0.02, 1.02])
    name, area = roc.variant.label, "" if auc is None else f" The area under it is {auc:.4f} (AUC)."
    return Chart(
        name="roc",
        title=f"ROC curve of {name}",
        caption=f"One point for each threshold; on the dotted line lies an answer by chance.{area}",
        alternative=f"True positive rate of {name} against its false positive rate.{area}",
        figure=figure,
    )


def _share(count: int, total: int, word: str) -> str:
    return f"{count:,} {word} ({percent(count / total)})" if total else f"0 {word}"
