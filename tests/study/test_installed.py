"""The studies of an Airflow, from the environment: each with its own settings, none of which can take a DAG away."""

import json

import pytest
from hypothesis import given, strategies

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import installed
from imdb_tasks.study.form import form_defaults, read_form, read_study
from imdb_tasks.study.grid import LocalSource, Study
from imdb_tasks.study.growing import Growing
from imdb_tasks.study.installed import InstalledStudy, installed_studies, installed_study, study_of_run

JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
)
SETTINGS = strategies.dictionaries(strategies.sampled_from(sorted(installed._VARIABLES)) | strategies.text(), JSON)
STUDIES = strategies.dictionaries(
    strategies.sampled_from(["imdb_study", "another"]) | strategies.text(), SETTINGS | JSON
)


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("IMDB_STUDIES", "IMDB_RECIPIENTS", *installed._VARIABLES.values()):
        monkeypatch.delenv(variable, raising=False)


def studies(monkeypatch: pytest.MonkeyPatch, given: object, **variables: str) -> tuple[InstalledStudy, ...]:
    monkeypatch.setenv("IMDB_STUDIES", given if isinstance(given, str) else json.dumps(given))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return installed_studies()


def test_without_settings_there_is_the_original_study() -> None:
    [study] = installed_studies()
    study.check()
    assert (study.dag_id, study.settings.schedule) == ("imdb_study", "@weekly")
    assert study.form_defaults() == form_defaults()


def test_each_study_has_its_own_settings_and_shares_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monthly = {"schedule": "@monthly", "replicates": 5, "pool": "large"}
    first, second = studies(monkeypatch, {"imdb_study": {}, "imdb_monthly": monthly}, IMDB_QUEUE="a100", IMDB_POOL="p")
    assert (first.dag_id, first.settings.schedule, first.settings.pool) == ("imdb_study", "@weekly", "p")
    assert (second.dag_id, second.settings.schedule, second.settings.pool) == ("imdb_monthly", "@monthly", "large")
    assert first.settings.queue == second.settings.queue == "a100"
    assert installed_study("imdb_monthly") == second
    first.check()
    second.check()


def test_the_settings_are_the_defaults_of_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    [study] = studies(monkeypatch, {"mine": {"profile": "quick", "source": "/data", "replicates": 3}})
    found, _ = read_form({"notify": "never"}, study.form_defaults())
    assert (found.training.epochs, found.replicates, found.reviews) == (3, 3, LocalSource(path="/data"))


def test_a_scheduled_study_grows_until_it_is_decided_and_one_by_hand_is_the_original() -> None:
    [study] = installed_studies()
    assert study.growing(study.form_of({}, scheduled=True)) == Growing(most=5, step=1)
    assert study.growing(study.form_of({}, scheduled=False)) is None


def test_how_far_and_how_fast_a_study_grows_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"mine": {"max_replicates": 8, "replicates_per_run": 2}, "fixed": {"replicates": 3}}
    mine, fixed = studies(monkeypatch, given)
    assert mine.growing(mine.form_of({}, scheduled=True)) == Growing(most=8, step=2)
    assert fixed.growing(fixed.form_of({}, scheduled=True)) is None
    assert read_study(fixed.form_of({}, scheduled=True), fixed.form_defaults()).replicates == 3


@pytest.mark.parametrize("source", ["archives", "sample", "kaggle"])
@pytest.mark.parametrize("folder", ["/data", "", None])
def test_another_source_may_be_chosen_than_that_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, source: str, folder: str | None
) -> None:
    [study] = studies(monkeypatch, {"mine": {"source": "/data"}})
    assert read_study({"source": source, "folder": folder}, study.form_defaults()) == read_study({"source": source})


def test_a_scheduled_run_is_mailed_on_change_and_another_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    [study] = installed_studies()
    assert study.form_of({}, scheduled=False) == form_defaults()
    assert study.form_of({}, scheduled=True)["notify"] == "on change"
    monkeypatch.setenv("IMDB_NOTIFY", "never")
    [study] = installed_studies()
    shown = study.form_defaults()  # as Airflow hands them to the tasks of a scheduled run
    assert study.form_of(shown, scheduled=True)["notify"] == "never"
    assert study.form_of({"epochs": 7}, scheduled=False)["epochs"] == 7


def test_runs_of_other_dags_have_names_of_their_own_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    run = "scheduled__2026-01-04T00:00:00+00:00"
    first, second = studies(monkeypatch, {"imdb_study": {}, "other": {}})
    assert first.run_name(run) == run
    assert second.run_name(run) == f"other={run}"
    assert study_of_run(first.run_name(run)) == ("imdb_study", run)
    assert study_of_run(second.run_name(run)) == ("other", run)


@pytest.mark.parametrize(
    ("given", "dags", "fault"),
    [
        ("{", ["imdb_study"], "IMDB_STUDIES: expected JSON such as .*, found '{'"),
        ("[" * 100_000, ["imdb_study"], "IMDB_STUDIES: expected JSON"),
        (["imdb_study"], ["imdb_study"], r"IMDB_STUDIES: expected JSON such as .*, found '\[\"imdb_study\"\]'"),
        ({}, ["imdb_study"], "IMDB_STUDIES: expected JSON such as .*, found '{}'"),
        (
            {"my study": {}},
            ["imdb_study"],
            "expected a DAG id of at most 100 letters, digits and _-, .*, found 'my study'",
        ),
        ({"a": {}, "imdb": {}}, ["a"], "neither imdb nor study, found 'imdb'"),
        ({"a": {}, "study": {}}, ["a"], "neither imdb nor study, found 'study'"),
        ({"a": {}, "my study": {}}, ["a"], "expected a DAG id .*, found 'my study'"),
        ({"a": "@daily"}, ["a"], "IMDB_STUDIES: a: expected an object of settings, found '@daily'"),
        ({"a": {"color": "red"}}, ["a"], r"IMDB_STUDIES: a: expected some of schedule, .*, found \['color'\]"),
        ({"a": {"schedule": 7}}, ["a"], r"IMDB_STUDIES: a\.schedule: expected one of none, @hourly, .*, found 7"),
        ({"a": {"replicates": "0"}}, ["a"], r"IMDB_STUDIES: a\.replicates: expected a whole number from 1 to 100"),
    ],
)
def test_nonsense_leaves_the_dags_and_is_told_by_their_plan(
    monkeypatch: pytest.MonkeyPatch, given: object, dags: list[str], fault: str
) -> None:
    found = studies(monkeypatch, given)
    assert [study.dag_id for study in found] == dags
    for study in found:
        assert study.settings.schedule == "@weekly"
        with pytest.raises(SettingsError, match=fault):
            study.check()


def test_a_bad_value_stops_only_the_study_that_would_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, own = studies(monkeypatch, {"bad": {}, "own": {"schedule": "@daily"}}, IMDB_SCHEDULE="@often")
    with pytest.raises(SettingsError, match="^IMDB_SCHEDULE: expected one of none, .*, found '@often'$"):
        bad.check()
    own.check()


def test_a_dag_of_no_study_is_told_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    studies(monkeypatch, {"a": {}, "b": {}})
    with pytest.raises(SettingsError, match="expected a study 'imdb_study', found a, b"):
        installed_study("imdb_study")


@given(text=strategies.text() | STUDIES.map(json.dumps))
def test_whatever_is_in_the_variable_there_are_studies_whose_forms_make_sense(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDB_STUDIES", text.replace("\0", "").encode("utf8", "ignore").decode())
        found = installed_studies()
    assert found
    for study in found:
        made = read_study({}, study.form_defaults())
        assert len(made.variants) >= len(Study().variants)
