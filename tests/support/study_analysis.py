"""The real analysis of a made-up result, and what else a report is made of: what page and mail are tested with."""

from collections.abc import Mapping

from imdb_tasks.analysis import Analysis, RunComparison, VariantChange, reported_accuracy
from imdb_tasks.analysis.evidence import Interval
from imdb_tasks.analysis.records import Change
from imdb_tasks.report import Made, Misclassified, ReportInputs
from imdb_tasks.study import StudyResult, VariantResult
from tests.support.study_results import analysis_of

NOISE = 0.0094  # half the width of the interval of a difference


def study_analysis(result: StudyResult, *, comparison: RunComparison | None = None) -> Analysis:
    """Analyse ``result`` with made-up probabilities of 400 reviews."""
    return analysis_of(result).model_copy(update={"comparison": comparison})


def material(
    result: StudyResult,
    *,
    analysis: Analysis | None = None,
    wrong: tuple[Misclassified, ...] | None = None,
    made: Made | None = None,
    provenance: Mapping[str, str] | None = None,
) -> ReportInputs:
    """Build what a report on ``result`` is made of."""
    return ReportInputs(
        result=result,
        analysis=analysis or study_analysis(result),
        wrong=wrong_reviews() if wrong is None else wrong,
        made=made or Made("2026-11-26 04:15 UTC", "manual__1", "3f9c2ab"),
        provenance=provenance or {"study": "5ca1ab1e", "keras": "3.15.1"},
    )


def wrong_reviews() -> tuple[Misclassified, ...]:
    """Build one error of each kind."""
    return (
        Misclassified(row=12_345, label="negative", probability=0.9981, text="…a wonderful film, said nobody."),
        Misclassified(row=7, label="positive", probability=0.00001, text="…so bad that it is good."),
    )


def run_comparison(result: StudyResult, *, beyond: bool = False) -> RunComparison:
    """Build the comparison with a run one point worse, on other code and half the epochs."""
    found = [(row.variant, _accuracy(row)) for row in result.variants if reported_accuracy(row) is not None]
    variants = tuple(
        VariantChange(
            variant=variant,
            before=accuracy - 0.001 * (number % 5 - 1),
            now=accuracy,
            difference=0.001 * (number % 5 - 1),
            interval=Interval(low=0.001 * (number % 5 - 1) - NOISE, high=0.001 * (number % 5 - 1) + NOISE),
            p_corrected=0.01 if beyond else 0.7,
            beyond_noise=beyond,
        )
        for number, (variant, accuracy) in enumerate(found)
    )
    changes = (
        Change(where="code", what="code revision", before="aaaa111", now="bbbb222"),
        Change(where="settings", what="training epochs", before="50", now="100"),
    )
    return RunComparison(
        previous_run="scheduled__2026-11-16",
        changes=changes,
        same_test_reviews=True,
        variants=variants,
        summary="Settings and code changed; no model changed significantly.",
    )


def _accuracy(row: VariantResult) -> float:
    return reported_accuracy(row) or 0
