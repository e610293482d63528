"""The pages that Airflow's web server shows beside the report, as HTML.

Addresses are relative to ``root``, the path below which the pages are served.
"""

from collections.abc import Mapping, Sequence

from imdb_tasks.report import template_environment
from imdb_tasks.store import Store
from imdb_tasks.ui import runs
from imdb_tasks.ui.comparison import gone, set_side_by_side
from imdb_tasks.ui.headline import answers
from imdb_tasks.ui.run_list import KIND_NAMES, RunQuery, RunRow, page_of, run_rows
from imdb_tasks.ui.training_page import TrainingProgress
from imdb_tasks.ui.trend import trend

_BODY = "<body>"


def study_page(
    store: Store, root: str, query: RunQuery | None = None, known: Mapping[str, runs.InAirflow] | None = None
) -> str:
    """Return the page of the study: its headline, its trend, and the list of runs that ``query`` asks for.

    ``known`` is what Airflow knows of runs, by their ids.
    """
    listed, query = runs.list_runs(store), query or RunQuery()
    rows = run_rows(store, listed.runs, known or {})
    headline = next((row for row in rows if row.kind == "scheduled"), rows[0] if rows else None)
    subject = next((row for row in rows if row.run.id == query.like), headline)
    alike = [row for row in rows if subject and row.run.note.study and row.run.note.study == subject.run.note.study]
    page = page_of(rows, query)
    return _render(
        "study",
        root,
        headline=headline,
        answers=answers(store, headline.run) if headline else None,
        trend=trend(alike),
        page=page,
        chosen=_chosen(page.rows),
        unreadable=listed.unreadable,
        kinds=KIND_NAMES,
    )


def comparison_page(store: Store, first: runs.Run, second: runs.Run, root: str) -> str:
    """Return the page that shows what was changed between two runs, and what came of it."""
    both = {"first": first, "second": second}
    side_by_side = set_side_by_side(store, first, second)
    return _render(
        "compare", root, **both, compared=side_by_side, gone=() if side_by_side else gone(store, first, second)
    )


def with_way_back(report: str, store: Store, run: runs.Run, root: str) -> str:
    """Return a report with links above it: to the page of the study, and to the comparison with the run before.

    The file of a report is mailed, too, and has no such links itself.
    """
    earlier = (each for each in runs.list_runs(store).runs if each.written < run.written)
    before = next((each for each in earlier if run.note.study and each.note.study == run.note.study), None)
    links = _render("way_back", root, run=run, before=before)
    return report.replace(_BODY, f"{_BODY}\n{links}", 1)


def curves_page(progress: TrainingProgress, root: str, source: str) -> str:
    """Return the page of a training task; its script asks ``source``, relative to ``root``, for how it goes on."""
    return _render("curves", root, progress=progress, source=source)


def message_page(text: str, root: str) -> str:
    """Return a page with a few words."""
    return _render("message", root, text=text)


def _chosen(rows: Sequence[RunRow]) -> dict[str, str]:
    """Return the ids of the two runs that are compared unless others are chosen: the first, and the one before it.

    Where the list does not show that one, its neighbour; the older of the two comes first.
    """
    if not rows:
        return {}
    before = next((row for row in rows[1:] if rows[0].before == row.run), rows[min(1, len(rows) - 1)])
    older, newer = sorted((before.run, rows[0].run), key=lambda run: run.written)
    return {"before": older.id, "after": newer.id}


def _render(name: str, root: str, **facts: object) -> str:
    return template_environment(escape=True).get_template(f"pages/{name}.html.j2").render(facts, root=root.rstrip("/"))
