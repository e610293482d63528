"""What a task process of Airflow needs to live: its standard input is its line to the supervisor."""

from typing import Any

import pytest

from tests.support.whole_airflow import CANARIES, FinishedRun, WholeAirflow

FETCHES = ("fetch_reviews", "fetch_glove")


@pytest.fixture(scope="module")
def run(whole: WholeAirflow) -> FinishedRun:
    """A run whose Kaggle client finds a token that is not accepted, and therefore closes standard input and exits."""
    whole.ask("DELETE", "/api/v2/connections/kaggle_default")  # another test may have made it
    conf: dict[str, Any] = {"source": "kaggle", "profile": "quick"}
    return whole.finished(conf)


@pytest.mark.parametrize("task", FETCHES)
def test_a_fetch_without_accepted_credentials_fails_at_its_first_try_and_says_what_to_do(
    whole: WholeAirflow, run: FinishedRun, task: str
) -> None:
    found = run.task(task)
    assert (found["state"], found["try_number"]) == ("failed", 1)
    log = "\n".join(whole.airflow.api.log(found))
    assert "AccessRefusedError" in log
    assert "by KAGGLE_API_TOKEN, by KAGGLE_USERNAME and KAGGLE_KEY, or by the files of Kaggle's client" in log
    assert "or choose the public archives, which need none" in log
    assert "Bad file descriptor" not in log


def test_the_token_that_was_refused_is_in_no_log(whole: WholeAirflow, run: FinishedRun) -> None:
    logs = [path for path in whole.airflow.home.logs.rglob("*") if path.is_file()]
    assert any(run.run_id in str(path) for path in logs)
    token = CANARIES["KAGGLE_API_TOKEN"]
    assert any(token in request.body.decode() for request in whole.kaggle.requests)
    assert [path for path in logs if token.encode() in path.read_bytes()] == []
