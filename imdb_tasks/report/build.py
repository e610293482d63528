"""A study's result and what was concluded from it -> a folder with the report page and the parts of its mail.

report.html         the page: every chart, table and fact in one file that asks nothing of any network
mail.html, mail.txt the two bodies of the mail
charts/NAME.png     the pictures that mail.html shows
summary.pdf         two sheets to print, attached to the mail; without a browser there is none
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from imdb_tasks.analysis import Analysis, margin
from imdb_tasks.formatting import one_line
from imdb_tasks.report import headline, page
from imdb_tasks.report.charts import WIDTH, charts, save_pictures
from imdb_tasks.report.pdf import print_pdf
from imdb_tasks.report.summary import Made, Summary, first_screen
from imdb_tasks.report.table import SettingRow, beside_published, most_accurate, setting_rows, table_rows
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

REPORTS_REVISION = 8
"""Raise it when the same analysis would give another page or another mail."""

PAGE, MAIL_HTML, MAIL_TEXT, PDF, CHARTS = "report.html", "mail.html", "mail.txt", "summary.pdf", "charts"
MAIL_CHARTS = ("looks", "test-accuracy", "effects", "cost", "validation-accuracy")
MAIL_ROWS = 20  # more is for the page
LINK_PLACE = "<!-- the report in Airflow -->"
"""Where a mail gets the link to the run's report: the same report is mailed by every run that has its result."""
_CID_DOMAIN = "report.imdb-tasks.invalid"


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of; ``made`` and ``provenance`` say in words when, by what and from what."""

    result: StudyResult
    analysis: Analysis
    wrong: tuple[Misclassified, ...]
    made: Made
    provenance: Mapping[str, str]


def write_report(material: ReportInputs, folder: Path) -> dict[str, Any]:
    """Write the report into the empty ``folder``.

    Returns what a mail needs to know of it: ``subject``, ``headline``, the names of the ``charts`` that are
    pictures, and whether there are ``pictures`` at all.
    """
    drawn = charts(material.result, material.analysis)
    shown = sorted((c for c in drawn if c.name in MAIL_CHARTS), key=lambda chart: MAIL_CHARTS.index(chart.name))
    problem = save_pictures({chart.name: chart.figure for chart in shown}, folder / CHARTS)
    if problem:
        shown = []
    facts = _facts(material)
    mail = {**facts, "charts": shown, "no_pictures": problem, "width": WIDTH, "picture_id": picture_id}
    mail |= {"link_place": LINK_PLACE, **_mail_rows(facts["settings"])}
    for name, text in (
        (PAGE, page.render(facts, drawn)),
        (MAIL_HTML, template_environment(escape=True).get_template("mail.html.j2").render(mail)),
        (MAIL_TEXT, template_environment(escape=False).get_template("mail.txt.j2").render(mail)),
    ):
        folder.joinpath(name).write_text(text, "utf8")
    if not problem:
        print_pdf(_summary_page(mail, folder), folder / PDF)
    return {
        "subject": headline.subject(material.result, material.analysis),
        "headline": facts["summary"].use,
        "charts": [chart.name for chart in shown],
        "pictures": problem is None,
    }


def _summary_page(mail: Mapping[str, Any], folder: Path) -> str:
    """Return the page that is printed: the three answers, and on a second sheet the settings and two charts."""
    names = [chart.name for chart in mail["charts"]]
    pictures = {name: b64encode(folder.joinpath(CHARTS, f"{name}.png").read_bytes()).decode() for name in names}
    template = template_environment(escape=True).get_template("summary_page.html.j2")
    return template.render(mail, pictures=pictures, style=page.style())


def picture_id(name: str) -> str:
    """Return the Content-ID under which the mail's HTML asks for a picture."""
    return f"{name}@{_CID_DOMAIN}"


def _facts(material: ReportInputs) -> dict[str, Any]:
    """Return every value that the templates name."""
    result, analysis = material.result, material.analysis
    rows = table_rows(result, analysis)
    settings = setting_rows(rows, analysis)
    return {
        "result": result,
        "study": result.study,
        "card": result.data_card,
        "rows": rows,
        "settings": settings,
        "analysis": analysis,
        "comparison": analysis.comparison,
        "wrong": material.wrong,
        "summary": _one_line(first_screen(result, analysis, material.made)),
        "deviations": deviations(result),
        "another_study": not is_original(result),
        "ruling_scope": ruling_scope(result),
        "published": published_study() if any(row.published for row in rows) else None,
        "beside_published": beside_published(rows),
        "command": shell_command(result.study, result.backend),
        "variable": backend_variable(result.backend),
        "trigger": trigger_command(result.study),
        "provenance": {one_line(k): one_line(v) for k, v in material.provenance.items()},
        "margin": margin(choice.accuracy, result.data_card.test_rows) if (choice := analysis.choice) else None,
    }


def _one_line(found: Summary) -> Summary:
    """Return the summary with what came from outside, such as the id of a run, without line breaks."""
    return replace(found, made=tuple((name, one_line(words)) for name, words in found.made))


def _mail_rows(table: Sequence[SettingRow]) -> dict[str, Any]:
    if len(table) <= MAIL_ROWS:
        return {"settings": table, "left_out": 0}
    best = most_accurate(table, MAIL_ROWS)
    to_use = next((row for row in table if row.is_best), best[-1])
    shown = best if to_use in best else (*best[:-1], to_use)
    return {"settings": shown, "left_out": len(table) - MAIL_ROWS}
