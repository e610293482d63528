"""The report's page: one HTML file with its charts, its style and its scripts, which asks nothing of any network."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from imdb_tasks.report.charts import LOSS_CEILING, Chart, plotly_template
from imdb_tasks.report.numbers import numbers
from imdb_tasks.report.templates import template_environment
from imdb_tasks.resources import PLOTLY_JS


def render(facts: Mapping[str, Any], drawn: Sequence[Chart]) -> str:
    """Return the page. Its content security policy allows its own scripts, by their hashes, and nothing else."""
    from markupsafe import Markup

    templates = template_environment(escape=True)
    # The scripts are this project's and plotly's own text: markup, not data.
    own = templates.get_template("page/script.js.j2").render()
    scripts = [Markup(text) for text in (PLOTLY_JS.read_text("utf8"), own)]  # noqa: S704
    return templates.get_template("page/page.html.j2").render(
        facts,
        charts={chart.name: chart for chart in drawn},
        loss_ceiling=LOSS_CEILING,
        figures=Markup(_figures(drawn)),  # noqa: S704  (every < is escaped below)
        numbers=Markup(_json(numbers(facts["result"], facts["rows"], facts["settings"]))),  # noqa: S704
        scripts=scripts,
        script_hashes=[_csp_hash(script) for script in scripts],
        style=style(),
    )


def style() -> Any:
    """Return the style sheet of the page, as markup."""
    from markupsafe import Markup

    return Markup(template_environment(escape=True).get_template("page/style.css.j2").render())  # noqa: S704


def _figures(drawn: Sequence[Chart]) -> str:
    templates = {"light": plotly_template(dark=False), "dark": plotly_template(dark=True)}
    content: dict[str, Any] = {"templates": templates, "charts": {}}
    for chart in drawn:
        figure = json.loads(chart.figure.to_json())
        figure["layout"].pop("template", None)
        content["charts"][chart.name] = figure
    return _json(content)


def _json(content: object) -> str:
    # Inside <script> only "</script" and "<!--" could end or change the block: no "<", no way out.
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _csp_hash(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
