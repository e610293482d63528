"""A simulated study that grows, look by look."""

from functools import cache

import numpy as np

from imdb_tasks.analysis import Analysis, Growth, analyse, read_claims
from imdb_tasks.study import Study, StudyResult
from tests.support.simulation import Truth, simulate, with_replicates


@cache
def series(looks: int, most: int, seed: int = 5) -> tuple[tuple[StudyResult, Analysis], ...]:
    """Return result and analysis of each look at a study in which GRU is three points better."""
    truth = Truth(study=Study(replicates=looks), by_cell={"GRU": 0.03}, reviews=1_000, epochs=12)
    whole, growth, found = simulate(truth, np.random.default_rng(seed)), Growth(most=most), []
    for replicates in range(1, looks + 1):
        seen = with_replicates(whole, replicates)
        analysis = analyse(seen.result, seen.tested, read_claims().claims, code="a", growth=growth)
        assert analysis.growth is not None
        growth = analysis.growth
        found.append((seen.result, analysis))
    return tuple(found)
