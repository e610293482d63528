"""A made-up but consistent analysis of a made-up result: what page and mail are tested with."""

from collections.abc import Mapping

from imdb_tasks.analysis import (
    Analysis,
    Calibration,
    Confusion,
    Recommendation,
    RunComparison,
    Standing,
    VariantChange,
    VariantSummary,
    best_epoch,
    reported_accuracy,
    wilson,
)
from imdb_tasks.analysis.evidence import Interval
from imdb_tasks.analysis.records import BestComparison, CalibrationBin, Change, CurveSummary, DivergenceRate, Origin
from imdb_tasks.report import Misclassified, ReportInputs
from imdb_tasks.study import StudyResult, VariantResult
from tests.support.study_evidence import NOISE, effects, verdicts

CAUTION = "One run of each model cannot separate an effect from seed noise."


def study_analysis(result: StudyResult, *, comparison: RunComparison | None = None) -> Analysis:
    """Build what an analysis of ``result`` returns."""
    table = result.variants
    ranked = sorted((row for row in table if reported_accuracy(row) is not None), key=lambda row: -_accuracy(row))
    best = ranked[0] if ranked else None
    return Analysis(
        origin=_origin(result),
        cautions=(CAUTION,),
        verdicts=verdicts(result),
        variants=tuple(_summary(row, result) for row in table),
        curves=tuple(_curve(row) for row in table if row.training),
        standings=tuple(_standing(row, ranked[0]) for row in ranked),
        best=_against_second(ranked) if len(ranked) > 1 else None,
        recommendation=_recommendation(ranked) if ranked else None,
        effects=tuple(effect for basis in ("reviews", "settings") for effect in effects(result, basis)),
        interactions=(),
        divergence=_divergence(table),
        calibration=_calibration(best, result.data_card.test_rows) if best else None,
        confusion=_confusion(best, result) if best else None,
        comparison=comparison,
    )


def material(
    result: StudyResult,
    *,
    analysis: Analysis | None = None,
    wrong: tuple[Misclassified, ...] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> ReportInputs:
    """Build what a report on ``result`` is made of."""
    return ReportInputs(
        result=result,
        analysis=analysis or study_analysis(result),
        wrong=wrong_reviews() if wrong is None else wrong,
        provenance=provenance or {"first made by run": "manual__1", "code revision": "3f9c2ab"},
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


def _origin(result: StudyResult) -> Origin:
    card = result.data_card
    return Origin(
        study=result.study,
        backend=result.backend,
        reviews_sha256=card.reviews_sha256,
        glove_sha256=card.glove_sha256,
        train_rows=card.train_rows,
        test_rows=card.test_rows,
        code="bbbb222",
        versions={"keras": "3.15.1"},
    )


def _accuracy(row: VariantResult) -> float:
    return reported_accuracy(row) or 0


def _summary(row: VariantResult, result: StudyResult) -> VariantSummary:
    accuracy = reported_accuracy(row)
    return VariantSummary(
        variant=row.variant,
        status=row.status,
        accuracy=accuracy,
        accuracy_interval=None if accuracy is None else wilson(accuracy, result.data_card.test_rows),
        auc=row.test.auc if row.test else None,
    )


def _curve(row: VariantResult) -> CurveSummary:
    assert row.training
    epoch = best_epoch(row.training.history)
    diverged = row.status == "diverged"
    return CurveSummary(
        variant=row.variant,
        diverged=diverged,
        best_epoch=epoch,
        best_val_loss=row.training.history.val_loss[epoch - 1] if epoch else None,
        overfit_onset=None if diverged or not epoch or epoch + 5 > row.training.history.epochs else epoch + 5,
        overfitting=None if diverged else 0.1,
        roughness=None if diverged else 0.01,
    )


def _standing(row: VariantResult, best: VariantResult) -> Standing:
    behind = _accuracy(best) - _accuracy(row)
    training = row.training
    assert training
    return Standing(
        variant=row.variant,
        accuracy=_accuracy(row),
        trainable_parameters=training.cost.trainable_parameters,
        wall_seconds=training.cost.wall_seconds,
        behind=behind,
        behind_interval=None if row == best else Interval(low=behind - NOISE, high=behind + NOISE),
        p_corrected=None if row == best else 0.4 if behind < NOISE else 0.001,
        within_noise=behind < NOISE,
    )


def _against_second(ranked: list[VariantResult]) -> BestComparison:
    difference = _accuracy(ranked[0]) - _accuracy(ranked[1])
    return BestComparison(
        best=ranked[0].variant,
        second=ranked[1].variant,
        difference=difference,
        interval=Interval(low=difference - NOISE, high=difference + NOISE),
        p_value=0.4,
        p_corrected=1.0,
        basis="reviews",
        explanation="The two cannot be told apart: of the reviews that only one gets right, 312 go to the best.",
    )


def _recommendation(ranked: list[VariantResult]) -> Recommendation:
    near = [row for row in ranked if _accuracy(ranked[0]) - _accuracy(row) < NOISE]
    cheapest = min(near, key=lambda row: row.training.cost.trainable_parameters if row.training else 0)
    return Recommendation(
        best=ranked[0].variant,
        cheapest=cheapest.variant,
        why=f"{cheapest.variant.label} has the fewest trainable parameters of those that cannot be told from the best.",
    )


def _divergence(table: tuple[VariantResult, ...]) -> tuple[DivergenceRate, ...]:
    found = []
    for cell in sorted({row.variant.cell for row in table}):
        trained = [row for row in table if row.variant.cell == cell and row.training]
        diverged = sum(row.status == "diverged" for row in trained)
        if trained:
            found.append(
                DivergenceRate(
                    factor="cell",
                    level=cell,
                    diverged=diverged,
                    trained=len(trained),
                    rate=diverged / len(trained),
                    interval=wilson(diverged / len(trained), len(trained)),
                )
            )
    return tuple(found)


def _calibration(best: VariantResult, reviews: int) -> Calibration:
    bins = []
    for number, count in enumerate((30, 9, 6, 4, 3, 3, 4, 6, 10, 25)):
        middle = number / 10 + 0.05
        share = min(max(middle + (0.05 if middle < 0.5 else -0.05), 0.02), 0.98)
        bins.append(
            CalibrationBin(
                low=number / 10,
                high=number / 10 + 0.1,
                count=count * reviews // 100,
                mean_probability=middle,
                positive_share=share,
                interval=wilson(share, count * reviews // 100),
            )
        )
    return Calibration(variant=best.variant, bins=tuple(bins), brier=0.0982, ece=0.041)


def _confusion(best: VariantResult, result: StudyResult) -> Confusion:
    card = result.data_card
    right = round(_accuracy(best) * card.test_rows)
    true_positive = right // 2
    return Confusion(
        variant=best.variant,
        true_positive=true_positive,
        false_negative=card.test_positive - true_positive,
        true_negative=right - true_positive,
        false_positive=card.test_rows - card.test_positive - (right - true_positive),
    )
