"""One part of a claim: its questions to the grid, its p-values, and its ruling with the reason."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from imdb_tasks.analysis import sentences
from imdb_tasks.analysis.claims import Chosen, Part
from imdb_tasks.analysis.contrasts import ON_REVIEWS, Answer, Measured, Question, levels
from imdb_tasks.analysis.curves import SMOOTH_FROM
from imdb_tasks.analysis.effects import level_text, record
from imdb_tasks.analysis.estimates import Student, two_sided
from imdb_tasks.analysis.evidence import ALPHA, POWER, Factor, Level, PartRuling, VerdictValue
from imdb_tasks.study import Variant

MOST_FORESEEN = 50


@dataclass(frozen=True)
class Tested:
    """A part's p-values for and against, two-sided, corrected for the part's own number of tests.

    ``obstacle`` says why it cannot be tested, if so; ``vacuous`` that there is nothing to test, which stops no claim.
    """

    part: Part
    questions: tuple[Question, ...] = ()
    answers: tuple[Answer, ...] = ()
    supported: float = 1.0
    contradicted: float = 1.0
    p_ranks: float | None = None
    by_ranks: bool = False
    obstacle: str = ""
    vacuous: bool = False
    answerable: bool = True

    @property
    def tests(self) -> int:
        """How many tests the part's error is shared by."""
        return 2 if self.part.margin is None and self.p_ranks is not None and self.part.outcome != "failures" else 1


def test(measured: Measured, part: Part) -> Tested:
    """Put a part's questions and test it."""
    asked = questions(measured, part)
    if isinstance(asked, str):
        return Tested(part, obstacle=asked, answerable=False)
    if part.outcome == "failures":
        return _failures(measured, part, asked[0])
    answers = [measured.answer(question) for question in asked]
    told = tuple(answer for answer in answers if answer)
    if obstacle := _obstacle(part, answers):
        whole = len(told) == len(asked)
        long_enough = part.outcome != "roughness" or measured.study.training.epochs >= SMOOTH_FROM
        found = (tuple(asked), told) if whole else ((), ())
        return Tested(part, *found, obstacle=obstacle, answerable=long_enough)
    estimates = [answer.estimate for answer in told if answer.estimate]
    if part.margin is not None:
        return Tested(part, tuple(asked), told, *_equal(estimates, part.margin))
    by_mean = 2 * estimates[0].above(0.0), 2 * estimates[0].below(0.0)
    by_ranks = _by_ranks(measured, asked[0], told[0])
    up, down = by_mean if by_ranks is None else (min(1.0, 2 * min(p)) for p in zip(by_mean, by_ranks, strict=True))
    supported, contradicted = (up, down) if part.direction == "higher" else (down, up)
    p_ranks = min(1.0, *by_ranks) if by_ranks else None
    decisive = p_ranks is not None and p_ranks < min(by_mean)
    return Tested(part, tuple(asked), told, supported, contradicted, p_ranks, decisive)


def _by_ranks(measured: Measured, question: Question, answer: Answer) -> tuple[float, float] | None:
    """Return the rank test's two-sided p-values for higher and for lower; None where it does not apply.

    By itself it tests "no difference to any training", and knows nothing of the reviews. So it counts only in the
    direction of the mean, for a better level only if its trainings fail no more often, and no further than the mean
    difference of these very models on other reviews goes: of all, and of the converged ones alone, for a failure may
    hide that the others differ by what these reviews do to all models of a cell.
    """
    ranks = measured.ranks(question)
    if ranks is None:
        return None
    # How much more often the first level fails or, of losses, the second: the one that a higher value makes better.
    excess = _fails_more_often(measured, question) * (-1 if question.outcome == "final_loss" else 1)
    means = [answer]
    if measured.failed and answer.reviews_error > 0:
        means += filter(None, [measured.answer(question, without=measured.failed)])
    found = []
    for p_value, sign in zip(ranks, (1, -1), strict=True):
        limits = [_on_other_reviews(mean, sign) for mean in means]
        found.append(1.0 if sign * excess > 0 else min(1.0, max(2 * p_value, *limits)))
    return found[0], found[1]


