"""Which setting to use. It is chosen on the validation reviews and reported on the test reviews.

The chosen setting has the highest validation accuracy after the last epoch, the mean over its replicates; of equal ones
the lowest validation loss, then the fewest parameters. The model to use is its replicate of the highest validation
accuracy. No test review takes part, so the test accuracy that is reported, and its interval, need no correction for the
choice: G. C. Cawley and N. L. C. Talbot, Journal of Machine Learning Research 11 (2010), 2079-2107.

A cheaper setting, one of fewer trainable parameters, is recommended only if it is shown to be good enough: the upper
limit of its loss in accuracy against the chosen one lies below the study's margin (a test of non-inferiority:
G. Piaggio et al., JAMA 308 (2012), 2594-2604). That a difference is not significant shows nothing. Of each cheaper
size, the setting of the highest validation accuracy is the candidate; the limits hold for all at once (Bonferroni).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from imdb_tasks.analysis import sentences
from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.curves import training_seconds
from imdb_tasks.analysis.estimates import percentiles, wilson
from imdb_tasks.analysis.evidence import ALPHA, Interval
from imdb_tasks.analysis.measuring import majority
from imdb_tasks.analysis.records import Baseline, Candidate, Choice, Recommendation, Standing
from imdb_tasks.study import LABELS, Measure, StudyResult, Variant, VariantResult, by_setting

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TWO_SIDED = 1.96  # standard errors of a 95 % interval


@dataclass(frozen=True)
class Selection:
    """The settings from the best validation accuracy down, the choice, and what to use; see ``records``."""

    standings: tuple[Standing, ...] = ()
    choice: Choice | None = None
    recommendation: Recommendation | None = None


def reported_accuracy(row: VariantResult) -> float | None:
    """Return the test accuracy that a result has of a model."""
    return row.test.accuracy if row.test and row.status == "finished" else None


def best_model(rows: Iterable[VariantResult]) -> VariantResult | None:
    """Return the model to use: of the chosen setting, the replicate of the highest validation accuracy.

    None where no model finished and was tested.
    """
    settings = _from_the_best(rows)
    usable = list(filter(_is_tested, settings[0])) if settings else []
    return min(usable, key=lambda row: _best_first([row])) if usable else None


def select(result: StudyResult, measured: Measured, tested: Predictions) -> Selection:
    """Choose on the validation reviews; report and recommend on the test reviews."""
    settings = _from_the_best(result.variants)
    winner = best_model(result.variants)
    if winner is None or not measured.values["accuracy"]:
        return Selection()
    pairs = len(settings) * (len(settings) - 1) // 2  # any setting could have been the chosen one
    standings = tuple(_standing(measured, rows, settings[0], pairs) for rows in settings)
    choice = _choice(result, measured, tested, standings[0], winner)
    return Selection(standings, choice, _recommendation(measured, standings, choice, result.study.margin))


def _from_the_best(rows: Iterable[VariantResult]) -> list[list[VariantResult]]:
    """Return the settings, each with its trained models, by validation accuracy; only those with a tested model."""
    settings = by_setting(row for row in rows if row.training)
    return sorted((models for models in settings.values() if any(map(_is_tested, models))), key=_best_first)


def _is_tested(row: VariantResult) -> bool:
    return reported_accuracy(row) is not None


def _best_first(models: Sequence[VariantResult]) -> tuple[float, float, int]:
    """Return what orders settings and models: the less, the better."""
    losses = [_last(row, "val_loss") for row in models]
    parameters = max(row.training.cost.trainable_parameters for row in models if row.training)
    return -_validation_accuracy(models), fmean(math.inf if loss is None else loss for loss in losses), parameters


def _validation_accuracy(models: Sequence[VariantResult]) -> float:
    """Return the mean after the last epoch; a training that diverged is no better than a guess."""
    values = [_last(row, "val_accuracy") for row in models if row.training]
    return fmean(0.5 if value is None else value for value in values)


def _last(row: VariantResult, measure: Measure) -> float | None:
    values = () if row.status == "diverged" else row.curve(measure)
    return values[-1] if values else None


def _standing(
    measured: Measured, rows: Sequence[VariantResult], chosen: Sequence[VariantResult], pairs: int
) -> Standing:
    setting, best = rows[0].variant.setting, chosen[0].variant.setting
    values = [measured.values["accuracy"][row.variant] for row in rows]
    trained = [row.training for row in rows if row.training]
    answer = measured.mean("accuracy", [{best: 1, setting: -1}]) if rows is not chosen else None
    level = 1 - ALPHA / max(1, pairs)
    return Standing(
        variant=setting,
        replicates=len(rows),
        failed=sum(row.variant in measured.failed for row in rows),
        validation_accuracy=_validation_accuracy(rows),
        accuracy=fmean(values),
        accuracy_sd=stdev(values) if len(values) > 1 else None,
        trainable_parameters=trained[0].cost.trainable_parameters,
        training_seconds=fmean(training_seconds(each.history) for each in trained),
        behind=answer.value if answer else 0.0,
        behind_interval=answer.estimate.interval(level) if answer and answer.estimate else None,
    )


def _choice(
    result: StudyResult, measured: Measured, tested: Predictions, best: Standing, winner: VariantResult
) -> Choice:
    label = majority(result.data_card)
    constant = tested.labels == LABELS.index(label)
    return Choice(
        variant=best.variant,
        model=winner.variant,
        replicates=best.replicates,
        validation_accuracy=best.validation_accuracy,
        accuracy=best.accuracy,
        interval=_interval_of_these_models(measured, best.variant),
        baseline=Baseline(label=label, accuracy=float(constant.mean())),
        beats_baseline=_is_better(tested, best.variant, constant),
    )


def _is_better(tested: Predictions, setting: Variant, constant: "npt.NDArray[np.bool_]") -> bool:
    """Tell whether the lower 95 % limit of a setting's lead over the constant answer, review by review, is above 0."""
    import numpy as np

    own = [tested.right(name) for name in tested.names if Variant.named(name).setting == setting]
    leads = np.mean(own, axis=0) - constant
    error = float(np.std(leads, ddof=1)) / len(leads) ** 0.5 if len(leads) > 1 else math.inf
    return bool(leads.mean() > _TWO_SIDED * error)


