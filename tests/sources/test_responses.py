import datetime
import email.utils

import pytest

from imdb_tasks.errors import StudyError
from imdb_tasks.sources.responses import error_for_status, parse_retry_after


def test_a_pause_may_be_given_as_a_date():
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    assert parse_retry_after(email.utils.format_datetime(moment, usegmt=True)) == pytest.approx(30, abs=2)
    assert parse_retry_after("Mon, 01 Jan 2024 00:00:00 GMT") == 0
    assert parse_retry_after("soon") is None
    assert parse_retry_after(None) is None


def test_every_status_has_an_error():
    for status in range(300, 600):
        assert isinstance(error_for_status(status, "there"), StudyError)
