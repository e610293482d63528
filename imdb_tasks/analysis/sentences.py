"""Sentences on effects, for a reader who knows the study but no statistics."""

from collections.abc import Sequence

from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.effects import level_text
from imdb_tasks.analysis.evidence import Effect, Interaction, Outcome
from imdb_tasks.formatting import count_of, signed

OUTCOME_NAMES: dict[Outcome, str] = {
    "accuracy": "test accuracy",
    "auc": "test AUC",
    "val_loss": "lowest validation loss",
    "overfitting": "overfitting (validation less training loss)",
    "roughness": "roughness of the validation loss",
}
_EXPLODED = 10.0  # a coin's loss is 0.69


def amount(outcome: Outcome, value: float) -> str:
    """Write a difference: accuracies in percentage points, and an exploded loss without digits that mean nothing."""
    if outcome == "accuracy":
        return f"{signed(100 * value, 1)} points"
    if abs(value) >= _EXPLODED:
        return f"{'beyond +' if value > 0 else 'below −'}{_EXPLODED:.0f} (very large losses)"
    return signed(value, 4 if outcome == "roughness" else 3)


def effect_text(effect: Effect) -> str:
    """Return one difference with its interval, such as ``test accuracy, GRU − LSTM: +14.2 points (95 %: ...)``."""
    where = f" ({effect.subset})" if effect.subset else ""
    what = f"{OUTCOME_NAMES[effect.outcome]}, {effect.contrast}{where}"
    if isinstance(effect, Interaction):
        what += f", with {level_text(effect.at, effect.at_first)} less with {level_text(effect.at, effect.at_second)}"
    text = f"{what}: {amount(effect.outcome, effect.estimate)}"
    if effect.interval is None:
        return text
    low, high = (amount(effect.outcome, end) for end in (effect.interval.low, effect.interval.high))
    return f"{text} (95 %: {low.removesuffix(' points')} to {high})"


def basis_text(measured: Measured) -> str:
    """Say what the intervals of the verdicts are about."""
    if measured.widest == "replicates":
        return (
            f"The intervals cover the sampling error of {measured.study.replicates} replicates and of the test reviews."
        )
    return (
        "With one replicate per setting, the intervals are estimated from the matched settings of the grid instead of"
        " replicates."
    )


def sample_text(effects: Sequence[Effect]) -> str:
    """Say on how much a verdict rests."""
    if not effects:
        return "no matched pair of models"
    parts = []
    for outcome in dict.fromkeys(effect.outcome for effect in effects):
        counts = sorted({effect.pairs for effect in effects if effect.outcome == outcome})
        parts.append(f"{OUTCOME_NAMES[outcome]}: {' and '.join(f'{count:,}' for count in counts)} matched pairs")
    reviews = max(effect.reviews for effect in effects)
    text = f"{'; '.join(parts)}; {count_of(effects[0].replicates, 'replicate', 'replicates')}"
    return f"{text}; {count_of(reviews, 'test review', 'test reviews')}" if reviews else text


def missing_text(effects: Sequence[Effect]) -> str:
    """Say how many pairs are missing, if any are."""
    lost = [(effect.pairs_missing, effect.pairs + effect.pairs_missing) for effect in effects if effect.pairs_missing]
    if not lost:
        return ""
    counts = ", ".join(dict.fromkeys(f"{missing} of {total}" for missing, total in lost))
    return f"Matched pairs without a value, because a model diverged or is missing: {counts}."


def divergence_bias_text(measured: Measured, effects: Sequence[Effect]) -> str:
    """Say that models which diverged at one level more than at another make a comparison of the rest unfair."""
    if not any(effect.pairs_missing for effect in effects):
        return ""
    diverged = [curve.variant for curve in measured.curves if curve.diverged]
    for effect in effects:
        counts = [
            sum(getattr(variant, effect.factor) == level for variant in diverged)
            for level in (effect.first, effect.second)
        ]
        if counts[0] != counts[1]:
            levels = [level_text(effect.factor, level) for level in (effect.first, effect.second)]
            return (
                f"Diverged: {counts[0]} with {levels[0]}, {counts[1]} with {levels[1]}. Only finished models are"
                " compared, which favours the level with more divergences."
            )
    return ""
