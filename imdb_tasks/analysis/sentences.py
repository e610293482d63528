"""Sentences on results, for a reader who knows the study. Two kinds of noise have one name each: the *sampling error*
of the test reviews, and the *training variance* between trainings of one setting.
"""

import math
from collections.abc import Sequence

from imdb_tasks.analysis.claims import Part
from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.effects import level_text
from imdb_tasks.analysis.evidence import (
    DECIDED,
    LARGEST_RATIO,
    LOG_OUTCOMES,
    SHARES,
    Effect,
    Interaction,
    Outcome,
    PartRuling,
    VerdictValue,
)
from imdb_tasks.analysis.records import Candidate, Choice, Standing
from imdb_tasks.formatting import count_of, percent, points, signed
from imdb_tasks.study import Variant

OUTCOME_NAMES: dict[Outcome, str] = {
    "accuracy": "test accuracy",
    "auc": "test AUC",
    "final_loss": "final validation loss",
    "overfitting": "overfitting gap (final validation less training loss)",
    "roughness": "roughness of the validation loss",
    "failures": "rate of trainings that did not converge",
}
_NEEDS: dict[Outcome, str] = {
    "accuracy": "a test result on both sides",
    "auc": "a test result on both sides",
    "final_loss": "a finite validation loss on both sides",
    "overfitting": "a converged training on both sides",
    "roughness": "a converged training of ten epochs or more on both sides",
    "failures": "a training on both sides",
}
_LARGEST = 10.0  # a difference of losses beyond it has no digits that mean anything


def needs(outcome: Outcome) -> str:
    """Say what a matched pair must have to be compared."""
    return _NEEDS[outcome]


def amount(outcome: Outcome, value: float) -> str:
    """Write a difference: rates in percentage points, ratios, from their logarithm, as ×0.62, losses as they are."""
    if outcome in SHARES:
        if abs(value) > 1:  # of an interval: no accuracy goes that far
            return "above +100 points" if value > 0 else "below −100 points"
        return f"{signed(100 * value, 1)} points"
    if outcome in LOG_OUTCOMES:
        return _ratio(value)
    if abs(value) >= _LARGEST:
        return f"{'above +' if value > 0 else 'below −'}{_LARGEST:.0f}"
    return signed(value, 3)


def _ratio(log: float) -> str:
    if abs(log) > math.log(LARGEST_RATIO):
        return f"above ×{LARGEST_RATIO:g}" if log > 0 else f"below ×{1 / LARGEST_RATIO:g}"
    return f"×{math.exp(log):.2f}" if log < math.log(_LARGEST) else f"×{math.exp(log):.0f}"


def interval_text(effect: Effect) -> str:
    """Return an interval with its level, such as ``99 % interval +1.2 to +3.4 points``; "" where there is none."""
    if effect.interval is None:
        return ""
    low, high = (amount(effect.outcome, end) for end in (effect.interval.low, effect.interval.high))
    low = low.removesuffix(" points") if high.endswith(" points") else low
    return f"{_level(effect.level)} interval {low} to {high}"


def _level(level: float) -> str:
    """Write a confidence level with as many digits as tell it from certainty: 95 %, 99.4 %, 99.98 %."""
    return next(text for digits in (3, 4, 5, 9) if (text := f"{100 * level:.{digits}g} %") != "100 %" or digits > 8)  # noqa: PLR2004


def now_text(effects: Sequence[Effect], then: Effect | None, *, named: bool) -> str:
    """Return the difference that an earlier look rested on, as it is now; ``named``: with what it is."""
    now = then.among(effects) if then else None
    if now is None or now.interval is None:
        return ""
    return effect_text(now) if named else estimate_text(now)


def effect_text(effect: Effect) -> str:
    """Return one difference, such as ``test accuracy, GRU − LSTM: +14.2 points (95 % interval +9.0 to ...)``."""
    return f"{question_text(effect)}: {estimate_text(effect)}"


def estimate_text(effect: Effect) -> str:
    """Return one difference without its name, such as ``+14.2 points (95 % interval +9.0 to +19.4 points)``."""
    interval = interval_text(effect)
    return amount(effect.outcome, effect.estimate) + (f" ({interval})" if interval else "")


