"""The script that draws charts in a browser: the basic part of plotly.js, see include/vendor."""

from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "include" / "vendor" / "plotly-basic.min.js"
TRACES = ("scatter", "bar", "pie")
"""The kinds of traces that it can draw."""
