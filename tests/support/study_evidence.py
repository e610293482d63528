"""Made-up effects and verdicts of a made-up result: one of each ruling."""

from imdb_tasks.analysis import Effect, Outcome
from imdb_tasks.analysis.evidence import Basis, Factor, Interval, Level, Verdict
from imdb_tasks.study import StudyResult

NOISE = 0.0094  # half the width of the interval of a difference


def _effect(outcome: Outcome, factor: Factor, levels: tuple[Level, Level], value: float, basis: Basis) -> Effect:
    before, after = {"cell": ("", ""), "units": ("", " units"), "batch_size": ("batch ", "")}[factor]
    wide = 2.5 if basis == "settings" else 1
    return Effect(
        outcome=outcome,
        factor=factor,
        first=levels[0],
        second=levels[1],
        contrast=f"{before}{levels[0]} − {levels[1]}{after}",
        subset="",
        estimate=value,
        interval=Interval(low=value - 0.006 * wide, high=value + 0.007 * wide),
        p_value=0.001 if abs(value) > 0.02 else 0.5,
        p_corrected=0.004 if abs(value) > 0.02 else 1.0,
        pairs=6,
        pairs_missing=3,
        replicates=1,
        reviews=10_000 if outcome in ("accuracy", "auc") else 0,
        basis=basis,
    )


def effects(result: StudyResult, basis: Basis) -> tuple[Effect, ...]:
    study = result.study
    found = []
    for outcome in ("accuracy", "auc") if basis == "reviews" else ("accuracy", "auc", "overfitting", "roughness"):
        if len(study.cells) > 1:
            found.append(_effect(outcome, "cell", ("GRU", "LSTM"), 0.113, basis))
        if len(study.units) > 1:
            found.append(_effect(outcome, "units", (min(study.units), max(study.units)), 0.004, basis))
        if len(study.batch_sizes) > 1:
            found.append(
                _effect(outcome, "batch_size", (max(study.batch_sizes), min(study.batch_sizes)), -0.003, basis)
            )
    return tuple(found)


def verdicts(result: StudyResult) -> tuple[Verdict, ...]:
    found = effects(result, "settings")
    claims = (
        ("cell", "GRU performs better than LSTM", "supported", "accuracy"),
        ("stability", "Smaller layers converge more stably", "not decided", "roughness"),
        ("batch", "Larger batches reduce overfitting, above all in larger layers", "contradicted", "overfitting"),
    )
    return tuple(
        Verdict(
            claim=claim,
            title=title,
            ruling=ruling,
            explanation=f"The effect on {outcome} was weighed against the noise of the grid.",
            sample="6 matched pairs of models, 1 run each, 10,000 test reviews",
            warnings=("3 pairs are missing because a model diverged",),
            p_corrected=0.004,
            effects=tuple(effect for effect in found if effect.outcome == outcome)[:1],
        )
        for claim, title, ruling, outcome in claims
    )
