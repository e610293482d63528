"""Which setting and which model is best, which setting might be, and which to use.

The best setting is that of the highest mean test accuracy over its replicates, of equal ones that of the lowest mean
test loss; the best model is the best replicate of the best setting, by the same two measures.

The best setting is selected after the results are seen, so an uncorrected test against another finds too many
differences. A setting therefore counts as worse only if its test against the best is significant after Bonferroni's
correction for all the settings that could have been on top. With a probability of at least 95 %, the truly best setting
is then statistically indistinguishable from the observed best, whichever it is: a confidence set for the best, as in
J. C. Hsu, Multiple Comparisons (1996), chapter 4 (there with Dunnett's constants).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.contrasts import Answer, MatchedSet, Measured
from imdb_tasks.analysis.estimates import two_sided
from imdb_tasks.analysis.evidence import ALPHA, Basis
from imdb_tasks.analysis.records import BestComparison, Recommendation, Standing
from imdb_tasks.analysis.sentences import amount
from imdb_tasks.formatting import count_of, points
from imdb_tasks.study import StudyResult, Variant, VariantResult

_Setting = tuple[str, int, int]
_Accuracy = Callable[[VariantResult], float | None]


@dataclass(frozen=True)
class Ranking:
    """The settings from the best down, and what follows; see ``records``."""

    standings: tuple[Standing, ...]
    best: BestComparison | None
    recommendation: Recommendation | None


def reported_accuracy(row: VariantResult) -> float | None:
    """Return the test accuracy that a result has of a model."""
    return row.test.accuracy if row.test and row.status == "finished" else None


def best_model(rows: Iterable[VariantResult]) -> VariantResult | None:
    """Return the best replicate of the best setting of these models; None where no model has a test accuracy."""
    settings = _by_accuracy(rows, reported_accuracy)
    return min(settings[0], key=lambda row: _best_first([row], reported_accuracy)) if settings else None


def _by_accuracy(rows: Iterable[VariantResult], accuracy: _Accuracy) -> list[list[VariantResult]]:
    """Return the settings from the best down, each with its models that have an accuracy."""
    settings: dict[_Setting, list[VariantResult]] = {}
    for row in rows:
        if accuracy(row) is not None:
            variant = row.variant
            settings.setdefault((variant.cell, variant.units, variant.batch_size), []).append(row)
    return sorted(settings.values(), key=lambda models: _best_first(models, accuracy))


def _best_first(models: list[VariantResult], accuracy: _Accuracy) -> tuple[float, float]:
    """Return what orders settings and models: the less, the better."""
    losses = [row.test.loss for row in models if row.test and row.test.loss is not None]
    return -fmean(accuracy(row) or 0.0 for row in models), fmean(losses) if losses else math.inf


def rank(result: StudyResult, measured: Measured, tested: Predictions) -> Ranking:
    """Rank the settings by what their models said of the test reviews."""
    ordered = _by_accuracy(result.variants, lambda row: measured.value("accuracy", row.variant))
    if not ordered:
        return Ranking((), None, None)
    standings = [_standing(measured, tested, rows, ordered[0], rivals=len(ordered) - 1) for rows in ordered]
    best = _best(measured, tested, standings) if len(standings) > 1 else None
    return Ranking(tuple(standings), best, _recommendation(standings))


def _accuracy(measured: Measured, rows: list[VariantResult]) -> float:
    return fmean(measured.value("accuracy", row.variant) or 0.0 for row in rows)


def _standing(
    measured: Measured, tested: Predictions, rows: list[VariantResult], best: list[VariantResult], *, rivals: int
) -> Standing:
    variant, leader = rows[0].variant, best[0].variant
    costs = [row.training.cost for row in rows if row.training]
    accuracy = _accuracy(measured, rows)
    answer = _ahead(measured, leader, variant) if rows is not best else None
    p_value = _p_value(tested, leader, variant, answer) if answer else None
    p_corrected = None if p_value is None else min(1.0, rivals * p_value)
    return Standing(
        variant=variant,
        accuracy=accuracy,
        trainable_parameters=costs[0].trainable_parameters,
        wall_seconds=fmean(cost.wall_seconds for cost in costs),
        behind=_accuracy(measured, best) - accuracy,
        behind_interval=answer.estimate.interval() if answer and answer.estimate else None,
        p_corrected=p_corrected,
        within_noise=p_corrected is None or p_corrected > ALPHA,
    )


def _ahead(measured: Measured, leader: Variant, other: Variant) -> Answer | None:
    """Return the accuracy of one setting less that of another, over the replicates that both have."""
    sets: list[MatchedSet] = [
        {leader.model_copy(update={"replicate": r}): 1, other.model_copy(update={"replicate": r}): -1}
        for r in range(measured.study.replicates)
    ]
    return measured.mean("accuracy", sets, _basis(measured))


def _basis(measured: Measured) -> Basis:
    return "replicates" if measured.study.replicates > 1 else "reviews"


def _p_value(tested: Predictions, leader: Variant, other: Variant, answer: Answer) -> float | None:
    if answer.basis == "reviews":
        from statsmodels.stats.contingency_tables import mcnemar

        one, two = tested.right(leader.name), tested.right(other.name)
        table = [[0, int((one & ~two).sum())], [int((two & ~one).sum()), 0]]
        return min(1.0, float(mcnemar(table, exact=True).pvalue))
    return two_sided(answer.estimate) if answer.estimate else None


def _best(measured: Measured, tested: Predictions, standings: list[Standing]) -> BestComparison:
    best, second = standings[:2]
    answer = _ahead(measured, best.variant, second.variant)
    p_value = _p_value(tested, best.variant, second.variant, answer) if answer else None
    names = f"{best.variant.label} is {points(second.behind)} ahead of {second.variant.label}"
    if second.p_corrected is None:
        explanation = f"{names}; there are too few matched trainings to test the difference."
    elif second.within_noise:
        explanation = (
            f"{names}: not statistically significant, given that the best of {len(standings)} settings was selected."
        )
    else:
        explanation = (
            f"{names}: statistically significant, although the best of {len(standings)} settings was selected."
        )
    if measured.study.replicates == 1:
        explanation += " This is a statement on these trained models, not on other replicates."
    return BestComparison(
        best=best.variant,
        second=second.variant,
        difference=second.behind,
        interval=second.behind_interval,
        p_value=p_value,
        p_corrected=second.p_corrected,
        basis=_basis(measured),
        explanation=explanation,
    )


def _recommendation(standings: list[Standing]) -> Recommendation:
    best, *others = standings
    # A setting that cannot be tested may be anything: that is no reason to use it.
    near = [each for each in others if each.indistinguishable_from_best]
    untested = sum(each.p_corrected is None for each in others)
    cheapest = min([best, *near], key=lambda each: (each.trainable_parameters, each.wall_seconds))
    if cheapest is best:
        beside = f"; {len(near)} others are statistically indistinguishable from it, none is cheaper" if near else ""
        why = f"{best.variant.label} has the highest test accuracy{beside}."
    else:
        why = (
            f"{cheapest.variant.label} is statistically indistinguishable from the best, {best.variant.label}"
            f" ({amount('accuracy', -cheapest.behind)}), and {_saving(cheapest, best)}."
            f" In total, this holds for {count_of(len(near), 'setting', 'settings')}."
        )
    if untested:
        why += f" There are too few matched trainings to test {count_of(untested, 'setting', 'settings')} against it."
    return Recommendation(best=best.variant, cheapest=cheapest.variant, why=why)


def _saving(cheapest: Standing, best: Standing) -> str:
    if cheapest.trainable_parameters < best.trainable_parameters:
        return f"has {cheapest.trainable_parameters:,} trainable parameters against {best.trainable_parameters:,}"
    return f"trained in {cheapest.wall_seconds:,.0f} s against {best.wall_seconds:,.0f} s"
