"""What the DAG file promises without being run."""

import datetime
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imdb_tasks import errors
from imdb_tasks.settings import GROUPS
from imdb_tasks.study import form_defaults
from scripts.progress import STEPS
from tests.support.airflow_home import ROOT, airflow_environment

if TYPE_CHECKING:
    from airflow.sdk.definitions.dag import DAG

HEAVY = ("tensorflow", "keras", "jax", "numpy", "pandas", "sklearn", "plotly", "kaggle")


@pytest.fixture(scope="module")
def study_dag() -> "DAG":
    sys.path.insert(0, str(ROOT / "dags"))
    try:
        import imdb_study
    finally:
        sys.path.remove(str(ROOT / "dags"))
    return imdb_study.STUDIES["imdb_study"]


def test_parsing_the_dag_file_imports_nothing_heavy(tmp_path) -> None:
    script = (
        "import sys, json; import airflow.sdk; before = set(sys.modules);"
        "sys.path.insert(0, 'dags'); import imdb_study;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=airflow_environment(tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    assert "imdb_study" in imported
    assert imported.isdisjoint(HEAVY)


PARSED = """
import sys; sys.path[:0] = ["dags", "plugins"]
import imdb_study, imdb_study_plugin
from airflow.serialization.serialized_objects import DagSerialization
for study in imdb_study.STUDIES.values():
    study.validate()
    DagSerialization.to_dict(study)
print(*imdb_study.STUDIES, study.params["recipients"], study.default_args["retry_delay"], study.schedule)
"""


def parsed(environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", PARSED], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("value", ["nobody", "-1", "~", "\u00fc; <", "{"])
def test_nothing_in_the_environment_takes_the_dag_or_the_pages_away(tmp_path, value: str) -> None:
    variables = {str(field.validation_alias): value for group in GROUPS for field in group.model_fields.values()}
    assert {"IMDB_RECIPIENTS", "IMDB_RETRY_DELAY", "IMDB_STORE"} <= variables.keys()
    others = ("BROWSER_PATH", "KAGGLE_API_TOKEN", "KAGGLE_CONFIG_DIR", "HTTPS_PROXY", "XDG_CACHE_HOME")
    environment = {**airflow_environment(tmp_path), **variables, **dict.fromkeys(others, value)}
    assert parsed(environment) == "imdb_study [] 0:01:00 @weekly"


STUDIES = {
    "imdb_study": {"schedule": "none"},
    "imdb_daily": {"schedule": "@daily", "profile": "quick", "source": "sample", "pool": "small", "queue": "cpu"},
}


def test_one_file_has_a_dag_for_each_study_with_settings_pool_queue_and_assets_of_its_own(tmp_path) -> None:
    show = """
import sys; sys.path.insert(0, "dags")
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags", bundle_name="dags")
assert not bag.import_errors, bag.import_errors
for dag in sorted(bag.dags.values(), key=lambda dag: dag.dag_id):
    train, made = dag.get_task("train"), [asset.name for task in dag.tasks for asset in task.outlets]
    print(dag.dag_id, dag.schedule, dag.params["profile"], dag.params["source"], train.pool, train.queue, *made)
"""
    environment = {**airflow_environment(tmp_path), "IMDB_STUDIES": json.dumps(STUDIES)}
    done = subprocess.run([sys.executable, "-c", show], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "imdb_daily @daily quick sample small cpu "
        "imdb_daily_corpus imdb_daily_models imdb_daily_best_model imdb_daily_report",
        "imdb_study None full kaggle training gpu imdb_corpus imdb_models imdb_best_model imdb_report",
    ]


def test_the_form_shows_the_recipients_that_are_addresses(tmp_path) -> None:
    variables = {"IMDB_RECIPIENTS": "a@x.org; Team B <b@x.org>, nobody, a@x.org", "IMDB_RETRY_DELAY": "2"}
    found = parsed({**airflow_environment(tmp_path), **variables})
    assert found == "imdb_study ['a@x.org', 'b@x.org'] 0:00:02 @weekly"


def test_the_owner_leads_to_those_who_get_the_report(study_dag: "DAG") -> None:
    from imdb_study import owner_links

    assert {task.owner for task in study_dag.tasks} == {"imdb-study"}
    assert owner_links(["a@x.org", "b?c@x.org"]) == {"imdb-study": "mailto:a@x.org,b%3Fc@x.org"}
    assert owner_links([]) == {}


def imported(tmp_path: Path, version: str) -> subprocess.CompletedProcess[str]:
    """Import the DAG file in an Airflow that says it had another version."""
    script = f"import sys, airflow; airflow.__version__ = {version!r}; sys.path.insert(0, 'dags'); import imdb_study"
    environment = airflow_environment(tmp_path)
    return subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True)


def test_an_airflow_that_is_too_old_is_told_which_one_is_needed(tmp_path: Path) -> None:
    needed = imported(tmp_path, "3.2.1").stderr.splitlines()[-1]
    assert needed.endswith(
        "ImportError: this DAG needs Apache Airflow >=3.3,<3.4, found 3.2.1; install 'apache-airflow>=3.3,<3.4'"
    )


def test_an_airflow_that_is_newer_than_the_tested_ones_has_the_dag_and_a_warning(tmp_path: Path) -> None:
    done = imported(tmp_path, "3.4.0b2")
    assert done.returncode == 0, done.stderr
    assert "found 3.4.0b2, which it was not tested with" in done.stdout + done.stderr


def test_the_supported_versions_are_those_of_the_package() -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf8"))["project"]
    [range_] = [
        needed for needed in project["optional-dependencies"]["airflow"] if needed.startswith("apache-airflow>")
    ]
    text = ROOT.joinpath("dags", "imdb_versions.py").read_text("utf8")
    first, beyond = (tuple(map(int, found)) for found in re.findall(r"(\d+)\.(\d+)", range_))
    assert f'SUPPORTED = "{range_.removeprefix("apache-airflow")}"' in text
    assert f"FIRST, BEYOND = {first}, {beyond}" in text


# The class is there for Airflow itself, and not for the module of ours that extends it.
WITHOUT_PRIVATE_CLASS = """
import sys, types; sys.path.insert(0, "dags")
import imdb_planned
from airflow.sdk.definitions import xcom_arg
poorer = types.ModuleType(xcom_arg.__name__)
vars(poorer).update({name: value for name, value in vars(xcom_arg).items() if name != "PlainXComArg"})
mapped_over = imdb_planned.mapped_over
def without(*arguments):
    sys.modules[xcom_arg.__name__] = poorer
    try:
        return mapped_over(*arguments)
    finally:
        sys.modules[xcom_arg.__name__] = xcom_arg
imdb_planned.mapped_over = without
"""


def test_an_airflow_without_the_private_class_has_the_dag_all_the_same(tmp_path) -> None:
    script = WITHOUT_PRIVATE_CLASS + PARSED + "print(sorted(study.get_task('train').upstream_task_ids))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=airflow_environment(tmp_path), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "no training can be run by itself" in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "['plan', 'prepare']"


def test_the_steps_follow_each_other(study_dag: "DAG") -> None:
    downstream = {task.task_id: sorted(task.downstream_task_ids) for task in study_dag.tasks}
    assert downstream == {
        "plan": ["fetch_glove", "fetch_reviews", "train"],
        "fetch_reviews": ["prepare"],
        "fetch_glove": ["prepare"],
        "prepare": ["train"],
        "train": ["evaluate"],
        "evaluate": ["report"],
        "report": ["send_report"],
        "send_report": ["check_complete"],
        "check_complete": [],
    }
    assert [step for step in STEPS if not downstream[step]] == [STEPS[-1]]
    assert all(STEPS.index(step) < STEPS.index(after) for step, afters in downstream.items() for after in afters)


def test_only_training_goes_to_the_gpu_queue_and_its_pool(study_dag: "DAG") -> None:
    train = study_dag.get_task("train")
    assert (train.queue, train.pool, train.is_mapped) == ("gpu", "training", True)
    others = [task for task in study_dag.tasks if task.task_id != "train"]
    assert {(task.queue, task.pool) for task in others} == {("default", "default_pool")}


def test_the_schedule_is_weekly_without_catching_up_one_run_at_a_time(study_dag: "DAG") -> None:
    assert (study_dag.schedule, study_dag.catchup, study_dag.max_active_runs) == ("@weekly", False, 1)


def test_every_task_has_a_time_limit_and_says_what_it_does(study_dag: "DAG") -> None:
    for task in study_dag.tasks:
        operator = task.partial_kwargs if task.is_mapped else vars(task)
        assert operator["execution_timeout"] >= datetime.timedelta(minutes=5), task.task_id
        assert operator["doc_md"], task.task_id


def test_permanent_errors_are_not_retried_and_others_are_with_backoff(study_dag: "DAG") -> None:
    from airflow.sdk.definitions.retry_policy import RetryAction

    task = study_dag.get_task("fetch_reviews")
    decide = task.retry_policy.evaluate
    assert decide(errors.NotFoundError("x"), 1, 3).action is RetryAction.FAIL
    no_library = decide(ModuleNotFoundError("No module named 'tensorflow'"), 1, 3)
    assert no_library.action is RetryAction.FAIL
    assert "imdb-tasks[worker]" in no_library.reason
    assert decide(errors.ConnectionLostError("x"), 1, 3).action is RetryAction.DEFAULT
    assert decide(OSError("x"), 1, 3).action is RetryAction.DEFAULT
    assert (task.retries, task.retry_exponential_backoff) == (3, 2.0)


def test_only_a_failed_variant_is_forgiven_and_only_if_another_was_trained(study_dag: "DAG") -> None:
    from airflow.sdk import TriggerRule

    # Airflow takes the last task's state for the run's: a rule such as ALL_DONE there would hide every failure.
    rules = {task.task_id: task.trigger_rule for task in study_dag.tasks}
    assert rules.pop("evaluate") == TriggerRule.ALL_DONE_MIN_ONE_SUCCESS
    assert set(rules.values()) == {TriggerRule.ALL_SUCCESS}


def test_the_form_has_every_field_and_its_defaults_pass_their_own_schema(study_dag: "DAG") -> None:
    assert study_dag.params.keys() == form_defaults().keys()
    for name in study_dag.params:
        param = study_dag.params.get_param(name)
        assert param.resolve() == form_defaults()[name]
        assert param.description


def test_a_field_that_may_stay_empty_does_not_block_the_form(study_dag: "DAG") -> None:
    # Airflow's form takes an empty value for a missing one unless null is a type of the field.
    for name, value in form_defaults().items():
        if value is None or value == "":
            assert "null" in study_dag.params.get_param(name).schema["type"], name


@pytest.mark.parametrize(
    ("field", "nonsense"),
    [("profile", "slow"), ("units", [0]), ("units", []), ("cells", ["RNN"]), ("epochs", 0), ("learning_rate", 0)]
    + [
        ("learning_rate", 2),
        ("recipients", ["nobody"]),
        ("recipients", ["a@b.c\n"]),
        ("recipients", ["a..b@c.org"]),
        ("recipients", [".a@c.org"]),
        ("recipients", ["a.@c.org"]),
        ("reviews_sha256", "a" * 64 + "\n"),
        ("reviews_sha256", "abc"),
        ("replicates", 0),
    ],
)
def test_the_form_refuses_nonsense_before_anything_starts(study_dag: "DAG", field: str, nonsense: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        study_dag.params.get_param(field).resolve(nonsense)


def test_corpus_models_and_report_are_assets(study_dag: "DAG") -> None:
    outlets = {task.task_id: [asset.name for asset in task.outlets] for task in study_dag.tasks if task.outlets}
    evaluated = ["imdb_models", "imdb_best_model"]
    assert outlets == {"prepare": ["imdb_corpus"], "evaluate": evaluated, "report": ["imdb_report"]}


def test_a_failed_run_is_mailed_and_the_dag_explains_itself(study_dag: "DAG") -> None:
    assert study_dag.on_failure_callback
    assert "Every result is kept" in study_dag.doc_md
