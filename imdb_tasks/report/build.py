"""A study's result and what was concluded from it -> a folder with the report page and the parts of its mail.

report.html         the page: every chart, table and fact in one file that asks nothing of any network
mail.html, mail.txt the two bodies of the mail
charts/NAME.png     the pictures that mail.html shows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imdb_tasks.analysis import Analysis, margin
from imdb_tasks.formatting import one_line
from imdb_tasks.report import headline, page
from imdb_tasks.report.charts import WIDTH, charts, save_pictures
from imdb_tasks.report.table import TableRow, beside_published, table_rows
from imdb_tasks.report.templates import template_environment
from imdb_tasks.report.wrong_reviews import Misclassified
from imdb_tasks.study import (
    StudyResult,
    backend_variable,
    deviations,
    is_original,
    published_study,
    ruling_scope,
    shell_command,
    trigger_command,
)

REPORTS_REVISION = 4
"""Raise it when the same analysis would give another page or another mail."""

PAGE, MAIL_HTML, MAIL_TEXT, CHARTS = "report.html", "mail.html", "mail.txt", "charts"
MAIL_CHARTS = ("test-accuracy", "effects", "cost", "validation-accuracy")
MAIL_ROWS = 40  # more would pass the 102 kB at which mail readers cut a message
_CID_DOMAIN = "report.imdb-tasks.invalid"


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of; ``provenance`` says in pairs of words where that comes from."""

    result: StudyResult
    analysis: Analysis
    wrong: tuple[Misclassified, ...]
    provenance: Mapping[str, str]


def write_report(material: ReportInputs, folder: Path) -> dict[str, Any]:
    """Write the report into the empty ``folder``.

    Returns what a mail needs to know of it: ``subject``, ``headline``, the names of the ``charts`` that are
    pictures, and whether there are ``pictures`` at all.
    """
    drawn = charts(material.result, material.analysis)
    shown = [chart for chart in drawn if chart.name in MAIL_CHARTS]
    problem = save_pictures({chart.name: chart.figure for chart in shown}, folder / CHARTS)
    if problem:
        shown = []
    facts = _facts(material)
    mail = {**facts, "charts": shown, "no_pictures": problem, "width": WIDTH, "picture_id": picture_id}
    mail |= _mail_rows(facts["rows"])
    for name, text in (
        (PAGE, page.render(facts, drawn)),
        (MAIL_HTML, template_environment(escape=True).get_template("mail.html.j2").render(mail)),
        (MAIL_TEXT, template_environment(escape=False).get_template("mail.txt.j2").render(mail)),
    ):
        folder.joinpath(name).write_text(text, "utf8")
    return {
        "subject": headline.subject(material.result, material.analysis),
        "headline": facts["headline"],
        "charts": [chart.name for chart in shown],
        "pictures": problem is None,
    }


def picture_id(name: str) -> str:
    """Return the Content-ID under which the mail's HTML asks for a picture."""
    return f"{name}@{_CID_DOMAIN}"


def _facts(material: ReportInputs) -> dict[str, Any]:
    """Return every value that the templates name."""
    result, analysis = material.result, material.analysis
    rows = table_rows(result, analysis)
    return {
        "result": result,
        "study": result.study,
        "card": result.data_card,
        "rows": rows,
        "analysis": analysis,
        "comparison": analysis.comparison,
        "wrong": material.wrong,
        "headline": headline.headline(result, analysis),
        "missing_counts": headline.missing_counts(result),
        "deviations": deviations(result),
        "another_study": not is_original(result),
        "ruling_scope": ruling_scope(result),
        "published": published_study() if any(row.published for row in rows) else None,
        "beside_published": beside_published(rows),
        "command": shell_command(result.study, result.backend),
        "variable": backend_variable(result.backend),
        "trigger": trigger_command(result.study),
        "provenance": {one_line(k): one_line(v) for k, v in material.provenance.items()},
        **_advice(result, analysis),
    }


def _advice(result: StudyResult, analysis: Analysis) -> dict[str, Any]:
    advice, choice = analysis.recommendation, analysis.choice
    if advice is None or choice is None:
        return {"advice": None, "choice": None, "chosen": None, "used": None, "margin": None}
    return {
        "advice": advice,
        "choice": choice,
        "chosen": headline.standing(analysis, choice.variant),
        "used": headline.standing(analysis, advice.use) if advice.use else None,
        "margin": margin(choice.accuracy, result.data_card.test_rows),
    }


def _mail_rows(table: Sequence[TableRow]) -> dict[str, Any]:
    if len(table) <= MAIL_ROWS:
        return {"rows": table, "left_out": 0}
    ranked = sorted(table, key=lambda row: -1 if row.accuracy is None else row.accuracy, reverse=True)
    return {"rows": ranked[:MAIL_ROWS], "left_out": len(table) - MAIL_ROWS}
