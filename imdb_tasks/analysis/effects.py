"""Main effects and interactions of cell, units and batch size on every outcome."""

import itertools
from collections.abc import Sequence
from typing import TypeVar

from imdb_tasks.analysis.contrasts import ON_REVIEWS, Answer, Measured, Question, levels
from imdb_tasks.analysis.estimates import two_sided
from imdb_tasks.analysis.evidence import ALPHA, FACTORS, OUTCOMES, Effect, Factor, Interaction, Level

_UNIT = {"cell": "", "units": " units", "batch_size": ""}
_BEFORE = {"cell": "", "units": "", "batch_size": "batch "}
_ALL_PAIRS = 5  # levels
_Difference = TypeVar("_Difference", bound=Effect)


def effects(measured: Measured) -> tuple[Effect, ...]:
    """Return the pairs of levels of every factor, for every outcome; corrected within the outcome.

    All pairs, or, of more than five levels, each with the first: forty sizes have 780 pairs, which nobody reads.
    """
    found = []
    for outcome in OUTCOMES:
        family = [
            effect
            for factor in FACTORS
            for first, second in _pairs(levels(measured.study, factor))
            if (effect := ask(measured, Question(outcome, factor, first, second)))
        ]
        found += corrected(family)
    return tuple(found)


def interactions(measured: Measured) -> tuple[Interaction, ...]:
    """Return every pair of factors, between their outermost levels, for every outcome."""
    found: list[Interaction] = []
    for outcome in OUTCOMES:
        family = []
        for factor, by in itertools.combinations(FACTORS, 2):
            own, other = levels(measured.study, factor), levels(measured.study, by)
            if len(own) > 1 and len(other) > 1:
                question = Question(outcome, factor, own[0], own[-1], at=(by, other[0], other[-1]))
                effect = ask(measured, question)
                family += [effect] if isinstance(effect, Interaction) else []
        found += corrected(family)
    return tuple(found)


def _pairs(known: Sequence[Level]) -> list[tuple[Level, Level]]:
    if len(known) > _ALL_PAIRS:
        return [(known[0], each) for each in known[1:]]
    return list(itertools.combinations(known, 2))


def ask(measured: Measured, question: Question) -> Effect | None:
    """Put one question; return the answer as a record that is not yet corrected, or None if no settings match."""
    answer = measured.answer(question)
    return None if answer is None else record(measured, question, answer, 1 - ALPHA)


def record(measured: Measured, question: Question, answer: Answer, level: float) -> Effect:
    """Write an answer down, with an interval of this confidence level."""
    estimate = answer.estimate if question.outcome != "failures" else None  # its error is not Student's
    fields = {
        "outcome": question.outcome,
        "factor": question.factor,
        "first": question.first,
        "second": question.second,
        "contrast": contrast(question.factor, question.first, question.second),
        "subset": ", ".join(level_text(factor, level) for factor, level in question.subset.items()),
        "estimate": answer.value,
        "interval": estimate.interval(level) if estimate else None,
        "level": level,
        "p_value": two_sided(estimate) if estimate else None,
        "p_corrected": None,
        "pairs": answer.sets,
        "pairs_missing": answer.missing,
        "replicates": measured.study.replicates,
        "reviews": measured.reviews if question.outcome in ON_REVIEWS else 0,
        "basis": measured.basis,
    }
    if question.at:
        by, first, second = question.at
        return Interaction.model_validate({**fields, "at": by, "at_first": first, "at_second": second})
    return Effect.model_validate(fields)


def corrected(family: Sequence[_Difference]) -> list[_Difference]:
    """Return the family with Holm's p-values; those without a p-value stay without."""
    found = iter(holm([effect.p_value for effect in family if effect.p_value is not None]))
    return [
        effect if effect.p_value is None else effect.model_copy(update={"p_corrected": next(found)})
        for effect in family
    ]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return corrected p-values: S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.

    Not by statsmodels, which collects garbage at each call; a test compares.
    """
    found, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, p_values[place] * (len(p_values) - rank)))
        found[place] = least
    return found


def level_text(factor: Factor, level: Level) -> str:
    """Return a level for readers: ``GRU``, ``32 units``, ``batch 64``."""
    return f"{_BEFORE[factor]}{level}{_UNIT[factor]}"


def contrast(factor: Factor, first: Level, second: Level) -> str:
    """Return a difference for readers: ``GRU − LSTM``, ``32 − 128 units``, ``batch 32 − 128``."""
    return f"{_BEFORE[factor]}{first} − {second}{_UNIT[factor]}"
