"""Claims against a result: supported, contradicted, or not decided.

The rule. A part "higher" or "lower" is supported if its difference has that sign, contradicted if it has the other,
each with the two-sided p-value of the difference. A part "equal" is supported if every difference lies within the
margin, contradicted if one lies beyond it: two one-sided tests, D. J. Schuirmann, Journal of Pharmacokinetics and
Biopharmaceutics 15 (1987), 657-680, here with doubled p-values like the other parts. A claim is supported with the
largest p-value of its parts (all must hold), contradicted with the smallest times their number. The smaller of the two
is corrected by Holm over all claims of the file that can be tested, and decides at 5 %. That is to say: the interval of
95 %, widened for the number of claims, lies wholly on one side.

Every p-value is about other trainings of the same settings (basis "replicates", else "settings"): one favourable random
initialisation supports nothing. Where fewer than half of a part's pairs are left, nothing is decided.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from imdb_tasks.analysis.claims import Chosen, Claim, Part
from imdb_tasks.analysis.contrasts import Answer, Measured, Question, levels
from imdb_tasks.analysis.effects import corrected, holm, level_text, record
from imdb_tasks.analysis.estimates import Estimate, two_sided
from imdb_tasks.analysis.evidence import ALPHA, Effect, Factor, Level, Verdict, VerdictValue
from imdb_tasks.analysis.sentences import basis_text, divergence_bias_text, effect_text, missing_text, sample_text


@dataclass(frozen=True)
class _Tested:
    """One part or claim: p-values for and against, what they rest on, and why it cannot be tested, if so."""

    supported: float
    contradicted: float
    effects: tuple[Effect, ...]
    obstacles: tuple[str, ...] = ()


def verdicts(measured: Measured, claims: Sequence[Claim]) -> tuple[Verdict, ...]:
    """Rule on each claim."""
    tested = [_claim(measured, claim) for claim in claims]
    testable = [each for each in tested if not each.obstacles]
    p_values = holm([min(1.0, each.supported, each.contradicted) for each in testable])
    by_claim = {id(each): p for each, p in zip(testable, p_values, strict=True)}
    family = iter(corrected([effect for each in tested for effect in each.effects]))
    return tuple(
        _verdict(measured, claim, each, by_claim.get(id(each)), tuple(itertools.islice(family, len(each.effects))))
        for claim, each in zip(claims, tested, strict=True)
    )


def _verdict(
    measured: Measured, claim: Claim, tested: _Tested, p: float | None, effects: tuple[Effect, ...]
) -> Verdict:
    ruling: VerdictValue = "not decided"
    if p is not None and p <= ALPHA:
        ruling = "supported" if tested.supported < tested.contradicted else "contradicted"
    seen = "; ".join(map(effect_text, effects))
    if tested.obstacles:
        explanation = " ".join(tested.obstacles) + (f" Seen: {seen}." if seen else "")
    else:
        explanation = f"{seen[0].upper()}{seen[1:]}. {basis_text(measured)}"
    return Verdict(
        claim=claim.id,
        title=claim.title,
        ruling=ruling,
        explanation=explanation,
        sample=sample_text(effects),
        warnings=tuple(filter(None, (missing_text(effects), divergence_bias_text(measured, effects)))),
        p_corrected=p,
        effects=effects,
    )


def _claim(measured: Measured, claim: Claim) -> _Tested:
    parts = [_part(measured, part) for part in claim.parts]
    return _Tested(
        supported=max(part.supported for part in parts),
        contradicted=min(1.0, len(parts) * min(part.contradicted for part in parts)),
        effects=tuple(effect for part in parts for effect in part.effects),
        obstacles=tuple(dict.fromkeys(reason for part in parts for reason in part.obstacles)),
    )


def _part(measured: Measured, part: Part) -> _Tested:
    found = questions(measured, part)
    if isinstance(found, str):
        return _Tested(1.0, 1.0, (), (found,))
    answers = [measured.answer(question, measured.widest) for question in found]
    effects = tuple(
        record(measured, question, answer) for question, answer in zip(found, answers, strict=True) if answer
    )
    if reason := _obstacle(answers):
        return _Tested(1.0, 1.0, effects, (reason,))
    estimates = [answer.estimate for answer in answers if answer and answer.estimate]
    if part.margin is not None:
        supported, contradicted = _equal(estimates, part.margin)
    else:
        supported, contradicted = _directed(estimates[0], higher=part.direction == "higher")
    return _Tested(supported, contradicted, effects)


def questions(measured: Measured, part: Part) -> list[Question] | str:
    """Return what a part asks of this grid, or why the grid cannot answer."""
    study = measured.study
    subset = dict(part.subset)
    for factor, level in subset.items():
        if level not in levels(study, factor):
            return f"Not tested here: the grid has no {level_text(factor, level)}."
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


def _lacking(factor: Factor, known: Sequence[Level], pairs: Sequence[tuple[Level, Level]]) -> str | None:
    if not pairs or any(first == second for first, second in pairs):
        return f"Not tested here: the grid has only {level_text(factor, known[0])}."
    for level in itertools.chain(*pairs):
        if level not in known:
            return f"Not tested here: the grid has no {level_text(factor, level)}."
    return None


def _level(known: Sequence[Level], chosen: Chosen) -> Level:
    if chosen == "smallest":
        return known[0]
    return known[-1] if chosen == "largest" else chosen


def _obstacle(answers: Sequence[Answer | None]) -> str | None:
    """Return why these answers cannot decide a part."""
    if any(answer is None for answer in answers):
        return "Not tested: no matched pair of models finished."
    for answer in filter(None, answers):
        if answer.sets < answer.missing:
            return f"Not tested: {answer.missing} of {answer.sets + answer.missing} pairs are missing, more than half."
        if answer.estimate is None:
            return "Not tested: the sampling error needs at least two matched pairs or two replicates."
    return None


def _directed(estimate: Estimate, *, higher: bool) -> tuple[float, float]:
    up, down = 2 * estimate.above(0.0), 2 * estimate.below(0.0)
    return (up, down) if higher else (down, up)


def _equal(estimates: Sequence[Estimate], margin: float) -> tuple[float, float]:
    within = max(2 * max(each.below(margin), each.above(-margin)) for each in estimates)
    beyond = min(min(two_sided(each, margin) if each.value > margin else 1.0, 1.0) for each in estimates)
    below = min(min(two_sided(each, -margin) if each.value < -margin else 1.0, 1.0) for each in estimates)
    return within, min(1.0, len(estimates) * min(beyond, below))
