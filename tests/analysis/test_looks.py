import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from imdb_tasks.analysis.looks import level

SERIES = [(5, range(1, 6)), (10, range(1, 11)), (5, (1, 3, 5)), (20, (2, 3, 7, 19, 20))]


def levels(alpha: float, looks, most: int) -> list[float]:
    looks = list(looks)
    return [level(alpha, looks[:count], most) for count in range(1, len(looks) + 1)]


@pytest.mark.parametrize(("most", "looks"), SERIES)
def test_all_looks_together_err_as_often_as_they_may(most, looks) -> None:
    alpha, times = 0.05, np.array(list(looks)) / most
    steps = np.sqrt(np.diff([0.0, *times]))
    motion = (np.random.default_rng(3).standard_normal((400_000, len(times))) * steps).cumsum(axis=1) / np.sqrt(times)
    bounds = norm.isf(np.array(levels(alpha, looks, most)) / 2)
    spent = alpha * times[-1] ** 2
    assert (np.abs(motion) > bounds).any(axis=1).mean() == pytest.approx(spent, abs=4 * np.sqrt(spent / 400_000))


def test_a_single_look_at_the_end_has_the_whole_error() -> None:
    assert level(0.05, [7], 7) == pytest.approx(0.05, rel=1e-6)


@given(st.sets(st.integers(1, 20), min_size=1, max_size=6), st.sampled_from([0.05, 0.0125, 0.001]))
def test_a_look_is_no_stricter_than_its_share_and_no_freer_than_all_of_it(looks, alpha) -> None:
    found = levels(alpha, sorted(looks), 20)
    spent = [alpha * (look / 20) ** 2 for look in sorted(looks)]
    for each, (before, now) in zip(found, itertools.pairwise([0.0, *spent]), strict=True):
        assert (now - before) * (1 - 1e-6) <= each <= now * (1 + 1e-6)


def test_the_levels_of_an_original_study_are_these() -> None:
    """Constant inputs: four claims share 5 %, at most five replicates."""
    expected = [0.0005, 0.001620, 0.003169, 0.005213, 0.007789]
    assert levels(0.0125, range(1, 6), 5) == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("looks", [[], [0], [2, 2], [3, 1], [6]])
def test_looks_that_do_not_grow_or_go_too_far_are_refused(looks) -> None:
    with pytest.raises(ValueError, match="looks: expected growing numbers from 1 to 5"):
        level(0.05, looks, 5)