def _interval_of_these_models(measured: Measured, setting: Variant) -> Interval:
    """Return the interval of the mean accuracy of a setting's very models on other reviews."""
    columns = [c for c, name in enumerate(measured.names) if Variant.named(name).setting == setting]
    drawn = measured.tested["accuracy"]
    if len(columns) == 1:
        return wilson(float(drawn.values[columns[0]]), measured.reviews)
    return percentiles(drawn.draws[:, columns].mean(axis=1))


def _recommendation(measured: Measured, standings: Sequence[Standing], choice: Choice, margin: float) -> Recommendation:
    best = standings[0]
    if not choice.beats_baseline:
        return Recommendation(use=None, margin=margin, candidates=(), why=sentences.no_better_than_baseline(choice))
    sizes: dict[tuple[str, int], Standing] = {}
    for standing in standings:
        if standing.trainable_parameters < best.trainable_parameters:
            sizes.setdefault((standing.variant.cell, standing.variant.units), standing)
    candidates = tuple(_candidate(measured, best, each, margin, len(sizes)) for each in sizes.values())
    enough = [each for each in candidates if each.good_enough]
    cheapest = min(enough, key=lambda each: each.trainable_parameters, default=None)
    use = cheapest.variant if cheapest else best.variant
    why = sentences.recommendation(best, cheapest, candidates, margin) + sentences.on_test_reviews(standings, use)
    return Recommendation(use=use, margin=margin, candidates=candidates, why=why)


def _candidate(measured: Measured, best: Standing, other: Standing, margin: float, candidates: int) -> Candidate:
    answer = measured.mean("accuracy", [{best.variant: 1, other.variant: -1}])
    # One-sided: the two-sided interval that leaves out as much above.
    level = 1 - 2 * ALPHA / candidates
    estimate = answer.estimate if answer else None
    limit = estimate.interval(level).high if estimate else None
    return Candidate(
        variant=other.variant,
        trainable_parameters=other.trainable_parameters,
        accuracy=other.accuracy,
        loss=other.behind,
        loss_limit=limit,
        good_enough=limit is not None and limit < margin,
    )