def contrast_text(effect: Effect) -> str:
    """Return the two levels that are compared: ``GRU − LSTM``, or ``GRU / LSTM`` where the outcome is a ratio."""
    return effect.contrast.replace("−", "/") if effect.outcome in LOG_OUTCOMES else effect.contrast


def question_text(effect: Effect) -> str:
    """Return what is compared, such as ``test accuracy, 32 − 64 units (GRU)``."""
    where = f" ({effect.subset})" if effect.subset else ""
    what = f"{_short(effect.outcome)}, {contrast_text(effect)}{where}"
    if isinstance(effect, Interaction):
        before, after = level_text(effect.at, effect.at_second), level_text(effect.at, effect.at_first)
        what += f", its change from {before} to {after}"
    return what


def _short(outcome: Outcome) -> str:
    """Return the name of an outcome for a line of its own: the tables and charts have the full one."""
    return OUTCOME_NAMES[outcome].partition(" (")[0].removesuffix(" of the validation loss")


def reason(
    measured: Measured, part: Part, ruling: VerdictValue, effects: Sequence[Effect], p_ranks: float | None
) -> str:
    """Say in one line why a part has its ruling; ``p_ranks`` where the rank test decided or came closer to it."""
    effect = named(part, ruling, effects)
    if part.margin is not None:
        return _equivalence(part, ruling, effect)
    if part.outcome == "failures":
        return _failures(measured, part, effect, p_ranks)
    said = _capital(effect_text(effect))
    if ruling in DECIDED:
        return f"{said}; the rank test decides ({_p(p_ranks)})." if p_ranks is not None else f"{said}."
    return f"{_could_be(effect)}."


def named(part: Part, ruling: VerdictValue, effects: Sequence[Effect]) -> Effect:
    """Return the difference that the reason of a ruling names: of several, the one that the ruling hangs on."""
    if part.margin is not None and ruling == "contradicted":
        return max(effects, key=lambda effect: abs(effect.estimate))
    return max(effects, key=lambda effect: effect.reach)


def _could_be(effect: Effect) -> str:
    """Return a difference that decides nothing, with what else it could be."""
    level, _, ends = interval_text(effect).partition(" interval ")
    said = f"{_capital(question_text(effect))}: {amount(effect.outcome, effect.estimate)}"
    return f"{said}, could be {ends} ({level} interval)" if ends else said


def _equivalence(part: Part, ruling: VerdictValue, effect: Effect) -> str:
    margin = amount(part.outcome, part.margin or 0.0).lstrip("+")
    if ruling == "contradicted":
        return f"{_capital(effect_text(effect))}; {margin} would count as the same."
    said = _capital(effect_text(effect)) if ruling == "supported" else _could_be(effect)
    return f"{said}; within {margin} counts as the same."


def _failures(measured: Measured, part: Part, effect: Effect, p_ranks: float | None) -> str:
    counts = []
    for level in (effect.first, effect.second):
        trained = [
            curve
            for curve in measured.curves
            if getattr(curve.variant, effect.factor) == level
            and all(getattr(curve.variant, factor) == kept for factor, kept in part.subset.items())
        ]
        failed = sum(not curve.converged for curve in trained)
        counts.append(f"{failed} of {len(trained)} with {level_text(effect.factor, level)}")
    return f"Not converged: {', '.join(counts)} (rank test, {_p(p_ranks or 1.0)})."


def _p(p_value: float) -> str:
    text = "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"  # noqa: PLR2004
    return f"{text} before correction"


def power_text(rulings: Sequence[PartRuling], most: int) -> str:
    """Say what the design could have decided, and how many replicates, up to ``most``, would decide what was seen.

    Each undecided part must be decided; where one of them foresees nothing, there is no such number.
    """
    undecided = [part for part in rulings if part.ruling == "not decided"]
    foreseen = [(part.effects[0], part.detectable) for part in undecided if part.detectable is not None]
    if not foreseen:
        return ""
    detectable = "; ".join(f"{amount(effect.outcome, size)} in {question_text(effect)}" for effect, size in foreseen)
    text = f"Power of 80 % for {detectable}."
    if len(foreseen) < len(undecided):
        return text
    needed = [part.replicates_needed for part in undecided]
    number = f"more than {most}" if None in needed else f"about {max(filter(None, needed))}"
    was, it = ("difference was the one", "it") if len(foreseen) == 1 else ("differences were those", "each")
    return f"{text} If the true {was} seen, {number} replicates would decide {it} in 80 % of such studies."


