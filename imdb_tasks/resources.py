"""The files that come with the project and are not code: everything in ``include``."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
# A wheel has the folder in the package, a checkout beside it.
_INCLUDE = next(path for path in (_PACKAGE / "include", _PACKAGE.parent / "include") if path.is_dir())

SAMPLE = _INCLUDE / "sample"
TEMPLATES = _INCLUDE / "templates"
STATIC = _INCLUDE / "static"
CLAIMS = _INCLUDE / "claims.toml"
PUBLISHED = _INCLUDE / "published.json"
PLOTLY_JS = _INCLUDE / "vendor" / "plotly-basic.min.js"
"""The script that draws charts in a browser: the basic part of plotly.js, see include/vendor."""
PLOTLY_TRACES = ("scatter", "bar", "pie")
"""The kinds of traces that it can draw."""
