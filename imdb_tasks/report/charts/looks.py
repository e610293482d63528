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
    VerdictValue,
    effect_text,
    question_text,
)
from imdb_tasks.formatting import count_of
from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.effects import CEILING
from imdb_tasks.report.charts.style import GREY, NEUTRAL, plotly_template

_PANEL = 165  # pixels
_SPACE = 0.42  # of the height, between all panels
_TITLE = 36  # characters that fit 360 pixels beside a ruling


@dataclass(frozen=True)
class Panel:
    """A claim with its last ruling, and the difference that this rests on, or the last one that was tested.

    ``known`` has, for each look that tested it: the replicates, whether the claim was decided, the difference.
    """

    title: str
    ruling: VerdictValue
    margin: float | None
    known: tuple[tuple[int, bool, Effect], ...]


def looks_chart(growth: Growth) -> Chart | None:
    """Draw a panel for each claim that was tested: its estimate and interval after each number of replicates."""
    seen = growth.looks[-1].seen if growth.looks else ()
    panels = [panel for each in seen if (panel := _panel(growth, each))]
    if not panels:
        return None
    from plotly.subplots import make_subplots

    titles = [f"<b>{panel.ruling}</b> {_short(panel.title)}<br>{question_text(panel.known[-1][2])}" for panel in panels]
    figure = make_subplots(rows=len(panels), cols=1, subplot_titles=titles, vertical_spacing=_SPACE / len(panels))
    figure.update_layout(
        template=plotly_template(dark=False),
        height=_PANEL * len(panels) + 60,
        margin={"l": 10, "r": 14, "t": 46, "b": 46},
        showlegend=False,
    )
    for row, panel in enumerate(panels, 1):
        _draw(figure, panel, row)
    figure.update_annotations(font={"size": 13}, x=0, xanchor="left", align="left")
    figure.update_xaxes(range=[0.5, growth.most + 0.5], dtick=1, tick0=1)
    figure.update_xaxes(title="Replicates", row=len(panels))
    return Chart(
        name="looks",
        title="What each replicate has added",
        caption="One point for each number of replicates: the difference that a ruling rests on, of several the one"
        " that its reason names, with the interval that the ruling used. Filled: decided. Grey: counts as the same."
        " Intervals are wider at first on purpose: testing again and again is paid for. What does not fit is cut.",
        alternative="; ".join(map(_told, panels)) + ".",
        figure=figure,
    )


def _panel(growth: Growth, seen: Seen) -> Panel | None:
    """Return what is drawn of a claim; None where it was never tested."""
    tested = growth.of(seen.claim)
    if not tested:
        return None
    shown = growth.decided.get(seen.claim, tested[-1])[1]
    known = tuple(
        (replicates, each.ruling in DECIDED, effect)
        for replicates, each in tested
        if shown.named and (effect := shown.named.among(each.effects))
    )
    return Panel(seen.title, seen.ruling, shown.margin, known)


def _told(panel: Panel) -> str:
    replicates, _, effect = panel.known[-1]
    after = count_of(replicates, "replicate", "replicates")
    return f"{panel.title}, {panel.ruling}; after {after}, {effect_text(effect)}"


def _draw(figure: Any, panel: Panel, row: int) -> None:
    effects = [effect for _, _, effect in panel.known]
    ratio = effects[0].outcome in LOG_OUTCOMES
    values = [_scaled(effect, effect.estimate) for effect in effects]
    ends = [[_scaled(effect, end) for end in effect.ends or (effect.estimate,) * 2] for effect in effects]
    figure.add_scatter(
        x=[replicates for replicates, _, _ in panel.known],
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
            "symbol": ["circle" if decided else "circle-open" for _, decided, _ in panel.known],
            "line": {"width": 2, "color": NEUTRAL},
        },
        text=[effect_text(effect) for effect in effects],
        hovertemplate="%{text}<extra></extra>",
        row=row,
        col=1,
    )
    if (margin := panel.margin) is not None:
        low, high = (_scaled(effects[0], end) for end in (-margin, margin))
        figure.add_hrect(y0=low, y1=high, fillcolor=GREY, opacity=0.2, line_width=0, layer="below", row=row, col=1)
    figure.add_hline(y=1 if ratio else 0, line={"color": GREY, "width": 1, "dash": "dot"}, row=row, col=1)
    figure.update_yaxes(_axis(effects[0]), range=_range(values, ends[-1], ratio=ratio), nticks=4, row=row, col=1)


def _range(values: Sequence[float], last: Sequence[float], *, ratio: bool) -> tuple[float, float]:
    """Return limits that hold every estimate, and the interval of the last look."""
    held = [*values, *last, 1.0 if ratio else 0.0]
    if ratio:  # plotly wants the exponents of a logarithmic axis
        held = [math.log10(value) for value in held]
    pad = 0.25 * (max(held) - min(held)) or 0.1
    return min(held) - pad, max(held) + pad


def _axis(effect: Effect) -> dict[str, Any]:
    return {"type": "log", "tickprefix": "×"} if effect.outcome in LOG_OUTCOMES else {}


def _scaled(effect: Effect, value: float) -> float:
    if effect.outcome in LOG_OUTCOMES:
        return math.exp(_cut(value, math.log(LARGEST_RATIO)))
    return 100 * value if effect.outcome in SHARES else _cut(value, CEILING[effect.outcome])


def _cut(value: float, largest: float) -> float:
    """Return a value that is cut where it would flatten the others."""
    return max(-largest, min(value, largest))


def _short(title: str) -> str:
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1].rstrip()}…"
