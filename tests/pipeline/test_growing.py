"""A study that grows run by run: what each run plans, and what the later steps of that run find planned."""

from pathlib import Path

import pytest

from imdb_tasks.pipeline import Notes, Steps
from imdb_tasks.pipeline.growing import growth_of, series_key
from imdb_tasks.pipeline.notes import ReportedRun, Series
from imdb_tasks.store import Store
from imdb_tasks.study import Growing, Study
from tests.support.stepping import FinishedStudy

GROWING = Growing(most=3)


@pytest.fixture
def store(finished_study: FinishedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the arrays, and the models of the first replicate."""
    monkeypatch.setenv("BROWSER_PATH", "/no-such-browser")
    return finished_study.evaluated(tmp_path / "store").store


def planned(study: Study, store: Store, run: str, growing: Growing = GROWING) -> Steps:
    return Steps.plan(study, store, run, growing)


def finished(study: Study, store: Store, run: str, growing: Growing = GROWING) -> Steps:
    """Take a run to its report."""
    steps = planned(study, store, run, growing)
    for variant in steps.study.variants:
        steps.train(variant)
    steps.evaluate()
    steps.report()
    return steps


def trained(store: Store) -> set[str]:
    return set(store.files.folders("models"))


def test_each_run_adds_a_replicate_until_the_most_are_there_and_then_trains_nothing(
    tiny_study: Study, store: Store
) -> None:
    counts = []
    for number in range(1, 4):
        steps = finished(tiny_study, store, f"run-{number}")
        counts.append((steps.study.replicates, len(trained(store))))
        assert [look.replicates for look in steps.growth.looks] == list(range(1, number + 1))
    assert counts == [(1, 2), (2, 4), (3, 6)]
    before = trained(store)
    last = finished(tiny_study, store, "run-4")
    assert (last.study.replicates, trained(store), last.growth.ended) == (3, before, True)


def test_every_later_step_has_the_number_that_the_plan_has_noted(tiny_study: Study, store: Store) -> None:
    finished(tiny_study, store, "run-1")
    assert planned(tiny_study, store, "run-2").study.replicates == 2
    assert Steps.of_run(tiny_study, store, "run-2", GROWING).study.replicates == 2
    finished(tiny_study, store, "run-3", Growing(most=3, step=2))
    assert planned(tiny_study, store, "run-2").study.replicates == 2  # cleared, and run again
    assert Steps.of_run(tiny_study, store, "run-2", GROWING).study.replicates == 2


def test_a_step_of_no_run_has_the_replicates_of_the_last_look(tiny_study: Study, store: Store) -> None:
    assert Steps.of_run(tiny_study, store, "by-hand", GROWING).study.replicates == 1
    finished(tiny_study, store, "run-1")
    finished(tiny_study, store, "run-2")
    assert Steps.of_run(tiny_study, store, "by-hand", GROWING).study.replicates == 2


def test_a_replicate_that_failed_half_is_no_look_and_is_finished_by_the_next_run(
    tiny_study: Study, store: Store
) -> None:
    finished(tiny_study, store, "run-1")
    half = planned(tiny_study, store, "run-2")
    half.train(half.study.variants[0])
    half.train(half.study.variants[1])  # the second replicate of one cell; the other cell's is missing
    half.evaluate()
    half.report()
    assert [look.replicates for look in half.growth.looks] == [1]
    told = " ".join(half.reported().file("mail.txt").read_text("utf8").split())
    assert "Nothing is decided at 2 replicates: models are missing. The next run goes on." in told
    whole = finished(tiny_study, store, "run-3")
    assert whole.study.replicates == 2
    assert [look.replicates for look in whole.growth.looks] == [1, 2]


def test_two_runs_at_once_do_not_plan_the_same_replicate(tiny_study: Study, store: Store) -> None:
    finished(tiny_study, store, "run-1")
    assert planned(tiny_study, store, "run-2").study.replicates == 2
    assert planned(tiny_study, store, "run-3").study.replicates == 3


def test_what_a_run_planned_a_while_ago_and_never_reported_is_planned_again(
    tiny_study: Study, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(tiny_study, store, "run-1")
    planned(tiny_study, store, "run-2")
    monkeypatch.setattr("imdb_tasks.pipeline.growing._CLAIM", -1.0)
    assert planned(tiny_study, store, "run-3").study.replicates == 2


@pytest.mark.parametrize(
    "change",
    [{"margin": 0.02}, {"units": (5,)}, {"cells": ("GRU",)}],
    ids=["margin", "units", "cells"],
)
def test_another_study_begins_a_series_of_its_own(tiny_study: Study, store: Store, change: dict[str, object]) -> None:
    finished(tiny_study, store, "run-1")
    other = tiny_study.model_copy(update=change)
    assert growth_of(other, store, GROWING).looks == ()
    assert planned(other, store, "run-2").study.replicates == 1


def test_other_claims_and_another_number_of_looks_begin_a_series_of_their_own(
    tiny_study: Study, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(tiny_study, store, "run-1")
    assert growth_of(tiny_study, store, Growing(most=4)).looks == ()
    key = series_key(tiny_study, store, GROWING)
    monkeypatch.setattr("imdb_tasks.analysis.claims.Claims.fingerprint", lambda self: "others")
    assert series_key(tiny_study, store, GROWING) != key


def test_before_the_first_fetch_the_plan_is_one_replicate_and_stays_so_when_it_is_made_again(
    tiny_study: Study, finished_study: FinishedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/no-such-browser")
    store = Store(tmp_path / "store")
    assert planned(tiny_study, store, "run-1").study.replicates == 1
    finished_study.evaluated(tmp_path / "store")
    finished(tiny_study, store, "run-1")
    assert growth_of(tiny_study, store, GROWING).looks
    assert planned(tiny_study, store, "run-1").study.replicates == 1


def test_a_report_that_is_made_again_takes_no_second_look(tiny_study: Study, store: Store) -> None:
    steps = finished(tiny_study, store, "run-1")
    first = Notes(store).all(Series)
    report = steps.reported().key
    finished(tiny_study, store, "run-2")
    both = Notes(store).all(Series)
    again = Steps.of_run(tiny_study, store, "run-1", GROWING)
    assert again.evaluate()
    assert again.report().key == report
    assert Notes(store).all(Series) == both != first


def test_a_look_that_another_run_has_overtaken_is_not_counted(tiny_study: Study, store: Store) -> None:
    first = finished(tiny_study, store, "run-1")
    second, third = planned(tiny_study, store, "run-2"), planned(tiny_study, store, "run-3")
    for steps in (third, second):  # the third run is faster
        for variant in steps.study.variants:
            steps.train(variant)
        steps.evaluate()
    third.report()
    second.report()
    assert [look.replicates for look in first.growth.looks] == [1, 3]


def test_beside_a_run_of_as_many_replicates_each_has_its_own_report(tiny_study: Study, store: Store) -> None:
    """They have one evaluation; the levels of their tests differ."""
    grown = finished(tiny_study, store, "grown")
    fixed = Steps(tiny_study, store, "fixed")
    assert fixed.evaluate().key == grown.evaluate().key
    own = fixed.report().key
    assert (fixed.reported().key, grown.reported().key) == (own, grown.report().key)
    assert fixed.reported().key == own != grown.reported().key


def test_the_runs_of_a_series_are_runs_of_one_study(tiny_study: Study, store: Store) -> None:
    for number in (1, 2):
        finished(tiny_study, store, f"run-{number}")
    notes = Notes(store).all(ReportedRun)
    assert notes["run-1"].study == notes["run-2"].study


def test_a_further_replicate_without_news_is_no_change_to_mail(tiny_study: Study, store: Store) -> None:
    first = finished(tiny_study, store, "run-1")
    assert first.result_has_changed()
    first.record_mailed(first.reported().key)
    second = finished(tiny_study, store, "run-2")
    said = [look.seen for look in second.growth.looks]
    same = [(a.claim, a.ruling) for a in said[0]] == [(b.claim, b.ruling) for b in said[1]]
    assert second.result_has_changed() is not same or second.growth.ended
    second.record_mailed(second.reported().key)
    third = finished(tiny_study, store, "run-3")
    assert third.growth.ended
    assert third.result_has_changed()
    third.record_mailed(third.reported().key)
    assert not finished(tiny_study, store, "run-4").result_has_changed()