def _on_other_reviews(answer: Answer, sign: int) -> float:
    """Return the two-sided p-value of very models' mean difference on other reviews; 1 against the direction."""
    from scipy.stats import norm

    if sign * answer.value <= 0:
        return 1.0
    return 2 * float(norm.sf(sign * answer.value / answer.reviews_error)) if answer.reviews_error > 0 else 0.0


def _fails_more_often(measured: Measured, question: Question) -> float:
    """Return the rate of failures at the first level less that at the second; 0 where the outcome has none."""
    if question.outcome in ("overfitting", "roughness"):  # of converged trainings only
        return 0.0
    answer = measured.answer(replace(question, outcome="failures"))
    return answer.value if answer else 0.0


def questions(measured: Measured, part: Part) -> list[Question] | str:
    """Return what a part asks of this grid, or why the grid cannot answer."""
    study = measured.study
    subset = dict(part.subset)
    for factor, level in subset.items():
        if level not in levels(study, factor):
            return f"The grid has no {level_text(factor, level)}."
    known = levels(study, part.factor)
    if part.first is None or part.second is None:
        pairs = list(itertools.combinations(known, 2))
    else:
        pairs = [(_level(known, part.first), _level(known, part.second))]
    lacking = _lacking(part.factor, known, pairs)
    at = None
    if part.at and not lacking:
        others = levels(study, part.at.factor)
        between = _level(others, part.at.first), _level(others, part.at.second)
        lacking = _lacking(part.at.factor, others, [between])
        at = (part.at.factor, *between)
    return lacking or [Question(part.outcome, part.factor, *pair, subset=subset, at=at) for pair in pairs]


def rule(
    measured: Measured, tested: Tested, alpha: float | None, parts: int, later: Callable[[int], float]
) -> PartRuling:
    """Rule on a part of a claim that has so many parts and may err with the probability ``alpha``.

    Without ``alpha``, the claim cannot be tested, and so none of its parts is. ``later`` returns, for a number of
    replicates, by how much the probability is multiplied there.
    """
    pairs = list(zip(tested.questions, tested.answers, strict=True))
    if tested.obstacle or alpha is None:
        effects = tuple(record(measured, question, answer, 1 - ALPHA) for question, answer in pairs)
        seen = "; ".join(map(sentences.effect_text, effects))
        reason = tested.obstacle or f"Seen: {seen}."
        return PartRuling(ruling="not tested", reason=reason, effects=effects, answerable=tested.answerable)
    ruling: VerdictValue = "not decided"
    if tested.supported <= alpha:
        ruling = "supported"
    elif tested.contradicted <= alpha / parts:
        ruling = "contradicted"
    # The level at which the ruling is read off the interval: to contradict takes more than to support.
    against = ruling != "supported" and tested.contradicted < tested.supported
    level = 1 - alpha / tested.tests / (parts * len(tested.questions) if against else 1)
    effects = tuple(record(measured, question, answer, level) for question, answer in pairs)
    directed = tested.part.margin is None and tested.part.outcome != "failures"
    decidable = tested.answers[0].estimate if directed else None
    return PartRuling(
        ruling=ruling,
        reason=sentences.reason(measured, tested.part, ruling, effects, tested.p_ranks if tested.by_ranks else None),
        effects=effects,
        named=sentences.named(tested.part, ruling, effects),
        margin=tested.part.margin,
        p_ranks=tested.p_ranks,
        detectable=math.copysign(detectable(decidable, 1 - level), decidable.value) if decidable else None,
        replicates_needed=replicates_needed(decidable, measured.study.replicates, lambda n: (1 - level) * later(n))
        if decidable
        else None,
    )


def survivors_text(measured: Measured, tested: Tested) -> str:
    """Say what the converged trainings alone show, where a comparison of accuracies has others; "" elsewhere."""
    if tested.part.outcome not in ON_REVIEWS or not tested.questions or tested.obstacle:
        return ""
    lost = failed(measured, tested.questions)
    if not lost:
        return ""
    answers = [(question, measured.answer(question, without=lost)) for question in tested.questions]
    told = [
        sentences.effect_text(record(measured, question, answer, 1 - ALPHA)) for question, answer in answers if answer
    ]
    return "; ".join(told) or "no matched pair of settings has converged trainings on both sides"


