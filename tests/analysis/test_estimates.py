import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.analysis.estimates import Estimate, Percentile, Student, margin, over_blocks, two_sided, wilson

DRAWS = np.random.default_rng(0).normal(0.3, 0.1, 4_000)


@pytest.mark.parametrize("estimate", [Student(0.3, 0.1, 7.0), Percentile(0.3, DRAWS)], ids=["t", "bootstrap"])
@given(level=st.floats(0.5, 0.99))
def test_the_end_of_an_interval_is_where_the_p_value_says_so(estimate: Estimate, level: float):
    interval = estimate.interval(level)
    for end in (interval.low, interval.high):
        assert two_sided(estimate, end) == pytest.approx(1 - level, abs=0.002)
    assert estimate.above(interval.low) == pytest.approx((1 - level) / 2, abs=0.001)
    assert estimate.below(interval.high) == pytest.approx((1 - level) / 2, abs=0.001)


def test_a_bootstrap_p_value_is_never_zero():
    assert two_sided(Percentile(5.0, np.full(999, 5.0))) == pytest.approx(2 / 1_000)


def test_blocks_without_reviews_are_a_plain_t_test():
    from scipy import stats

    values = np.array([0.02, 0.05, 0.01, 0.04])
    estimate = over_blocks(values, None)
    reference = stats.ttest_1samp(values, 0.0)
    assert two_sided(estimate) == pytest.approx(reference.pvalue)
    interval = estimate.interval()
    assert (interval.low, interval.high) == pytest.approx(tuple(reference.confidence_interval(0.95)))


def test_what_the_blocks_share_over_the_reviews_is_added_and_what_is_their_own_is_not_counted_twice():
    """Draws with a shared part of variance 4 and an own part of variance 9, per block."""
    random = np.random.default_rng(1)
    shared, own = 2 * random.standard_normal((200_000, 1)), 3 * random.standard_normal((200_000, 5))
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    estimate = over_blocks(values, shared + own)
    assert estimate.error**2 == pytest.approx(2.5 / 5 + 4, rel=0.02)
    assert estimate.freedom == pytest.approx(4 * (4.5 / 0.5) ** 2, rel=0.05)


@pytest.mark.parametrize("values", [[0.1], [0.1, 0.1]], ids=["one block", "no spread"])
def test_what_has_no_spread_has_no_error(values):
    assert over_blocks(np.array(values), None) is None


def test_the_wilson_interval_agrees_with_a_worked_example():
    # 81 of 263: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    interval = wilson(81 / 263, 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_holds_the_share_and_stays_between_0_and_1(counts):
    hits, count = counts
    interval = wilson(hits / count, count)
    assert 0 <= interval.low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= interval.high <= 1


def test_ten_thousand_reviews_give_a_margin_of_seven_tenths_of_a_point():
    assert margin(0.8632, 10_000) == pytest.approx(0.0067, abs=5e-5)


def test_no_case_has_no_interval():
    with pytest.raises(ValueError, match="at least one case"):
        wilson(0.5, 0)


def test_the_interval_of_a_certain_result_is_not_empty():
    interval = wilson(1.0, 100)
    assert interval.low < 1
    assert math.isclose(interval.high, 1)
