"""Questions to the grid, such as "GRU less LSTM, all else equal", and their answers with an error.

A question is answered from matched sets of models: pairs that differ in one factor only or, for an interaction, pairs
of such pairs. A set with a model that diverged or is missing has no value; it is counted, not guessed.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from imdb_tasks.analysis.bootstrap import Resampled
from imdb_tasks.analysis.estimates import Estimate, Percentile, over_blocks
from imdb_tasks.analysis.evidence import FACTORS, Basis, Factor, Level, Outcome
from imdb_tasks.analysis.records import CurveSummary
from imdb_tasks.study import Study, Variant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MatchedSet = Mapping[Variant, int]  # a model -> its sign
ON_REVIEWS: tuple[Outcome, ...] = ("accuracy", "auc")


def levels(study: Study, factor: Factor) -> tuple[Level, ...]:
    """Return a factor's levels: cells in the study's order, sizes from small to large."""
    sizes: dict[Factor, tuple[int, ...]] = {"units": study.units, "batch_size": study.batch_sizes}
    return tuple(sorted(sizes[factor])) if factor in sizes else study.cells


@dataclass(frozen=True)
class Question:
    """``outcome`` at the level ``first`` of ``factor`` less that at ``second``, within ``subset``.

    With ``at``, (factor, level, level): that difference at the one level less that at the other.
    """

    outcome: Outcome
    factor: Factor
    first: Level
    second: Level
    subset: Mapping[Factor, Level] = field(default_factory=dict)
    at: tuple[Factor, Level, Level] | None = None

    def sets(self, study: Study) -> Iterator[MatchedSet]:
        """Yield the matched sets of the grid, those of one replicate after those of the one before."""
        signs: list[tuple[dict[Factor, Level], int]] = [
            ({self.factor: self.first}, 1),
            ({self.factor: self.second}, -1),
        ]
        if self.at:
            by, at_first, at_second = self.at
            signs = [
                ({**setting, by: level}, sign * side)
                for setting, sign in signs
                for level, side in ((at_first, 1), (at_second, -1))
            ]
        fixed = {self.factor, self.at[0] if self.at else self.factor}
        others = [name for name in FACTORS if name not in fixed]
        kept = [[self.subset[name]] if name in self.subset else levels(study, name) for name in others]
        for replicate in range(study.replicates):
            for chosen in itertools.product(*kept):
                setting = dict(zip(others, chosen, strict=True))
                yield {Variant.model_validate({**setting, **own, "replicate": replicate}): sign for own, sign in signs}


@dataclass(frozen=True)
class Answer:
    """``value`` is the mean over the ``sets`` of models that have one; ``estimate`` knows its error, if anything does.

    ``missing`` counts the sets that have none.
    """

    value: float
    estimate: Estimate | None
    sets: int
    missing: int
    basis: Basis


@dataclass(frozen=True)
class Measured:
    """Every outcome of every model of a study; ``curves`` and ``tested`` may lack models."""

    study: Study
    names: tuple[str, ...]
    tested: Mapping[Outcome, Resampled]
    curves: tuple[CurveSummary, ...]
    reviews: int

    @cached_property
    def _column(self) -> dict[str, int]:
        return {name: column for column, name in enumerate(self.names)}

    @cached_property
    def _from_curves(self) -> dict[Outcome, dict[str, float]]:
        found: dict[Outcome, dict[str, float]] = {"val_loss": {}, "overfitting": {}, "roughness": {}}
        for curve in self.curves:
            # The best epoch of a training that then diverged would flatter it.
            best = None if curve.diverged else curve.best_val_loss
            named: tuple[tuple[Outcome, float | None], ...] = (
                ("val_loss", best),
                ("overfitting", curve.overfitting),
                ("roughness", curve.roughness),
            )
            for outcome, value in named:
                if value is not None:
                    found[outcome][curve.variant.name] = value
        return found

    def value(self, outcome: Outcome, variant: Variant) -> float | None:
        """Return one model's outcome, if it has one."""
        if outcome not in ON_REVIEWS:
            return self._from_curves[outcome].get(variant.name)
        column = self._column.get(variant.name)
        return float(self.tested[outcome].values[column]) if outcome in self.tested and column is not None else None

    def draws(self, outcome: Outcome, matched: MatchedSet) -> "npt.NDArray[np.float32]":
        """Return a matched set's value on the drawn reviews, (resamples,)."""
        import numpy as np

        signs = np.array(list(matched.values()), np.float32)
        draws: npt.NDArray[np.float32] = (
            self.tested[outcome].draws[:, [self._column[variant.name] for variant in matched]] @ signs
        )
        return draws

    def answer(self, question: Question, basis: Basis) -> Answer | None:
        """Answer a question; None if no matched set has a value."""
        return self.mean(question.outcome, list(question.sets(self.study)), basis)

    def mean(self, outcome: Outcome, sets: list[MatchedSet], basis: Basis) -> Answer | None:
        """Return the mean outcome of matched sets, with the error that ``basis`` asks for; None if none has a value."""
        import numpy as np

        blocks: dict[object, list[MatchedSet]] = {}
        for number, matched in enumerate(sets):
            if all(self.value(outcome, variant) is not None for variant in matched):
                block = next(iter(matched)).replicate if basis == "replicates" else number
                blocks.setdefault(block, []).append(matched)
        if not blocks:
            return None
        means = np.array([np.mean([self._value(outcome, each) for each in block]) for block in blocks.values()])
        draws = None
        if outcome in ON_REVIEWS:
            draws = np.stack(
                [np.mean([self.draws(outcome, each) for each in block], axis=0) for block in blocks.values()], axis=1
            )
        found = sum(map(len, blocks.values()))
        value = float(means.mean())
        if basis == "reviews":
            estimate: Estimate | None = None if draws is None else Percentile(value, draws.mean(axis=1))
        else:
            estimate = over_blocks(means, draws)
        return Answer(value, estimate, found, len(sets) - found, basis)

    def _value(self, outcome: Outcome, matched: MatchedSet) -> float:
        return sum(sign * (self.value(outcome, variant) or 0.0) for variant, sign in matched.items())

    @property
    def widest(self) -> Basis:
        """The basis of a verdict: what could have come out otherwise."""
        return "replicates" if self.study.replicates > 1 else "settings"
