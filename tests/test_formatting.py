import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.formatting import duration, fine_duration, one_line, signed


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0"), (-0.04, "0.0"), (-1.25, "−1.2"), (3.0, "+3.0")])
def test_a_signed_number_that_rounds_to_zero_has_no_sign(value, text):
    assert signed(value, 1) == text


@given(st.text(max_size=400))
def test_one_line_is_one_printable_line_of_limited_length(text):
    line = one_line(text)
    assert len(line) <= 200
    assert len(line.splitlines()) <= 1
    assert line.isprintable()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (3_599.7, "1 h 00 min"), (72_000, "20 h 00 min")]
)
def test_durations_are_rounded_before_they_are_split(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.44, "2.4 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (7_800, "2 h 10 min")]
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert fine_duration(seconds) == words
