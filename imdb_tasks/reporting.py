"""A study's result -> a folder with the report page and the parts of its mail.

report.html         the page: every chart, table and fact in one file that asks nothing of any network
mail.html, mail.txt the two bodies of the mail
charts/NAME.png     the pictures that mail.html shows
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_tasks import charts, findings, pictures
from imdb_tasks.bars import Chart
from imdb_tasks.conclusions import Analysis
from imdb_tasks.curves import LOSS_CEILING
from imdb_tasks.findings import Row
from imdb_tasks.palette import template
from imdb_tasks.results import StudyResult

if TYPE_CHECKING:
    import jinja2

PAGE, MAIL_HTML, MAIL_TEXT, CHARTS = "report.html", "mail.html", "mail.txt", "charts"
MAIL_CHARTS = ("test-accuracy", "validation-accuracy", "overfitting", "best-batch-sizes")
MAIL_ROWS = 40  # more would pass the 102 kB at which mail readers cut a message
_TEMPLATES = Path(__file__).parents[1] / "include" / "templates"
_HUGE = 100
_CID_DOMAIN = "report.imdb-tasks.invalid"


def write_report(
    result: StudyResult, analysis: Analysis, provenance: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """Write the report into the empty ``folder``.

    Returns what a mail needs to know of it: ``subject``, ``headline``, the names of the ``charts`` that are
    pictures, and whether there are ``pictures`` at all.
    """
    drawn = charts.charts(result)
    shown = [chart for chart in drawn if chart.name in MAIL_CHARTS]
    problem = pictures.save({chart.name: chart.figure for chart in shown}, folder / CHARTS)
    if problem:
        shown = []
    facts = _facts(result, analysis, provenance)
    page = _page(facts, drawn)
    mail = {**facts, "charts": shown, "no_pictures": problem, "width": pictures.WIDTH, "picture_id": picture_id}
    mail |= _mail_rows(facts["rows"])
    folder.joinpath(PAGE).write_text(page, "utf8")
    folder.joinpath(MAIL_HTML).write_text(_environment(escape=True).get_template("mail.html.j2").render(mail), "utf8")
    folder.joinpath(MAIL_TEXT).write_text(_environment(escape=False).get_template("mail.txt.j2").render(mail), "utf8")
    return {
        "subject": findings.subject(result),
        "headline": findings.headline(result),
        "charts": [chart.name for chart in shown],
        "pictures": problem is None,
    }


def picture_id(name: str) -> str:
    """Return the Content-ID under which the mail's HTML asks for a picture."""
    return f"{name}@{_CID_DOMAIN}"


def _facts(result: StudyResult, analysis: Analysis, provenance: Mapping[str, str]) -> dict[str, Any]:
    table = findings.rows(result)
    winner = findings.best(table)
    card = result.data_card
    return {
        "result": result,
        "study": result.study,
        "card": card,
        "rows": table,
        "best": winner,
        "margin": findings.margin(winner.accuracy, card.test_rows) if winner and winner.accuracy is not None else None,
        "headline": findings.headline(result),
        "deviations": findings.deviations(result),
        "another_study": findings.is_another_study(result),
        "verdicts": analysis.verdicts,
        "caution": " ".join(analysis.cautions),
        "published": findings.published(),
        "provenance": {findings.one_line(k): findings.one_line(v) for k, v in provenance.items()},
    }


def _mail_rows(table: Sequence[Row]) -> dict[str, Any]:
    if len(table) <= MAIL_ROWS:
        return {"rows": table, "left_out": 0}
    ranked = sorted(table, key=lambda row: -1 if row.accuracy is None else row.accuracy, reverse=True)
    return {"rows": ranked[:MAIL_ROWS], "left_out": len(table) - MAIL_ROWS}


def _page(facts: Mapping[str, Any], drawn: Sequence[Chart]) -> str:
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = _environment(escape=True)
    # The scripts are this project's and plotly's own text: markup, not data.
    scripts = [Markup(text) for text in (get_plotlyjs(), environment.get_template("page.js.j2").render())]  # noqa: S704
    return environment.get_template("page.html.j2").render(
        facts,
        charts={chart.name: chart for chart in drawn},
        loss_ceiling=LOSS_CEILING,
        figures=Markup(_figures(drawn)),  # noqa: S704  (every < is escaped below)
        scripts=scripts,
        script_hashes=[_csp_hash(script) for script in scripts],
        style=Markup(environment.get_template("page.css.j2").render()),  # noqa: S704
    )


def _figures(drawn: Sequence[Chart]) -> str:
    content: dict[str, Any] = {"templates": {"light": template(dark=False), "dark": template(dark=True)}, "charts": {}}
    for chart in drawn:
        figure = json.loads(chart.figure.to_json())
        figure["layout"].pop("template", None)
        content["charts"][chart.name] = figure
    # Inside <script> only "</script" and "<!--" could end or change the block: no "<", no way out.
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _csp_hash(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


@cache
def _environment(*, escape: bool) -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=escape,  # noqa: S701  (select_autoescape does not know names such as mail.html.j2)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=_number,
        brief=partial(_number, decimals=3),
        percent=lambda share: "–" if share is None else findings.percent(share),
        bare_percent=lambda share: "–" if share is None else f"{100 * share:.1f}",
        signed=lambda share: "–" if share is None else findings.signed(100 * share, 1),
        tight=lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%").replace("± ", "±\N{NO-BREAK SPACE}"),
        duration=_duration,
        megabytes=lambda count: f"{count / 1e6:,.0f} MB",
    )
    return environment


def _number(value: float | None, decimals: int = 4) -> str:
    """Write a loss or an AUC: without decimals where it is huge, in words where it is no number."""
    if value is None:
        return "not finite"
    return f"{value:.{decimals}f}" if abs(value) < _HUGE else f"{value:,.0f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
