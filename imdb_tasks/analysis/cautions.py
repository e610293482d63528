"""What a result cannot tell: the sentences under "What this cannot tell" of the page."""

from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.formatting import count_of
from imdb_tasks.study import StudyResult, is_original, scope

_FEW_REVIEWS = 1_000


def cautions(result: StudyResult, measured: Measured) -> list[str]:
    """Return one sentence for each limit of a result; the first one is the most important."""
    found = _training_variance(measured)
    if measured.failed:
        found.append(
            "Trainings that did not converge count in every comparison of accuracies, and in none of overfitting or"
            " roughness."
        )
    if missing := sum(row.status == "missing" for row in result.variants):
        found.append(f"{missing} of {len(result.variants)} models are missing: comparisons are without them.")
    if 0 < measured.reviews < _FEW_REVIEWS:
        found.append(f"There are only {count_of(measured.reviews, 'test review', 'test reviews')}: intervals are wide.")
    if measured.tested and "auc" not in measured.tested:
        found.append("All test reviews are of one class: there is no AUC.")
    found.append(scope(result))
    if not is_original(result):
        found.append("This study differs from the original: its rulings neither confirm nor refute the original's.")
    return found


def _training_variance(measured: Measured) -> list[str]:
    if measured.basis == "replicates":
        return [
            f"Each setting was trained {measured.study.replicates} times: intervals of differences cover other"
            " trainings and other test reviews of this kind, and nothing else.",
            "The training variance is estimated from the replicates, pooled over the settings of a cell.",
            "The intervals of single models, and of the mean of the setting to use, cover the sampling error of the"
            " test reviews only.",
        ]
    if len(measured.study.variants) == 1:
        found = ["The setting was trained once: how much another training would differ is not known."]
    else:
        found = ["Each setting was trained once: a second training could change the order of close settings."]
        found.append(
            "Chance cannot be told from an interaction of layer size and batch size within GRU or LSTM, and such an"
            " interaction widens the intervals of differences. Three replicates would tell the two apart."
            if measured.variance_known
            else "The training variance cannot be estimated from so few settings: differences have no interval. Three"
            " replicates would measure it."
        )
    return [*found, "The intervals of single models cover the sampling error of the test reviews only."]
