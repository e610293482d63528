"""Questions to the grid, such as "GRU less LSTM, all else equal", and their answers with an error.

A question is answered from matched sets of settings: pairs that differ in one factor only or, for an interaction, pairs
of such pairs. A set with a setting that has no value is left out and counted.
"""

import itertools
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from imdb_tasks.analysis.bootstrap import Resampled
from imdb_tasks.analysis.estimates import Student
from imdb_tasks.analysis.evidence import FACTORS, Basis, Factor, Level, Outcome
from imdb_tasks.analysis.noise import Noise, noise_of
from imdb_tasks.analysis.ranks import rank_test
from imdb_tasks.analysis.records import CurveSummary
from imdb_tasks.study import Cell, Study, Variant

MatchedSet = Mapping[Variant, int]  # a setting, as its first replicate -> its sign
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
        """Yield the matched sets of the grid's settings."""
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
        for chosen in itertools.product(*kept):
            setting = dict(zip(others, chosen, strict=True))
            yield {Variant.model_validate({**setting, **own}): sign for own, sign in signs}


@dataclass(frozen=True)
class Answer:
    """``value`` is the mean over the ``sets`` that have one, each setting counting as the mean of its models.

    ``missing`` counts the sets that have none. ``estimate`` is None where the training variance cannot be estimated, or
    where nothing varies at all. ``reviews_error`` is the standard error of these very models' difference on other
    reviews, 0 where no review is involved; ``cells`` are those whose settings took part.
    """

    value: float
    estimate: Student | None
    sets: int
    missing: int
    reviews_error: float
    cells: frozenset[Cell]
    varies: bool


@dataclass(frozen=True)
class Measured:
    """Every outcome of every model of a study.

    ``tested`` holds accuracy and AUC of the models ``names``, where a training that diverged counts as the constant
    answer; ``curves`` has the trained models.
    """

    study: Study
    names: tuple[str, ...]
    tested: Mapping[Outcome, Resampled]
    curves: tuple[CurveSummary, ...]
    reviews: int

    @cached_property
    def failed(self) -> Set[Variant]:
        """The models that were trained and did not converge."""
        return {curve.variant for curve in self.curves if not curve.converged}

    @cached_property
    def values(self) -> Mapping[Outcome, Mapping[Variant, float]]:
        """Each outcome of each model that has it."""
        import math

        on_reviews: dict[Outcome, dict[Variant, float]] = {outcome: {} for outcome in ON_REVIEWS}
        for outcome, drawn in self.tested.items():
            on_reviews[outcome] = {Variant.named(n): float(v) for n, v in zip(self.names, drawn.values, strict=True)}
        curves = self.curves
        return {
            **on_reviews,
            "final_loss": {c.variant: math.log(c.final_val_loss) for c in curves if c.final_val_loss},
            "overfitting": {c.variant: c.overfitting for c in curves if c.overfitting is not None},
            "roughness": {c.variant: math.log(c.roughness) for c in curves if c.roughness},
            "failures": {c.variant: float(not c.converged) for c in curves},
        }

    @property
    def basis(self) -> Basis:
        """What the training variance is estimated from."""
        return "replicates" if self.study.replicates > 1 else "settings"

    @property
    def variance_known(self) -> bool:
        """Whether the training variance of the test accuracy can be estimated, for one cell at least."""
        return bool(self._noise("accuracy").cells)

    def answer(self, question: Question, *, without: Set[Variant] = frozenset()) -> Answer | None:
        """Answer a question; None if no matched set has a value. Without some models, the answer has no error."""
        return self.mean(question.outcome, list(question.sets(self.study)), without=without)

    def mean(self, outcome: Outcome, sets: list[MatchedSet], *, without: Set[Variant] = frozenset()) -> Answer | None:
        """Return the mean outcome of matched sets; None if none has a value."""
        models, noise = self._by_setting(outcome, without), self._noise(outcome)
        whole = [matched for matched in sets if all(setting in models for setting in matched)]
        # Without an error, a cell's settings would only hide that of the others.
        whole = [matched for matched in whole if all(noise.knows(setting) for setting in matched)] or whole
        if not whole:
            return None
        weights: dict[Variant, float] = {}
        for matched in whole:
            for setting, sign in matched.items():
                for variant in models[setting]:
                    share = sign / len(whole) / len(models[setting])
                    weights[variant] = weights.get(variant, 0.0) + share
        values = self.values[outcome]
        value = sum(weight * values[variant] for variant, weight in weights.items())
        return Answer(
            value=value,
            estimate=None if without else noise.estimate(value, weights),
            sets=len(whole),
            missing=len(sets) - len(whole),
            reviews_error=noise.over_reviews(weights) ** 0.5,
            cells=frozenset(variant.cell for variant in weights),
            varies=not all(noise.knows(variant) for variant in weights) or len(set(values.values())) > 1,
        )

    def ranks(self, question: Question) -> tuple[float, float] | None:
        """Return the rank test's one-sided p-values, higher and lower; None where it does not apply.

        With replicates, a stratum is a matched pair of settings. With one, it is all that a cell has of both levels or,
        between cells, the whole grid: a pair of single models could never be decided.
        """
        if question.at:
            return None
        models, values = self._by_setting(question.outcome, frozenset()), self.values[question.outcome]
        strata: dict[object, tuple[list[float], list[float]]] = {}
        for number, matched in enumerate(question.sets(self.study)):
            (first, _), (second, _) = matched.items()
            if first not in models or second not in models:
                continue
            pooled = "" if question.factor == "cell" else first.cell
            stratum = strata.setdefault(number if self.study.replicates > 1 else pooled, ([], []))
            for side, setting in zip(stratum, (first, second), strict=True):
                side.extend(values[variant] for variant in models[setting])
        return rank_test(list(strata.values()))

    def _by_setting(self, outcome: Outcome, without: Set[Variant]) -> Mapping[Variant, list[Variant]]:
        if not without and outcome in self._settings:
            return self._settings[outcome]
        found: dict[Variant, list[Variant]] = {}
        for variant in self.values[outcome]:
            if variant not in without:
                found.setdefault(variant.setting, []).append(variant)
        if not without:
            self._settings[outcome] = found
        return found

    @cached_property
    def _settings(self) -> dict[Outcome, Mapping[Variant, list[Variant]]]:
        return {}

    @cached_property
    def _noises(self) -> dict[Outcome, Noise]:
        return {}

    def _noise(self, outcome: Outcome) -> Noise:
        if outcome not in self._noises:
            draws = self.tested[outcome].draws if outcome in self.tested else None
            self._noises[outcome] = noise_of(self.values[outcome], draws)
        return self._noises[outcome]
