"""The analysis of one study: ``analyse`` combines the parts.

``measuring`` collects every outcome, ``bootstrap`` resamples the test reviews; ``contrasts`` compares matched settings
with the errors of ``noise`` and the test of ``ranks``; ``effects`` and ``verdicts`` correct for multiple comparisons,
``selection`` chooses a setting, and ``run_comparison`` compares the study with an earlier run.
"""

from collections.abc import Sequence

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.cautions import cautions
from imdb_tasks.analysis.claims import Claim
from imdb_tasks.analysis.effects import effects, interactions
from imdb_tasks.analysis.growth import Growth
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.analysis.per_model import calibration, confusion, failure_rates, roc, variant_summary
from imdb_tasks.analysis.records import Analysis, Origin
from imdb_tasks.analysis.run_comparison import AnalysedRun, compare
from imdb_tasks.analysis.selection import select
from imdb_tasks.analysis.verdicts import held_back, verdicts
from imdb_tasks.study import StudyResult

ANALYSES_REVISION = 8
"""Raise it when the same result, predictions and claims would give another analysis."""


def analyse(  # noqa: PLR0913 - what is analysed, and what it is set beside
    result: StudyResult,
    tested: Predictions,
    claims: Sequence[Claim],
    *,
    code: str,
    previous: AnalysedRun | None = None,
    growth: Growth | None = None,
) -> Analysis:
    """Analyse a study's result.

    ``tested`` has the models that finished with finite probabilities, in any order. ``code`` names this code's
    revision; ``previous`` is the earlier run to compare with, ``growth`` has the earlier looks at a study that grows.
    The same arguments give the same analysis.
    """
    measured = measure(result, tested)
    selection = select(result, measured, tested)
    best = selection.choice.model if selection.choice else None
    ruled = verdicts(measured, claims, growth)
    missing = sum(row.status == "missing" for row in result.variants)
    if growth and missing:
        ruled = tuple(held_back(verdict, growth, missing) for verdict in ruled)
    now = Analysis(
        origin=_made_from(result, code),
        cautions=tuple(cautions(result, measured)),
        verdicts=ruled,
        variants=tuple(variant_summary(row, measured) for row in result.variants),
        curves=measured.curves,
        standings=selection.standings,
        choice=selection.choice,
        recommendation=selection.recommendation,
        effects=effects(measured),
        interactions=interactions(measured),
        failures=failure_rates(measured),
        calibration=calibration(tested, best) if best else None,
        confusion=confusion(tested, best) if best else None,
        comparison=None,
        roc=roc(tested, best) if best else None,
        growth=growth.with_look(result.study.replicates, ruled) if growth and not missing else growth,
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
