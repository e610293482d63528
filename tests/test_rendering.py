import pytest

from imdb_tasks import findings


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (3_599.7, "1 h 00 min"), (72_000, "20 h 00 min")]
)
def test_durations_are_rounded_before_they_are_split(seconds, text):
    assert findings.duration(seconds) == text
