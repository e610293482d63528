"""The analysis of one study: ``analyse`` combines the parts.

``bootstrap`` resamples the test reviews, ``contrasts`` compares matched models, ``estimates`` computes intervals and
p-values, ``effects`` and ``verdicts`` correct them for multiple comparisons, ``ranking`` selects the best setting, and
``run_comparison`` compares the study with an earlier run.
"""

from collections.abc import Sequence

from imdb_tasks.analysis.bootstrap import RESAMPLES, Predictions, resample
from imdb_tasks.analysis.claims import Claim
from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.curves import summary
from imdb_tasks.analysis.effects import effects, interactions
from imdb_tasks.analysis.per_model import calibration, confusion, divergence_rates, variant_summary
from imdb_tasks.analysis.ranking import rank
from imdb_tasks.analysis.records import Analysis, Origin
from imdb_tasks.analysis.run_comparison import AnalysedRun, compare
from imdb_tasks.analysis.verdicts import verdicts
from imdb_tasks.formatting import count_of
from imdb_tasks.study import StudyResult, differs_from_original

REVISION = 3
"""Raise it when the same result, predictions and claims would give another analysis."""

_FEW_REVIEWS = 1_000


def measure(result: StudyResult, tested: Predictions, resamples: int = RESAMPLES) -> Measured:
    """Collect every outcome of every model."""
    return Measured(
        study=result.study,
        names=tested.names,
        tested=resample(tested, resamples),
        curves=tuple(summary(row.training) for row in result.variants if row.training),
        reviews=len(tested.labels),
    )


def analyse(
    result: StudyResult, tested: Predictions, claims: Sequence[Claim], *, code: str, previous: AnalysedRun | None = None
) -> Analysis:
    """Analyse a study's result.

    ``tested`` has the models that finished with finite probabilities, in any order. ``code`` names this code's
    revision; ``previous`` is the earlier run to compare with. The same arguments give the same analysis.
    """
    measured = measure(result, tested)
    ranking = rank(result, measured, tested)
    best = ranking.standings[0].variant if ranking.standings else None
    now = Analysis(
        origin=_made_from(result, code),
        cautions=tuple(_cautions(result, measured)),
        verdicts=verdicts(measured, claims),
        variants=tuple(variant_summary(row, measured) for row in result.variants),
        curves=measured.curves,
        standings=ranking.standings,
        best=ranking.best,
        recommendation=ranking.recommendation,
        effects=effects(measured),
        interactions=interactions(measured),
        divergence=divergence_rates(result),
        calibration=calibration(tested, best) if best else None,
        confusion=confusion(tested, best) if best else None,
        comparison=None,
    )
    return now if previous is None else now.model_copy(update={"comparison": compare(now, tested, previous)})


def _made_from(result: StudyResult, code: str) -> Origin:
    trained = [row.training for row in result.variants if row.training]
    card = result.data_card
    return Origin(
        study=result.study,
        backend=result.backend,
        reviews_sha256=card.reviews_sha256,
        glove_sha256=card.glove_sha256,
        train_rows=card.train_rows,
        test_rows=card.test_rows,
        code=code,
        versions=trained[0].versions if trained else {},
    )


def _cautions(result: StudyResult, measured: Measured) -> list[str]:
    replicates = result.study.replicates
    found = []
    if replicates == 1:
        found.append(
            "Each model was trained once, so the variation between random initialisations is not known. The intervals"
            " of single models, and of the best against the second, cover only the sampling error of the test reviews."
            " The verdicts use the matched settings of the grid instead of replicates, which is conservative and has"
            " low power. Use three replicates or more to measure this variation."
        )
    else:
        found.append(
            f"Each setting was trained {replicates} times. The intervals of effects and verdicts cover the sampling"
            " error of replicates and test reviews; those of single models cover that of the test reviews only."
        )
    diverged = sum(row.status == "diverged" for row in result.variants)
    missing = sum(row.status == "missing" for row in result.variants)
    if diverged or missing:
        lost = " and ".join(
            f"{count} {what}" for count, what in ((diverged, "diverged"), (missing, "missing")) if count
        )
        found.append(f"{lost} of {len(result.variants)} variants: comparisons cover only the variants that finished.")
    if 0 < measured.reviews < _FEW_REVIEWS:
        found.append(f"There are only {count_of(measured.reviews, 'test review', 'test reviews')}: intervals are wide.")
    if measured.tested and "auc" not in measured.tested:
        found.append("All test reviews are of one class: there is no AUC.")
    if differs_from_original(result):
        found.append(
            "This study differs from the original, so its verdicts neither confirm nor refute the original claims."
        )
    return found
