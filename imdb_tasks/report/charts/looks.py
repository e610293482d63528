"""What each look at a growing study has shown of each claim: the difference it rests on, as it became known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.analysis import (
    DECIDED,
    LARGEST_RATIO,
    LOG_OUTCOMES,
    SHARES,
    Effect,
    Growth,
    Seen,
    contrast_text,
    effect_text,
)
from imdb_tasks.formatting import count_of
from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.style import GREY, NEUTRAL, plotly_template

_PANEL = 150  # pixels
_TITLE = 36  # characters that fit 360 pixels beside a ruling


def looks_chart(growth: Growth) -> Chart | None:
    """Draw a panel for each claim that has an effect: its estimate and interval after each number of replicates."""
    claims = [seen for seen in growth.looks[-1].seen if seen.effects] if growth.looks else []
    if not claims:
        return None
    from plotly.subplots import make_subplots

    drawn = [Drawn(seen, max(seen.effects, key=lambda effect: effect.reach)) for seen in claims]
    titles = [f"<b>{seen.ruling}</b> {_short(seen)}" for seen in claims]
    figure = make_subplots(rows=len(claims), cols=1, subplot_titles=titles, vertical_spacing=0.32 / len(claims))
    figure.update_layout(
        template=plotly_template(dark=False),
        height=_PANEL * len(claims) + 60,
        margin={"l": 10, "r": 14, "t": 30, "b": 46},
        showlegend=False,
    )
    for row, each in enumerate(drawn, 1):
        _draw(figure, growth, each, row)
    figure.update_annotations(font={"size": 13}, x=0, xanchor="left")
    figure.update_xaxes(range=[0.5, growth.most + 0.5], dtick=1, tick0=1)
    figure.update_xaxes(title="Replicates", row=len(claims))
    told = "; ".join(f"{each.seen.title}: {effect_text(each.effect)}" for each in drawn)
    return Chart(
        name="looks",
        title="What each replicate has added",
        caption="One point for each number of trainings: the first difference that a claim rests on, of several the"
        " largest, with the interval that the ruling used. Filled: decided. Grey: counts as the same. Intervals are"
        " wider at first on purpose: testing again and again is paid for. What does not fit is cut.",
        alternative=f"After {count_of(growth.looks[-1].replicates, 'replicate', 'replicates')}: {told}.",
        figure=figure,
    )


@dataclass(frozen=True)
class Drawn:
    """A claim as the last look saw it, and the one of its effects that is drawn."""

    seen: Seen
    effect: Effect


def _draw(figure: Any, growth: Growth, drawn: Drawn, row: int) -> None:
    last, margin = drawn.effect, drawn.seen.margin
    known = [
        (look.replicates, each, effect)
        for look in growth.looks
        for each in look.seen
        for effect in each.effects
        if each.claim == drawn.seen.claim and (effect.outcome, effect.contrast) == (last.outcome, last.contrast)
    ]
    ratio = last.outcome in LOG_OUTCOMES
    values = [_scaled(effect, effect.estimate) for _, _, effect in known]
    ends = [[_scaled(effect, end) for end in effect.ends or (effect.estimate,) * 2] for _, _, effect in known]
    decided = [each.ruling in DECIDED for _, each, _ in known]
    figure.add_scatter(
        x=[replicates for replicates, _, _ in known],
        y=values,
        error_y={
            "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
            "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
            "color": NEUTRAL,
            "thickness": 1.5,
        },
        mode="markers",
        marker={
            "size": 10,
            "color": NEUTRAL,
            "symbol": ["circle" if each else "circle-open" for each in decided],
            "line": {"width": 2, "color": NEUTRAL},
        },
        text=[effect_text(effect) for _, _, effect in known],
        hovertemplate="%{text}<extra></extra>",
        row=row,
        col=1,
    )
    if margin is not None:
        low, high = (_scaled(last, end) for end in (-margin, margin))
        figure.add_hrect(y0=low, y1=high, fillcolor=GREY, opacity=0.2, line_width=0, layer="below", row=row, col=1)
    figure.add_hline(y=1 if ratio else 0, line={"color": GREY, "width": 1, "dash": "dot"}, row=row, col=1)
    figure.update_yaxes(_axis(known[0][2]), range=_range(values, ends[-1], ratio=ratio), nticks=4, row=row, col=1)


def _range(values: Sequence[float], last: Sequence[float], *, ratio: bool) -> tuple[float, float]:
    """Return limits that hold every estimate, and the interval of the last look."""
    held = [*values, *last, 1.0 if ratio else 0.0]
    if ratio:  # plotly wants the exponents of a logarithmic axis
        held = [math.log10(value) for value in held]
    pad = 0.25 * (max(held) - min(held)) or 0.1
    return min(held) - pad, max(held) + pad


def _axis(effect: Effect) -> dict[str, Any]:
    scale = {"type": "log", "tickprefix": "×"} if effect.outcome in LOG_OUTCOMES else {}
    return {**scale, "title": contrast_text(effect)}


def _scaled(effect: Effect, value: float) -> float:
    if effect.outcome in LOG_OUTCOMES:
        largest = math.log(LARGEST_RATIO)  # cut there, so that an early interval cannot flatten the others
        return math.exp(max(-largest, min(value, largest)))
    return 100 * value if effect.outcome in SHARES else value


def _short(seen: Seen) -> str:
    return seen.title if len(seen.title) <= _TITLE else f"{seen.title[: _TITLE - 1].rstrip()}…"
