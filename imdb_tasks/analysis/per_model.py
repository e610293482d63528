"""Each model on the test reviews, one in detail, and how often trainings did not converge."""

from typing import TYPE_CHECKING

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.contrasts import ON_REVIEWS, Measured, levels
from imdb_tasks.analysis.estimates import wilson
from imdb_tasks.analysis.evidence import FACTORS
from imdb_tasks.analysis.records import Calibration, CalibrationBin, Confusion, FailureRate, Roc, VariantSummary
from imdb_tasks.study import THRESHOLD, Variant, VariantResult

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BINS = 10
_POINTS = 101  # of a ROC curve: more cannot be seen


def variant_summary(row: VariantResult, measured: Measured) -> VariantSummary:
    """Sum up one model on the test reviews."""
    named = row.variant if row.status == "finished" and row.test and row.test.accuracy is not None else None
    accuracy, auc = (measured.values[o].get(named) if named else None for o in ON_REVIEWS)
    return VariantSummary(
        variant=row.variant,
        status=row.status,
        accuracy=accuracy,
        accuracy_interval=None if accuracy is None else wilson(accuracy, measured.reviews),
        auc=auc,
    )


def failure_rates(measured: Measured) -> tuple[FailureRate, ...]:
    """Return a rate for every level of every factor of which a model was trained."""
    rates = []
    for factor in FACTORS:
        for level in levels(measured.study, factor):
            curves = [curve for curve in measured.curves if getattr(curve.variant, factor) == level]
            if curves:
                failed = sum(not curve.converged for curve in curves)
                rates.append(
                    FailureRate(
                        factor=factor,
                        level=level,
                        failed=failed,
                        diverged=sum(curve.diverged for curve in curves),
                        trained=len(curves),
                        rate=failed / len(curves),
                        interval=wilson(failed / len(curves), len(curves)),
                    )
                )
    return tuple(rates)


def calibration(tested: Predictions, variant: Variant) -> Calibration:
    """Compare one model's probabilities with the observed shares of positive reviews."""
    import numpy as np
    from sklearn.metrics import brier_score_loss

    probabilities, positive = tested.row(variant.name).astype(np.float64), tested.labels == 1
    numbers = np.minimum((probabilities * _BINS).astype(np.int64), _BINS - 1)  # 1.0 belongs to the last bin
    bins = tuple(_bin(int(number), probabilities, positive, numbers) for number in np.unique(numbers))
    gaps = (each.count * abs(each.mean_probability - each.positive_share) for each in bins)
    brier = brier_score_loss(positive, probabilities, labels=[False, True], pos_label=True)
    return Calibration(variant=variant, bins=bins, brier=float(brier), ece=float(sum(gaps) / len(positive)))


def _bin(
    number: int,
    probabilities: "npt.NDArray[np.float64]",
    positive: "npt.NDArray[np.bool_]",
    numbers: "npt.NDArray[np.int64]",
) -> CalibrationBin:
    own = numbers == number
    count, hits = int(own.sum()), int(positive[own].sum())
    return CalibrationBin(
        low=number / _BINS,
        high=(number + 1) / _BINS,
        count=count,
        mean_probability=float(probabilities[own].mean()),
        positive_share=hits / count,
        interval=wilson(hits / count, count),
    )


def confusion(tested: Predictions, variant: Variant) -> Confusion:
    """Count how one model sorts the reviews."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(tested.labels == 1, tested.row(variant.name) > THRESHOLD, labels=[False, True])
    (true_negative, false_positive), (false_negative, true_positive) = counts.tolist()
    return Confusion(
        variant=variant,
        true_positive=true_positive,
        false_positive=false_positive,
        true_negative=true_negative,
        false_negative=false_negative,
    )


def roc(tested: Predictions, variant: Variant) -> Roc | None:
    """Return one model's rates at every threshold, at most ``_POINTS`` of them; None where a class has no review."""
    import numpy as np
    from sklearn.metrics import roc_curve

    positive = tested.labels == 1
    if positive.all() or not positive.any():
        return None
    false, true, _ = roc_curve(positive, tested.row(variant.name))
    kept = np.unique(np.linspace(0, len(false) - 1, min(_POINTS, len(false))).round().astype(np.int64))
    return Roc(
        variant=variant, false_positive_rate=tuple(false[kept].tolist()), true_positive_rate=tuple(true[kept].tolist())
    )
