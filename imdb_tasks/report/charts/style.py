"""How a variant looks, the same in every chart and every report.

Colour says batch size, dash says cell, line width and marker say layer size. The colours are those of Okabe and Ito
(https://jfly.uni-koeln.de/color/), told apart by every kind of colour vision; the first three, which the original
study needs, have a contrast of 3:1 or more both on white and on the dark page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imdb_tasks.study import Study, Variant

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#7A7A7A"  # 4:1 on white and on the dark page: published values, training loss
NEUTRAL = "#4C7396"  # what belongs to no variant
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Arial, sans-serif"
_DASHES: Mapping[str, str] = {"GRU": "solid", "LSTM": "5px,2px"}
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "star", "pentagon")
_WIDTHS = (2.6, 2.0, 1.5)
_ORIGINAL_LEVELS = (128, 64, 32)


@dataclass(frozen=True)
class VariantStyle:
    """The line and the marker of one variant."""

    colour: str
    dash: str
    width: float
    symbol: str


Look = Callable[[Variant, Study], VariantStyle]


def style_of(variant: Variant, study: Study) -> VariantStyle:
    """Return the style of ``variant``; replicates share it."""
    size = _rank(variant.units, study.units)
    return VariantStyle(
        colour=COLOURS[_rank(variant.batch_size, study.batch_sizes) % len(COLOURS)],
        dash=_DASHES[variant.cell],
        width=_WIDTHS[min(size, len(_WIDTHS) - 1)],
        symbol=_SYMBOLS[size % len(_SYMBOLS)],
    )


def style_by_size(variant: Variant, study: Study) -> VariantStyle:
    """Return the style of ``variant`` in a chart that compares layer sizes: the colour is that of its size."""
    return replace(style_of(variant, study), colour=COLOURS[_rank(variant.units, study.units) % len(COLOURS)])


def marker(variant: Variant, study: Study) -> dict[str, Any]:
    """Return the point of ``variant`` in a chart without lines: filled is GRU, hollow is LSTM."""
    shape = style_of(variant, study)
    hollow = "" if variant.cell == "GRU" else "-open"
    return {"symbol": shape.symbol + hollow, "size": 10, "color": shape.colour, "line": {"width": 2 if hollow else 0}}


def plotly_template(*, dark: bool) -> dict[str, Any]:
    """Return the plotly template of every chart; its background lets the page shine through."""
    ink, grid, line = ("#E6E8EB", "#363C45", "#6B7480") if dark else ("#1B1F24", "#E3E6EA", "#9AA3AD")
    title = {"font": {"size": 13}}
    axis = {
        "title": title,
        "gridcolor": grid,
        "linecolor": line,
        "tickcolor": line,
        "zeroline": False,
        "showline": True,
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": 13, "color": ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(COLOURS),
            "xaxis": {**axis, "showgrid": False, "ticks": "outside", "automargin": True},
            "yaxis": {**axis, "automargin": True},
            "hoverlabel": {"font": {"family": FONT, "size": 13}},
            "hovermode": "closest",
            "annotationdefaults": {"showarrow": False, "font": {"size": 12}},
        }
    }


def _rank(level: int, levels: Sequence[int]) -> int:
    # The original's levels keep their place in any grid, so that 64 is the same colour in every report.
    others = sorted(set(levels) - set(_ORIGINAL_LEVELS), reverse=True)
    return (*_ORIGINAL_LEVELS, *others).index(level)
