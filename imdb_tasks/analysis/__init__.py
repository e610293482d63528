"""From results and predictions to effects, verdicts, a ranking and a comparison of runs, without input or output.

Only the file of claims is read.

``whole_study`` puts the parts together. ``evidence`` and ``records`` are what comes out; ``claims`` reads what is
asked, ``parts`` and ``verdicts`` answer; ``selection`` chooses and recommends; ``curves`` sums learning curves up,
``per_model`` single models, ``run_summary`` a whole run; ``measuring``, ``contrasts``, ``noise``, ``ranks``,
``effects``, ``estimates`` and ``bootstrap`` are the statistics below; ``growth`` and ``looks`` are about a study that
gets further replicates until it is decided; ``sentences`` words it. docs/statistics.md
explains and checks all of it.

>>> from imdb_tasks.analysis import wilson
>>> interval = wilson(0.85, 10_000)
>>> f"{interval.low:.3f} to {interval.high:.3f}"
'0.843 to 0.857'
"""

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.claims import read_claims
from imdb_tasks.analysis.curves import best_epoch, training_seconds
from imdb_tasks.analysis.effects import level_text
from imdb_tasks.analysis.estimates import margin, wilson
from imdb_tasks.analysis.evidence import (
    DECIDED,
    LARGEST_RATIO,
    LOG_OUTCOMES,
    SHARES,
    Effect,
    Interval,
    Outcome,
    Verdict,
    VerdictValue,
)
from imdb_tasks.analysis.growth import Growth, Look, Seen
from imdb_tasks.analysis.records import (
    Analysis,
    Calibration,
    CalibrationBin,
    Choice,
    Confusion,
    CurveSummary,
    Recommendation,
    Roc,
    RunComparison,
    Standing,
    VariantChange,
    VariantSummary,
)
from imdb_tasks.analysis.run_comparison import AnalysedRun, compare
from imdb_tasks.analysis.run_summary import RunSummary, summarise
from imdb_tasks.analysis.selection import best_model, reported_accuracy
from imdb_tasks.analysis.sentences import OUTCOME_NAMES, amount, contrast_text, effect_text, question_text
from imdb_tasks.analysis.whole_study import ANALYSES_REVISION, analyse

__all__ = [
    "ANALYSES_REVISION",
    "DECIDED",
    "LARGEST_RATIO",
    "LOG_OUTCOMES",
    "OUTCOME_NAMES",
    "SHARES",
    "AnalysedRun",
    "Analysis",
    "Calibration",
    "CalibrationBin",
    "Choice",
    "Confusion",
    "CurveSummary",
    "Effect",
    "Growth",
    "Interval",
    "Look",
    "Outcome",
    "Predictions",
    "Recommendation",
    "Roc",
    "RunComparison",
    "RunSummary",
    "Seen",
    "Standing",
    "VariantChange",
    "VariantSummary",
    "Verdict",
    "VerdictValue",
    "amount",
    "analyse",
    "best_epoch",
    "best_model",
    "compare",
    "contrast_text",
    "effect_text",
    "level_text",
    "margin",
    "question_text",
    "read_claims",
    "reported_accuracy",
    "summarise",
    "training_seconds",
    "wilson",
]
