"""The pages that Airflow's web server shows beside the report, as HTML.

Addresses are relative to ``root``, the path below which the pages are served.
"""

from dataclasses import dataclass

from imdb_tasks.analysis import AnalysedRun, Analysis, RunComparison, VariantChange, VariantSummary, compare
from imdb_tasks.pipeline import find_conclusions
from imdb_tasks.report import template_environment
from imdb_tasks.store import Store
from imdb_tasks.ui import runs
from imdb_tasks.ui.training_page import TrainingProgress

SHOWN_RUNS = 50


@dataclass(frozen=True)
class ComparedVariant:
    """A variant of either of two runs; None where a run does not have it. ``change`` is there if both measured it."""

    label: str
    before: VariantSummary | None
    after: VariantSummary | None
    change: VariantChange | None


def study_page(store: Store, root: str) -> str:
    """Return the page of the study: the newest report, and the runs before it."""
    newest, count = runs.newest_runs(store, SHOWN_RUNS)
    return _render("study", root, runs=newest, count=count)


def comparison_page(store: Store, first: runs.Run, second: runs.Run, root: str) -> str:
    """Return the page that shows what was changed between two runs, and what came of it."""
    before, after = _concluded(store, first), _concluded(store, second)
    if before is None or after is None:
        gone = [run.id for run, found in ((first, before), (second, after)) if found is None]
        return _render("compare", root, first=first, second=second, gone=gone)
    comparison = compare(after.analysis, after.tested, before)
    rows = _rows(before.analysis, after.analysis, comparison)
    return _render("compare", root, first=first, second=second, gone=[], comparison=comparison, rows=rows)


def curves_page(progress: TrainingProgress, root: str, source: str) -> str:
    """Return the page of a training task; its script asks ``source``, relative to ``root``, for how it goes on."""
    return _render("curves", root, progress=progress, source=source)


def message_page(text: str, root: str) -> str:
    """Return a page with a few words."""
    return _render("message", root, text=text)


def _concluded(store: Store, run: runs.Run) -> AnalysedRun | None:
    """Only look: what a page finds damaged is for the next run to mend."""
    return find_conclusions(store, run.id, run.analysis, repair=False) if run.analysis else None


def _rows(before: Analysis, after: Analysis, comparison: RunComparison) -> list[ComparedVariant]:
    first, second = ({each.variant: each for each in analysis.variants} for analysis in (before, after))
    changes = {change.variant: change for change in comparison.variants}
    return [
        ComparedVariant(variant.label, first.get(variant), second.get(variant), changes.get(variant))
        for variant in dict.fromkeys([*second, *first])
    ]


def _render(name: str, root: str, **facts: object) -> str:
    return template_environment(escape=True).get_template(f"pages/{name}.html.j2").render(facts, root=root.rstrip("/"))
