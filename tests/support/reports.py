"""Studies that a report must cope with: replicates, divergence, one model, a large grid."""

from functools import cache

import numpy as np

from imdb_tasks.analysis import analyse, read_claims
from imdb_tasks.report import ReportInputs
from imdb_tasks.study import Study, TrainingSettings
from tests.support.simulation import Truth, simulate
from tests.support.study_analysis import material
from tests.support.study_results import study_result

KINDS = ("three replicates", "divergence", "one model", "200 settings")


@cache
def unusual(kind: str) -> ReportInputs:
    """Build what the report on one of ``KINDS`` is made of."""
    if kind == "three replicates":
        study = Study(replicates=3)
        truth = Truth(study=study, reviews=1_000, epochs=30, by_cell={"LSTM": -0.03}, failing={"LSTM": 0.3})
        drawn = simulate(truth, np.random.default_rng(3))
        analysis = analyse(drawn.result, drawn.tested, read_claims().claims, code="3f9c2ab")
        return material(drawn.result, analysis=analysis)
    if kind == "divergence":
        diverged = {"32_LSTM_128": 7, "128_LSTM_32": 61, "32_LSTM_64": 3}
        return material(study_result(exploding={"64_LSTM_64", "128_GRU_32"}, diverged=diverged))
    if kind == "one model":
        return material(study_result(Study(cells=("GRU",), units=(16,), batch_sizes=(8,))))
    many = Study(units=tuple(range(1, 26)), batch_sizes=(8, 16, 32, 64), training=TrainingSettings(epochs=5))
    return material(study_result(many))
