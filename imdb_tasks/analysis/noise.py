"""One error model for the whole grid: how far a contrast of settings would move with other trainings and other reviews.

A model's outcome is its setting's mean, plus its training's own deviation, plus what the drawn test reviews do to it.

*Training variance* differs by cell (an LSTM that explodes costs thirty points, a GRU's trainings differ by half a
point) and is pooled over the settings of a cell. With two replicates or more it is that between the replicates of a
setting. With one, the matched settings stand in: it is what the main effects of units and batch size leave over.

*Sampling error of the test reviews*: all models answer the same reviews, so it is crossed with the trainings. The
bootstrap gives the variance of any contrast over reviews; the part of it that the residuals of the trainings already
contain is not counted twice. Source: S. R. Searle et al., Variance Components (1992), chapter 4 (two-way crossed,
random). Degrees of freedom of the sum over cells: F. E. Satterthwaite, Biometrics Bulletin 2 (1946), 110-114; the
reviews count as many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from imdb_tasks.analysis.estimates import Student
from imdb_tasks.study import Cell, Variant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Weights = Mapping[Variant, float]
_NOTHING = 1e-20  # a variance that rounding leaves: one review in a million moves an accuracy by more


@dataclass(frozen=True)
class CellNoise:
    """Variance of one training of a cell, ``freedom`` degrees of freedom.

    ``variance`` is that of the residuals, ``reviews`` the part of it that the drawn reviews explain.
    """

    variance: float
    reviews: float
    freedom: int


@dataclass(frozen=True)
class Noise:
    """The noise of one outcome.

    ``covariance`` is that of the models over the reviews, float64 (models, models), a row for each of ``variants``;
    None where no review is involved.
    """

    cells: Mapping[Cell, CellNoise]
    variants: tuple[Variant, ...]
    covariance: "npt.NDArray[np.float64] | None"

    def knows(self, variant: Variant) -> bool:
        """Return whether the training variance of a model's cell could be estimated."""
        return variant.cell in self.cells

    def estimate(self, value: float, weights: Weights) -> Student | None:
        """Return a contrast with its error, from the weight of each model; None where a cell's variance is unknown."""
        squares: dict[Cell, float] = {}
        for variant, weight in weights.items():
            squares[variant.cell] = squares.get(variant.cell, 0.0) + weight * weight
        if any(cell not in self.cells for cell in squares):
            return None
        noise = self.cells
        # A training's variance is not below zero: where the reviews explain all of the residuals, they are all of it.
        parts = {cell: square * max(noise[cell].variance, noise[cell].reviews) for cell, square in squares.items()}
        within = sum(square * noise[cell].reviews for cell, square in squares.items())
        training, reviews = sum(parts.values()), max(0.0, self.over_reviews(weights) - within)
        if training + reviews < _NOTHING:
            return None
        known = sum(part**2 / noise[cell].freedom for cell, part in parts.items())
        freedom = (training + reviews) ** 2 / known if known > 0 else float("inf")
        return Student(value, (training + reviews) ** 0.5, freedom, reviews)

    def over_reviews(self, weights: Weights) -> float:
        """Return the variance of a contrast of these very models over the reviews."""
        import numpy as np

        if self.covariance is None:
            return 0.0
        rows, vector = [self._row[variant] for variant in weights], np.array(list(weights.values()))
        return float(vector @ self.covariance[np.ix_(rows, rows)] @ vector)

    @cached_property
    def _row(self) -> dict[Variant, int]:
        return {variant: row for row, variant in enumerate(self.variants)}


def noise_of(values: Mapping[Variant, float], draws: "npt.NDArray[np.floating] | None") -> Noise:
    """Estimate the noise of an outcome from each model's value and, in the same order, its draws over the reviews.

    ``draws`` is float (resamples, models), or None where no review is involved.
    """
    import numpy as np

    variants, cells = tuple(values), {}
    covariance = None if draws is None else np.atleast_2d(np.cov(draws.astype(np.float64), rowvar=False))
    for cell in dict.fromkeys(variant.cell for variant in variants):
        own = [column for column, variant in enumerate(variants) if variant.cell == cell]
        residual, freedom = _residual_maker([variants[column] for column in own])
        if freedom < 1:
            continue
        seen = np.array([values[variants[column]] for column in own])
        variance = float(((residual @ seen) ** 2).sum()) / freedom
        reviews = 0.0 if covariance is None else float((residual * covariance[np.ix_(own, own)]).sum()) / freedom
        cells[cell] = CellNoise(variance, reviews, freedom)
    return Noise(cells, variants, covariance)


def _residual_maker(variants: list[Variant]) -> "tuple[npt.NDArray[np.float64], int]":
    """Return the symmetric matrix that takes away what the settings explain, and its degrees of freedom."""
    import numpy as np

    settings = [(variant.units, variant.batch_size) for variant in variants]
    if len(set(settings)) < len(settings):  # replicates
        columns = [[each == setting for each in settings] for setting in dict.fromkeys(settings)]
    else:
        factors = zip(*settings, strict=True)
        columns = [[each == level for each in levels] for levels in map(list, factors) for level in set(levels)]
    design = np.array(columns, dtype=np.float64).T
    explained = design @ np.linalg.pinv(design)
    return np.eye(len(variants)) - explained, len(variants) - int(np.linalg.matrix_rank(design))
