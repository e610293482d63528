"""The result table: one row per variant, beside what the original study published for it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from imdb_tasks.formatting import one_line
from imdb_tasks.study import StudyResult, TestMetrics, VariantResult, published_metrics


@dataclass(frozen=True)
class Row:
    """One line of the result table: a variant, and what the original study published for it."""

    result: VariantResult
    published: TestMetrics | None

    @property
    def label(self) -> str:
        """The short name for readers."""
        return self.result.variant.label

    @property
    def ending(self) -> str:
        """How the variant ended, in words."""
        training = self.result.training
        if self.result.status == "diverged" and training and training.diverged_at_epoch:
            return f"diverged at epoch {training.diverged_at_epoch}"
        return self.result.status

    @property
    def words(self) -> str:
        """How the variant ended and why, on one line; a long reason is shortened."""
        reason = one_line(self.result.reason or "")
        return f"{self.ending}: {reason}" if reason else self.ending

    @property
    def test(self) -> TestMetrics | None:
        """The test metrics, if the variant finished and its loss and accuracy are numbers."""
        test = self.result.test if self.result.status == "finished" else None
        return test if test and test.accuracy is not None else None

    @property
    def accuracy(self) -> float | None:
        """The test accuracy, if there is one."""
        return self.test.accuracy if self.test else None

    @property
    def difference(self) -> float | None:
        """Test accuracy less the published one."""
        if self.accuracy is None or self.published is None or self.published.accuracy is None:
            return None
        return self.accuracy - self.published.accuracy


def rows(result: StudyResult) -> tuple[Row, ...]:
    """Return the result table in the study's order."""
    known = published_metrics()
    return tuple(
        Row(each, known.get((each.variant.cell, each.variant.units, each.variant.batch_size)))
        for each in result.variants
    )


def best(table: Iterable[Row]) -> Row | None:
    """Return the row of the highest test accuracy; of equal ones, that of the lowest test loss."""

    def rank(row: Row) -> tuple[float, float]:
        loss = row.test.loss if row.test else None
        return (row.accuracy or 0.0, -math.inf if loss is None else -loss)

    return max((row for row in table if row.accuracy is not None), key=rank, default=None)


def best_of_best_setting(table: Iterable[Row]) -> Row | None:
    """Return the best replicate of the setting that is best by the means of its replicates, as in ``ranking``.

    The best row of all may be the luckiest replicate of a setting that is worse than others.
    """
    settings: dict[tuple[str, int, int], list[Row]] = {}
    for row in table:
        if row.accuracy is not None:
            variant = row.result.variant
            settings.setdefault((variant.cell, variant.units, variant.batch_size), []).append(row)

    def rank(replicates: list[Row]) -> tuple[float, float]:
        losses = [row.test.loss for row in replicates if row.test and row.test.loss is not None]
        return fmean(row.accuracy or 0.0 for row in replicates), -fmean(losses) if losses else -math.inf

    leader = max(settings.values(), key=rank, default=None)
    return best(leader) if leader else None
