"""Effects with their intervals, one line each: what every factor does to every outcome, all else equal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.analysis import LOG_OUTCOMES, OUTCOME_NAMES, Analysis, Effect, Outcome, amount, effect_text
from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.style import GREY, NEUTRAL, plotly_template

_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_LINE, _HEAD, _CHARACTER = 26, 30, 7  # pixels
_WIDEST = 12.0  # times the middle one: an exploded loss is clipped there, so that it cannot flatten the others


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
        "percentage points of accuracy",
    )


def loss_effects(analysis: Analysis) -> Chart | None:
    """Draw what each factor does to loss, overfitting and stability."""
    blocks = _blocks(analysis, ("final_loss", "roughness", "overfitting"))
    return _chart(
        "effects-on-loss", "What each factor does to loss, overfitting and stability", blocks, "cross-entropy"
    )


def _blocks(analysis: Analysis, outcomes: Sequence[Outcome]) -> list[Block]:
    found = []
    for outcome in outcomes:
        own = tuple(effect for effect in analysis.effects if effect.outcome == outcome and not effect.subset)
        if own:
            found.append(Block(outcome, own))
    return found


def _chart(name: str, title: str, blocks: Sequence[Block], unit: str) -> Chart | None:
    if not blocks:
        return None
    from plotly.subplots import make_subplots

    lines = [len(block.effects) for block in blocks]
    gap = _HEAD + 34
    inside = sum(lines) * _LINE + gap * (len(blocks) - 1)
    figure = make_subplots(
        rows=len(blocks), cols=1, row_heights=lines, vertical_spacing=gap / inside if len(blocks) > 1 else 0
    )
    right = 16 + _CHARACTER * max(len(_value(effect)) for block in blocks for effect in block.effects)
    figure.update_layout(
        template=plotly_template(dark=False),
        height=inside + _HEAD + 50,
        margin={"l": 10, "r": right, "t": _HEAD, "b": 46},
    )
    for row, block in enumerate(blocks, 1):
        _draw_block(figure, block, row, headed=len(blocks) > 1)
    figure.update_xaxes(title=f"Difference, {unit}", row=len(blocks))
    said = "; ".join(effect_text(effect) for block in blocks for effect in block.effects)
    return Chart(
        name=name,
        title=title,
        caption=(
            "First less second, all else equal, with 95 % intervals for other trainings and other reviews. Filled:"
            " statistically significant after correction for the number of comparisons."
        ),
        alternative=f"{title}: {said}.",
        figure=figure,
        narrowest=440,
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
    labels = [effect.contrast for effect in block.effects]
    figure.update_yaxes(
        tickvals=list(range(count)), ticktext=labels[::-1], range=[-0.6, count - 0.4], showgrid=False, **place
    )
    figure.update_xaxes(_axis(block.outcome, limits), **place)
    if headed:
        figure.add_annotation(
            text=f"<b>{OUTCOME_NAMES[block.outcome]}</b>",
            x=0,
            y=1,
            xref="x domain",
            yref="y domain",
            xanchor="left",
            yanchor="bottom",
            **place,
        )


def _draw_interval(figure: Any, effect: Effect, y: int, limits: tuple[float, float], place: dict[str, int]) -> None:
    figure.add_scatter(
        x=[_clipped(value, limits) * _scale(effect.outcome) for value in _ends(effect)],
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
    figure.add_annotation(
        text=_value(effect), x=1, xref="x domain", xanchor="left", xshift=8, y=y, align="left", **place
    )


def _clipped(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


def _value(effect: Effect) -> str:
    """Write estimate and interval, without the unit that the axis names."""
    numbers = [effect.estimate, *_ends(effect)]
    number, *ends = (amount(effect.outcome, value).removesuffix(" points") for value in numbers)
    return f"{number} ({ends[0]} to {ends[1]})" if ends else number


def _symbol(effect: Effect, *, clipped: bool) -> str:
    if clipped:
        return "triangle-right" if effect.estimate > 0 else "triangle-left"
    return "circle" if effect.significant else "circle-open"


def _scale(outcome: Outcome) -> float:
    return 100.0 if outcome == "accuracy" else 1.0


def _axis(outcome: Outcome, limits: tuple[float, float]) -> dict[str, Any]:
    """Return the axis of a block: a ratio is drawn on the scale of its logarithm, with ticks such as ×2."""
    axis: dict[str, Any] = {"range": [end * _scale(outcome) for end in limits], "showgrid": True}
    if outcome in LOG_OUTCOMES:
        ticks = [tick for tick in _RATIOS if limits[0] <= math.log(tick) <= limits[1]]
        axis |= {"tickvals": [math.log(tick) for tick in ticks], "ticktext": [f"×{tick:g}" for tick in ticks]}
    return axis


def _range(effects: Sequence[Effect]) -> tuple[float, float]:
    """Return limits that hold zero and every effect, but for ends that would make the others unreadable."""
    reach = sorted(max(abs(v) for v in (e.estimate, *_ends(e))) for e in effects)
    widest = _WIDEST * reach[len(reach) // 2] or 1.0
    values = [0.0, *(v for e in effects for v in (e.estimate, *_ends(e)))]
    low, high = max(min(values), -widest), min(max(values), widest)
    pad = 0.05 * (high - low) or 0.01
    return low - pad, high + pad


def _ends(effect: Effect) -> tuple[float, ...]:
    return (effect.interval.low, effect.interval.high) if effect.interval else ()
