"""Effects with their intervals, one line each: what every factor does to every outcome, all else equal."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.analysis import (
    LARGEST_RATIO,
    LOG_OUTCOMES,
    OUTCOME_NAMES,
    SHARES,
    Analysis,
    Effect,
    Outcome,
    amount,
    contrast_text,
    effect_text,
)
from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.style import GREY, NEUTRAL, plotly_template

_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_FINE_RATIOS = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 1.8, 2)
_FINE = 1.0  # a logarithm: for shorter axes, the finer ticks
_LINE, _HEAD = 38, 30  # pixels
_WIDEST = 12.0  # times the middle one: an exploded loss is clipped there, so that it cannot flatten the others
CEILING: Mapping[str, float] = {"accuracy": 1.0, "auc": 1.0, "overfitting": 2.0}  # others: a ratio of 100
_UNITS: Mapping[Outcome, str] = {
    "accuracy": "Difference, points of accuracy",
    "final_loss": "Ratio",
    "roughness": "Ratio",
    "overfitting": "Difference, cross-entropy",
}


@dataclass(frozen=True)
class Block:
    """The effects on one outcome."""

    outcome: Outcome
    effects: tuple[Effect, ...]


def accuracy_effects(analysis: Analysis) -> Chart | None:
    """Draw what each factor does to the test accuracy."""
    return _chart(
        "effects",
        "What each factor does to test accuracy",
        _blocks(analysis, ("accuracy",)),
        "The accuracy with the first level less that with the second, all else equal. Lines are 95 % intervals for"
        " other trainings and other reviews. A filled point is statistically significant, corrected for the"
        " comparisons of accuracy (Holm). Claims that share the error of 5 % rest on wider ones.",
    )


def loss_effects(analysis: Analysis) -> Chart | None:
    """Draw what each factor does to loss, overfitting and stability."""
    blocks = _blocks(analysis, ("final_loss", "roughness", "overfitting"))
    return _chart(
        "effects-on-loss",
        "What each factor does to loss, overfitting and stability",
        blocks,
        f"Drawn as the effects on accuracy. Ratios are on a log scale. A scale ends at differences of"
        f" {CEILING['overfitting']:g} and at ratios of {LARGEST_RATIO}; what lies beyond is drawn at its edge, as a"
        " triangle.",
    )


def _blocks(analysis: Analysis, outcomes: Sequence[Outcome]) -> list[Block]:
    found = []
    for outcome in outcomes:
        own = tuple(effect for effect in analysis.effects if effect.outcome == outcome and not effect.subset)
        if own:
            found.append(Block(outcome, own))
    return found


def _chart(name: str, title: str, blocks: Sequence[Block], caption: str) -> Chart | None:
    if not blocks:
        return None
    from plotly.subplots import make_subplots

    lines = [len(block.effects) for block in blocks]
    gap = _HEAD + 34
    inside = sum(lines) * _LINE + gap * (len(blocks) - 1)
    figure = make_subplots(
        rows=len(blocks), cols=1, row_heights=lines, vertical_spacing=gap / inside if len(blocks) > 1 else 0
    )
    figure.update_layout(
        template=plotly_template(dark=False),
        height=inside + _HEAD + 50,
        margin={"l": 10, "r": 14, "t": _HEAD, "b": 46},
    )
    for row, block in enumerate(blocks, 1):
        _draw_block(figure, block, row, headed=len(blocks) > 1)
    figure.update_xaxes(title=_UNITS[blocks[-1].outcome], row=len(blocks))
    said = "; ".join(effect_text(effect) for block in blocks for effect in block.effects)
    return Chart(
        name=name,
        title=title,
        caption=caption,
        alternative=f"{title}: {said}.",
        figure=figure,
    )


def _draw_block(figure: Any, block: Block, row: int, *, headed: bool) -> None:
    place = {"row": row, "col": 1}
    count = len(block.effects)
    limits = _range(block.effects)
    for line, effect in enumerate(block.effects):
        y = count - 1 - line
        if effect.interval:
            _draw_interval(figure, effect, y, limits, place)
        _draw_estimate(figure, effect, y, limits, place)
    figure.add_vline(x=0, line={"color": GREY, "width": 1, "dash": "dot"}, **place)
    labels = [f"{contrast_text(effect)}<br><b>{_value(effect)}</b>" for effect in block.effects]
    figure.update_yaxes(
        tickvals=list(range(count)), ticktext=labels[::-1], range=[-0.6, count - 0.4], showgrid=False, **place
    )
    figure.update_xaxes(_axis(block.outcome, limits), tickangle=0, nticks=6, **place)
    if headed:
        figure.add_annotation(
            text=f"<b>{OUTCOME_NAMES[block.outcome].partition(' (')[0]}</b>",
            x=1,
            y=1,
            xref="x domain",
            yref="y domain",
            xanchor="right",
            yanchor="bottom",
            **place,
        )


def _draw_interval(figure: Any, effect: Effect, y: int, limits: tuple[float, float], place: dict[str, int]) -> None:
    figure.add_scatter(
        x=[_clipped(value, limits) * _scale(effect.outcome) for value in effect.ends],
        y=[y, y],
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
        **place,
    )


def _draw_estimate(figure: Any, effect: Effect, y: int, limits: tuple[float, float], place: dict[str, int]) -> None:
    shown = _clipped(effect.estimate, limits)
    figure.add_scatter(
        x=[shown * _scale(effect.outcome)],
        y=[y],
        mode="markers",
        marker={
            "symbol": _symbol(effect, clipped=shown != effect.estimate),
            "size": 11,
            "color": NEUTRAL,
            "line": {"width": 2, "color": NEUTRAL},
        },
        hovertemplate=f"{effect_text(effect)}<extra></extra>",
        showlegend=False,
        **place,
    )


def _clipped(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _value(effect: Effect) -> str:
    """Write estimate and interval, without the unit that the axis names; a ratio as the axis does."""
    values = (effect.estimate, *effect.ends)
    number, *ends = (amount(effect.outcome, value).removesuffix(" points") for value in values)
    return f"{number} ({ends[0]} to {ends[1]})" if ends else number


def _symbol(effect: Effect, *, clipped: bool) -> str:
    if clipped:
        return "triangle-right" if effect.estimate > 0 else "triangle-left"
    return "circle" if effect.significant else "circle-open"


def _scale(outcome: Outcome) -> float:
    return 100.0 if outcome in SHARES else 1.0


def _axis(outcome: Outcome, limits: tuple[float, float]) -> dict[str, Any]:
    """Return the axis of a block: a ratio is drawn on the scale of its logarithm, with ticks such as ×2."""
    axis: dict[str, Any] = {"range": [end * _scale(outcome) for end in limits], "showgrid": True}
    if outcome in LOG_OUTCOMES:
        known = _RATIOS if limits[1] - limits[0] > _FINE else _FINE_RATIOS
        ticks = [tick for tick in known if limits[0] <= math.log(tick) <= limits[1]]
        axis |= {"tickvals": [math.log(tick) for tick in ticks], "ticktext": [f"×{tick:g}" for tick in ticks]}
    return axis


def _range(effects: Sequence[Effect]) -> tuple[float, float]:
    """Return limits that hold zero and every effect, but for ends that would make the others unreadable."""
    reach = sorted(effect.reach for effect in effects)
    ceiling = CEILING.get(effects[0].outcome, math.log(LARGEST_RATIO))
    widest = min(_WIDEST * reach[len(reach) // 2] or 1.0, ceiling)
    values = [0.0, *(v for e in effects for v in (e.estimate, *e.ends))]
    low, high = max(min(values), -widest), min(max(values), widest)
    pad = 0.05 * (high - low) or 0.01
    return low - pad, high + pad
