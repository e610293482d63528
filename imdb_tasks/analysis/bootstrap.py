"""The bootstrap over test reviews: the sampling error of accuracy and AUC.

Every model is measured on the same drawn reviews, so that a difference of two models is paired review by review. The
method is the bootstrap: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imdb_tasks.analysis.evidence import Outcome
from imdb_tasks.study import THRESHOLD

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RESAMPLES = 5_000
_SEED = 20_110_620  # any number: equal results must give equal reports
_CELLS = 2_000_000  # resamples x reviews in one block: some tens of megabytes


@dataclass(frozen=True)
class Predictions:
    """What the models said of the test reviews.

    ``labels`` is int8 (reviews,), 1 for positive; ``probabilities`` is float32 (models, reviews), all finite, one row
    for each of ``names``, the variants' names.
    """

    names: tuple[str, ...]
    labels: "npt.NDArray[np.int8]"
    probabilities: "npt.NDArray[np.float32]"

    @property
    def correct(self) -> "npt.NDArray[np.bool_]":
        """Which model is right about which review, (models, reviews)."""
        right: npt.NDArray[np.bool_] = (self.probabilities > THRESHOLD) == (self.labels == 1)
        return right

    @property
    def two_classes(self) -> bool:
        """Whether there is an AUC at all."""
        return len(set(self.labels.tolist())) == 2  # noqa: PLR2004

    def row(self, name: str) -> "npt.NDArray[np.float32]":
        """Return the probabilities of one model, (reviews,)."""
        probabilities: npt.NDArray[np.float32] = self.probabilities[self.names.index(name)]
        return probabilities

    def right(self, name: str) -> "npt.NDArray[np.bool_]":
        """Return about which reviews one model is right, (reviews,)."""
        right: npt.NDArray[np.bool_] = (self.row(name) > THRESHOLD) == (self.labels == 1)
        return right


@dataclass(frozen=True)
class Resampled:
    """Each model's measure on the reviews as they are, float64 (models,), and as drawn, float32 (resamples, models)."""

    values: "npt.NDArray[np.float64]"
    draws: "npt.NDArray[np.float32]" = field(repr=False)


def resample(tested: Predictions, resamples: int = RESAMPLES) -> dict[Outcome, Resampled]:
    """Return accuracy and, where the reviews have two classes, AUC.

    AUC is resampled in its linear form, by the placements of the reviews (see ``placements``): a resampled AUC is the
    mean placement of the drawn positive reviews and that of the drawn negative ones, less the AUC.
    """
    import numpy as np

    if not tested.names or not len(tested.labels):
        return {}
    right = tested.correct.T.astype(np.float64)
    accuracy = right.mean(axis=0)
    parts = [(right - accuracy, np.ones(len(tested.labels), bool))]
    auc = None
    if tested.two_classes:
        placed, positive = placements(tested.labels, tested.probabilities).T, tested.labels == 1
        auc = placed[positive].mean(axis=0)
        parts += [(placed - auc, positive), (placed - auc, ~positive)]
    moved = _drawn_means(parts, resamples)
    found: dict[Outcome, Resampled] = {"accuracy": Resampled(accuracy, moved[0] + accuracy.astype(np.float32))}
    if auc is not None:
        found["auc"] = Resampled(auc, moved[1] + moved[2] + auc.astype(np.float32))
    return found


def placements(labels: "npt.NDArray[np.int8]", probabilities: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float64]":
    """Return for each review the share of the reviews of the other class that it is ranked right against; ties half.

    Both are (models, reviews). The mean over either class is the AUC. Source: E. R. DeLong et al., "Comparing the areas
    under two or more correlated receiver operating characteristic curves", Biometrics 44 (1988), 837-845; by ranks as
    in X. Sun and W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21 (2014), 1389-93.
    """
    import numpy as np
    from scipy.stats import rankdata

    placed = np.empty(probabilities.shape)
    ranks = rankdata(probabilities, axis=1)
    for label in (0, 1):
        own = labels == label
        beaten = (ranks[:, own] - rankdata(probabilities[:, own], axis=1)) / np.count_nonzero(~own)
        placed[:, own] = beaten if label else 1 - beaten
    return placed


def _drawn_means(
    parts: "Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]", resamples: int
) -> "list[npt.NDArray[np.float32]]":
    """Return for each part the mean of its numbers (reviews, models) over those of its reviews that were drawn."""
    import numpy as np

    # One product gives all sums and, in the last columns, how many reviews of each part were drawn.
    columns = [np.where(own[:, None], numbers, 0.0) for numbers, own in parts]
    matrix = np.hstack([*columns, np.stack([own for _, own in parts], axis=1)]).astype(np.float32)
    reviews, models = parts[0][0].shape
    random = np.random.default_rng(_SEED)
    block = max(1, _CELLS // reviews)
    means = [np.empty((resamples, models), np.float32) for _ in parts]
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = random.integers(0, reviews, (size, reviews), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * reviews
        counts = np.bincount(drawn.ravel(), minlength=size * reviews).reshape(size, reviews)
        sums = counts.astype(np.float32) @ matrix
        for part, mean in enumerate(means):
            # In a very small test set a draw may have no review of a class: it then says nothing of it.
            total = np.maximum(sums[:, part - len(parts)], 1)[:, None]
            mean[start : start + size] = sums[:, part * models : (part + 1) * models] / total
    return means