def sample_text(measured: Measured, effects: Sequence[Effect]) -> str:
    """Say on how much a verdict rests, and what its intervals are about."""
    if not effects:
        return "no matched set of settings"
    pairs = sorted({effect.pairs for effect in effects})
    text = f"{' and '.join(f'{count:,}' for count in pairs)} matched {'set' if pairs == [1] else 'sets'} of settings"
    text += f", {count_of(measured.study.replicates, 'replicate', 'replicates')}"
    reviews = max(effect.reviews for effect in effects)
    return f"{text}, {count_of(reviews, 'test review', 'test reviews')}" if reviews else text


def failures_text(failed: int, diverged: int, effects: Sequence[Effect]) -> str:
    """Say how trainings that did not converge, ``diverged`` of them so, count in accuracies, and what is left out."""
    ended = failed - diverged
    counted = [
        f"{count_of(ended, 'counts', 'count')} with the test accuracy after the last epoch" if ended else "",
        f"{diverged} diverged and {'counts' if diverged == 1 else 'count'} with that of the constant answer"
        if diverged
        else "",
    ]
    texts = []
    if failed:
        texts.append(
            f"{count_of(failed, 'training', 'trainings')} did not converge: {', '.join(filter(None, counted))}."
        )
    lost = [(e.pairs_missing, e.pairs + e.pairs_missing) for e in effects if e.pairs_missing]
    if lost:
        counts = ", ".join(dict.fromkeys(f"{missing} of {total}" for missing, total in lost))
        texts.append(f"Matched sets of settings left out, for want of a usable training: {counts}.")
    return " ".join(texts)


def converged_text(told: Sequence[str]) -> str:
    """Say what the converged trainings alone show, from what each part of a claim tells of them; "" from nothing."""
    shown = "; ".join(dict.fromkeys(filter(None, told)))
    if not shown:
        return ""
    rest = "Leaving them out favours the side that has more of them."
    return f"Without the trainings that did not converge: {shown}. {rest}"


def no_better_than_baseline(choice: Choice) -> str:
    """Say that nothing was learned."""
    baseline = choice.baseline
    return (
        f"No model is shown to be better than always answering “{baseline.label}” ({percent(baseline.accuracy)}):"
        f" {choice.variant.label}, of the highest validation accuracy, scores {percent(choice.accuracy)}."
    )


def recommendation(best: Standing, cheapest: Candidate | None, candidates: Sequence[Candidate], margin: float) -> str:
    """Say why a setting is recommended: which others were considered, and what they would cost in accuracy."""
    chosen = f"{best.variant.label} has the highest validation accuracy ({percent(best.validation_accuracy)})"
    if cheapest is not None:
        share = cheapest.trainable_parameters / best.trainable_parameters
        return (
            f"{chosen}; {cheapest.variant.label} has {100 * share:.0f} % of its trainable parameters and is, with 95 %"
            f" confidence, at most {points(max(0.0, cheapest.loss_limit or 0.0))} less accurate; up to {points(margin)}"
            " would be accepted."
        )
    if not candidates:
        return f"{chosen}, and no setting has fewer trainable parameters."
    limits = [each for each in candidates if each.loss_limit is not None]
    if not limits:
        return f"{chosen}. One training of each setting cannot show that one with fewer parameters is as good."
    nearest = min(limits, key=lambda each: each.loss_limit or 0.0)
    return (
        f"{chosen}. No setting with fewer parameters is shown to be as good: of them, {nearest.variant.label} comes"
        f" nearest, and could be {points(nearest.loss_limit or 0.0)} less accurate (95 % confidence); up to"
        f" {points(margin)} would be accepted."
    )


def on_test_reviews(standings: Sequence[Standing], use: Variant) -> str:
    """Say what the test reviews had to do with the advice, and which setting is ahead on them, if another one is."""
    if use != standings[0].variant:
        return f" The test reviews took part in the choice of {use.label}, so its test accuracy flatters it a little."
    ahead = max(standings, key=lambda each: each.accuracy)
    used = next(each for each in standings if each.variant == use)
    if percent(ahead.accuracy) == percent(used.accuracy):
        return ""
    return (
        f" On the test reviews, which take no part in the choice, {ahead.variant.label} is right more often:"
        f" {percent(ahead.accuracy)} against {percent(used.accuracy)}."
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
