"""The pages that Airflow's web server shows beside the report, as HTML.

Addresses are relative to ``root``, the path below which the pages are served.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_tasks import comparison, runs
from imdb_tasks.findings import percent, signed
from imdb_tasks.live import Live
from imdb_tasks.store import Store

if TYPE_CHECKING:
    import jinja2

SHOWN_RUNS = 50
_TEMPLATES = Path(__file__).parents[1] / "include" / "templates" / "pages"


def overview(store: Store, root: str) -> str:
    """Return the page of the study: the newest report, and the runs before it."""
    newest, count = runs.newest(store, SHOWN_RUNS)
    return _render("study", root, runs=newest, count=count)


def compared(store: Store, first: runs.Run, second: runs.Run, root: str) -> str:
    """Return the page that shows what was changed between two runs, and what came of it."""
    before, after = (runs.result(store, run) for run in (first, second))
    gone = [run.id for run, result in ((first, before), (second, after)) if result is None]
    made = None
    if before and after:
        made = comparison.compare(before, after, revisions=(first.code, second.code))
    return _render("compare", root, first=first, second=second, comparison=made, gone=gone)


def curves(look: Live, root: str, source: str) -> str:
    """Return the page of a training task; its script asks ``source``, relative to ``root``, for every further look."""
    return _render("curves", root, live=look, source=source)


def message(text: str, root: str) -> str:
    """Return a page with a few words."""
    return _render("message", root, text=text)


def _render(name: str, root: str, **facts: object) -> str:
    return _environment().get_template(f"{name}.html.j2").render(facts, root=root.rstrip("/"))


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=lambda share: "–" if share is None else percent(share),
        points=lambda share: "–" if share is None else signed(100 * share, 1),
        minute=lambda at: f"{at:%Y-%m-%d %H:%M} UTC",
    )
    return environment
