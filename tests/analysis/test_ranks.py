import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.analysis.ranks import rank_test

VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=4)


def test_complete_separation_is_one_of_all_orders() -> None:
    higher, lower = rank_test([([5, 6, 7], [1, 2, 3])])
    assert higher == pytest.approx(1 / comb(6, 3))
    assert lower == 1


def test_strata_multiply() -> None:
    higher, _ = rank_test([([2], [1]), ([8], [3]), ([0.5], [0.1])])
    assert higher == pytest.approx(1 / 8)


def test_without_ties_it_is_the_exact_test_of_scipy() -> None:
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(0)
    first, second = random.normal(0.5, 1, 7), random.normal(0, 1, 9)
    found = rank_test([(first.tolist(), second.tolist())])
    expected = [mannwhitneyu(first, second, alternative=side, method="exact").pvalue for side in ("greater", "less")]
    assert found == pytest.approx(expected)


@pytest.mark.slow
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=2))
def test_it_counts_every_way_to_deal_the_values_out(strata) -> None:
    from scipy.stats import rankdata

    sums = [0.0]
    seen = 0.0
    for first, second in strata:
        ranks = rankdata([*first, *second])
        seen += ranks[: len(first)].sum()
        dealt = [sum(each) for each in itertools.combinations(ranks, len(first))]
        sums = [one + other for one in sums for other in dealt]
    higher, lower = rank_test(strata)
    assert higher == pytest.approx(np.mean([each >= seen - 1e-9 for each in sums]))
    assert lower == pytest.approx(np.mean([each <= seen + 1e-9 for each in sums]))


def test_equal_values_show_nothing() -> None:
    assert rank_test([([0, 0, 0], [0, 0, 0])]) == (1.0, 1.0)


@pytest.mark.parametrize("strata", [[], [([1.0], [])]], ids=["none", "one side"])
def test_without_two_sides_there_is_no_test(strata) -> None:
    assert rank_test(strata) is None


def test_ninety_trainings_are_counted_out_exactly() -> None:
    higher, _ = rank_test([(list(range(45, 90)), list(range(45)))])
    assert higher == pytest.approx(1 / comb(90, 45), rel=1e-6)


def test_more_values_than_can_be_counted_out_are_taken_for_normal() -> None:
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(0)
    first, second = random.normal(0.3, 1, 100), random.normal(0, 1, 120)
    expected = mannwhitneyu(first, second, alternative="greater", method="asymptotic", use_continuity=False).pvalue
    assert rank_test([(first.tolist(), second.tolist())])[0] == pytest.approx(expected)
