"""What the page of two runs shows: their models side by side, the claims, and who has a model alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from imdb_tasks.analysis import AnalysedRun, RunComparison, VariantChange, VariantSummary, compare, reported_accuracy
from imdb_tasks.pipeline import find_conclusions, find_result
from imdb_tasks.store import Store
from imdb_tasks.study import StudyResult, TestMetrics, Variant
from imdb_tasks.ui.compared_curves import CurvePanels, compared_curves
from imdb_tasks.ui.runs import Run


@dataclass(frozen=True)
class Model:
    """A model of one run: its ``status``, and ``test`` where it was measured, as the run's report shows it."""

    status: str
    test: TestMetrics | None


@dataclass(frozen=True)
class ComparedModel:
    """A model of both runs; ``change`` is there if both measured its accuracy."""

    label: str
    before: Model
    after: Model
    change: VariantChange | None


@dataclass(frozen=True)
class ComparedClaim:
    """A claim's ruling and reason, with its interval, in either run; None where a run has not tested it."""

    title: str
    before: tuple[str, str] | None
    after: tuple[str, str] | None

    @property
    def changed(self) -> bool:
        """Whether both have ruled, and not alike."""
        return self.before is not None and self.after is not None and self.before[0] != self.after[0]


@dataclass(frozen=True)
class Comparison:
    """Everything that the page shows of two runs.

    ``only_before`` and ``only_after`` are the models of one run alone. ``without_result`` names the runs whose result
    is no longer there: losses, AUC and curves are missing then, and only the analysis is left.
    """

    found: RunComparison
    claims: tuple[ComparedClaim, ...]
    models: tuple[ComparedModel, ...]
    only_before: tuple[tuple[str, Model], ...]
    only_after: tuple[tuple[str, Model], ...]
    curves: tuple[CurvePanels, ...]
    without_result: tuple[str, ...]


def gone(store: Store, *runs: Run) -> list[str]:
    """Return the ids of the runs whose analysis cannot be read."""
    return [run.id for run in runs if concluded(store, run) is None]


def concluded(store: Store, run: Run) -> AnalysedRun | None:
    """Only look: what a page finds damaged is for the next run to mend."""
    return find_conclusions(store, run.id, run.note.analysis, repair=False) if run.note.analysis else None


def set_side_by_side(store: Store, first: Run, second: Run) -> Comparison | None:
    """Compare two runs; None where the analysis of either cannot be read."""
    before, after = concluded(store, first), concluded(store, second)
    if before is None or after is None:
        return None
    results = find_result(store, first.note), find_result(store, second.note)
    old, new = (_models(run, result) for run, result in zip((before, after), results, strict=True))
    found = compare(after.analysis, after.tested, before)
    changes = {change.variant: change for change in found.variants}
    common = [variant for variant in new if variant in old]
    return Comparison(
        found=found,
        claims=_claims(before, after),
        models=tuple(ComparedModel(v.label, old[v], new[v], changes.get(v)) for v in common),
        only_before=tuple((v.label, model) for v, model in old.items() if v not in new),
        only_after=tuple((v.label, model) for v, model in new.items() if v not in old),
        curves=compared_curves(results[0], results[1], changes) if results[0] and results[1] else (),
        without_result=tuple(run.id for run, r in zip((first, second), results, strict=True) if r is None),
    )


def _models(run: AnalysedRun, result: StudyResult | None) -> Mapping[Variant, Model]:
    if result is None:
        return {each.variant: Model(each.status, _accuracy_alone(each)) for each in run.analysis.variants}
    return {
        row.variant: Model(row.status, row.test if reported_accuracy(row) is not None else None)
        for row in result.variants
    }


def _accuracy_alone(summary: VariantSummary) -> TestMetrics | None:
    if summary.accuracy is None:
        return None
    return TestMetrics(loss=None, accuracy=summary.accuracy, auc=None)


def _claims(before: AnalysedRun, after: AnalysedRun) -> tuple[ComparedClaim, ...]:
    old, new = ({each.title: (each.ruling, each.reason) for each in run.analysis.verdicts} for run in (before, after))
    return tuple(ComparedClaim(title, old.get(title), new.get(title)) for title in dict.fromkeys([*new, *old]))
