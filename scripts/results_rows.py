"""The rows of a stored result: each model whose training ended, beside the published one."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imdb_tasks.study import StudyResult, TestMetrics, TrainingRecord, Variant, published_metrics

EXPLODED = 1.0  # training loss; the best constant answer has 0.693


@dataclass(frozen=True)
class Row:
    """One model. ``test`` is None if it diverged; accuracies are shares of the test reviews."""

    training: TrainingRecord
    test: TestMetrics | None
    published: TestMetrics

    @property
    def accuracy(self) -> float | None:
        """Of the test reviews."""
        return self.test.accuracy if self.test else None

    @property
    def gap(self) -> float | None:
        """Accuracy less the published one, in points."""
        return difference(self.accuracy, self.published.accuracy)

    @property
    def exploded_at(self) -> int | None:
        """The first epoch, from 1, whose mean training loss is above ``EXPLODED`` or not finite."""
        losses = enumerate(self.training.history.loss, 1)
        return next((epoch for epoch, loss in losses if loss is None or loss > EXPLODED), None)

    @property
    def epoch_seconds(self) -> float:
        """The median epoch after the first, which compiles."""
        return statistics.median(self.training.history.seconds[1:])

    @property
    def undisturbed_epoch_seconds(self) -> float:
        """The tenth percentile of the epochs: other programs ran beside many of some trainings."""
        return statistics.quantiles(self.training.history.seconds[1:], n=10)[0]


Rows = Mapping[Variant, Row]


def rows_of(result: StudyResult) -> Rows:
    """Return the models whose training ended, those that diverged included, in the study's order."""
    return {
        each.variant: Row(
            each.training,
            each.test,
            published_metrics()[each.variant.cell, each.variant.units, each.variant.batch_size],
        )
        for each in result.variants
        if each.training
    }


def of_cell(rows: Rows, cell: str) -> Rows:
    """Return the rows of one recurrent cell."""
    return {variant: row for variant, row in rows.items() if variant.cell == cell}


def difference(one: float | None, other: float | None) -> float | None:
    """Return the difference of two shares in points, None where one of them is."""
    return None if one is None or other is None else 100 * (one - other)


def gaps(pairs: Iterable[tuple[Row, Row]]) -> list[float]:
    """Return by how many points the first of each pair is more accurate, where both have an accuracy."""
    found = (difference(one.accuracy, other.accuracy) for one, other in pairs)
    return [gap for gap in found if gap is not None]
