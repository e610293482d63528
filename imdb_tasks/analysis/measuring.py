"""From a study's result to every outcome of every model, trainings that diverged included."""

from imdb_tasks.analysis.bootstrap import RESAMPLES, Predictions, resample
from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.curves import summary
from imdb_tasks.study import LABELS, DataCard, Label, StudyResult


def measure(result: StudyResult, tested: Predictions, resamples: int = RESAMPLES) -> Measured:
    """Collect every outcome of every model.

    By intention to treat: a training that ended without a usable model counts with the accuracy of the constant answer,
    which is what its user would be left with. To leave it out would favour the level that diverges more.
    """
    answered = with_constant_answers(result, tested)
    return Measured(
        study=result.study,
        names=answered.names,
        tested=resample(answered, resamples),
        curves=tuple(summary(row.training, result.data_card) for row in result.variants if row.training),
        reviews=len(tested.labels),
    )


def majority(card: DataCard) -> Label:
    """Return the label that most of the training reviews have: the constant answer that is right most often."""
    return LABELS[2 * card.train_positive > card.train_rows]


def with_constant_answers(result: StudyResult, tested: Predictions) -> Predictions:
    """Add each trained model that has no finite probabilities, as one that always answers the majority's label.

    The models come in the study's order, so that equal results give equal digits.
    """
    import numpy as np

    # One probability for all reviews: right about the majority's label, and an AUC of 0.5.
    answer = 1.0 if majority(result.data_card) == "positive" else 0.0
    constant = np.full(len(tested.labels), answer, np.float32)
    said = {name: tested.row(name) for name in tested.names}
    names = [row.variant.name for row in result.variants if row.training or row.variant.name in said]
    rows = [said.get(name, constant) for name in names]
    return Predictions(tuple(names), tested.labels, np.stack(rows) if rows else tested.probabilities)