def one_cell_text(measured: Measured, tested: Tested) -> str:
    """Say that a part which speaks of all cells rests on some of them, if so."""
    asked = (each for question in tested.questions for each in question.sets(measured.study))
    cells = {setting.cell for each in asked for setting in each}
    used = {cell for answer in tested.answers for cell in answer.cells}
    if not used or used == cells:
        return ""
    return f"For want of usable trainings of the others, this rests on {' and '.join(sorted(used))} alone."


def failed(measured: Measured, asked: Sequence[Question]) -> set[Variant]:
    """Return the trainings that did not converge, of the settings that questions ask about."""
    settings = {setting for question in asked for each in question.sets(measured.study) for setting in each}
    return {variant for variant in measured.failed if variant.setting in settings}


def detectable(estimate: Student, alpha: float) -> float:
    """Return the smallest difference that a two-sided test at ``alpha`` finds with a probability of 80 %."""
    return estimate.reach(1 - alpha) + estimate.quantile(POWER) * estimate.error


def replicates_needed(estimate: Student, replicates: int, alpha: Callable[[int], float]) -> int | None:
    """Return how many replicates would find the difference seen with a probability of 80 %; None if more than 50.

    ``alpha`` returns the level at which so many replicates are tested. What the trainings add to the squared error
    falls with their number, what the reviews add does not.
    """
    training = (estimate.error**2 - estimate.reviews) * replicates
    for number in range(replicates + 1, MOST_FORESEEN + 1):
        freedom = estimate.freedom * (number - 1) / max(1, replicates - 1)
        then = Student(estimate.value, math.sqrt(training / number + estimate.reviews), freedom, estimate.reviews)
        if detectable(then, alpha(number)) <= abs(estimate.value):
            return number
    return None


def _failures(measured: Measured, part: Part, question: Question) -> Tested:
    ranks, answer = measured.ranks(question), measured.answer(question)
    if ranks is None or answer is None:
        return Tested(part, obstacle="No matched pair of settings was trained.")
    if not failed(measured, [question]):
        return Tested(
            part,
            obstacle="Every training of these settings converged: their rate of failures tells nothing.",
            vacuous=True,
        )
    up, down = (min(1.0, 2 * p) for p in ranks)
    supported, contradicted = (up, down) if part.direction == "higher" else (down, up)
    return Tested(part, (question,), (answer,), supported, contradicted, p_ranks=min(1.0, up, down), by_ranks=True)


def _equal(estimates: Sequence[Student], margin: float) -> tuple[float, float]:
    within = max(2 * max(each.below(margin), each.above(-margin)) for each in estimates)
    beyond = min(min(two_sided(each, margin) if each.value > margin else 1.0, 1.0) for each in estimates)
    below = min(min(two_sided(each, -margin) if each.value < -margin else 1.0, 1.0) for each in estimates)
    return within, min(1.0, len(estimates) * min(beyond, below))


def _obstacle(part: Part, answers: Sequence[Answer | None]) -> str:
    """Return why these answers cannot decide a part."""
    if any(answer is None for answer in answers):
        return f"No matched pair of settings has {sentences.needs(part.outcome)}."
    for answer in filter(None, answers):
        if answer.sets < answer.missing:
            return (
                f"{answer.missing} of {answer.sets + answer.missing} matched pairs of settings lack"
                f" {sentences.needs(part.outcome)}, more than half."
            )
        if answer.estimate is None and not answer.varies:
            return "No training differs from another."
        if answer.estimate is None:
            return "The grid is too small to estimate the training variance: use two replicates or more."
    return ""


def _lacking(factor: Factor, known: Sequence[Level], pairs: Sequence[tuple[Level, Level]]) -> str | None:
    if not pairs or any(first == second for first, second in pairs):
        return f"The grid has only {level_text(factor, known[0])}."
    for level in itertools.chain(*pairs):
        if level not in known:
            return f"The grid has no {level_text(factor, level)}."
    return None


def _level(known: Sequence[Level], chosen: Chosen) -> Level:
    if chosen == "smallest":
        return known[0]
    return known[-1] if chosen == "largest" else chosen
