import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.analysis.estimates import Student, margin, percentiles, two_sided, wilson


@given(level=st.floats(0.5, 0.99))
def test_the_end_of_an_interval_is_where_the_p_value_says_so(level: float):
    estimate = Student(0.3, 0.1, 7.0)
    interval = estimate.interval(level)
    for end in (interval.low, interval.high):
        assert two_sided(estimate, end) == pytest.approx(1 - level, abs=0.002)
    assert estimate.above(interval.low) == pytest.approx((1 - level) / 2, abs=0.001)
    assert estimate.below(interval.high) == pytest.approx((1 - level) / 2, abs=0.001)


def test_percentiles_leave_out_the_same_share_on_either_side():
    interval = percentiles(np.arange(1_001) / 1_000)
    assert (interval.low, interval.high) == pytest.approx((0.025, 0.975))


def test_an_infinite_number_of_degrees_of_freedom_is_the_normal_distribution():
    assert Student(0.0, 1.0, math.inf).interval().high == pytest.approx(1.959964, abs=1e-5)


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
