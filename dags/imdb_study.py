"""# IMDB study

Trains every model of a grid (cell x layer size x batch size) on the 50,000 IMDB reviews with frozen GloVe vectors,
compares them on the same 10,000 test reviews, and mails a report.

`plan` checks the form and what the run will need (store, Kaggle credentials, mail server), and names the variants.
`fetch_reviews` and `fetch_glove` bring the data, `prepare` turns it into arrays once, `train` runs one task per variant
on the queue `gpu` in the pool `training`, `evaluate` measures all of them together, `report` draws the page,
`send_report` mails it, and `check_complete` fails the run if a variant is missing, after the report went out.

Every result is kept in the artifact store under a key computed from its inputs. A run without changes trains nothing; a
changed parameter retrains only the models that depend on it. Each step can be run by itself:
`airflow tasks test imdb_study train 2026-01-01 --map-index 3`.

**Profiles.** `full` is the original study: 18 variants, 100 epochs. `quick` trains the same 18 for 3 epochs at a
higher learning rate, to check that everything works. `custom` uses the values of the fields below it in the form.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import (
    Asset,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    TriggerRule,
    dag,
    get_current_context,
    task,
)
from imdb_delivery import mail_failure, send
from imdb_form import form_fields
from imdb_planned import mapped_over
from imdb_preflight import check_ready, kaggle_credentials

from imdb_tasks import errors
from imdb_tasks.settings import RetrySettings
from imdb_tasks.study import Study, Variant, read_form, read_study

if TYPE_CHECKING:
    from imdb_tasks.pipeline import Steps

CORPUS = Asset(name="imdb_corpus", uri="imdb://study/corpus")
MODELS = Asset(name="imdb_models", uri="imdb://study/models")
BEST_MODEL = Asset(name="imdb_best_model", uri="imdb://study/best-model")
REPORT = Asset(name="imdb_report", uri="imdb://study/report")

PERMANENT_ERRORS_FAIL_AT_ONCE = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            errors.PermanentError, RetryAction.FAIL, reason="a permanent error: a retry would fail in the same way"
        ),
        RetryRule(
            ModuleNotFoundError,
            RetryAction.FAIL,
            reason="this worker lacks a library: install imdb-tasks[worker] there, or run the queue where it is",
        ),
    ]
)


def names_of(study: Study) -> list[str]:
    """Return the names of the variants, one per map index."""
    return [variant.name for variant in study.variants]


def names_of_form(context: Any) -> list[str]:
    """Return the names that `plan` would return for the form of a run."""
    return names_of(read_study(dict(context["params"])))


def check_map_index(study: Study) -> None:
    """Raise SettingsError for a map index of no variant, which Airflow takes modulo their number."""
    index, count = get_current_context()["ti"].map_index, len(study.variants)
    if index is None or not 0 <= index < count:
        raise errors.SettingsError(f"--map-index {index}: the study has {count} variants; expected 0 to {count - 1}")


def current_steps() -> Steps:
    """Return the steps of the study that this run's form describes."""
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Store

    context = get_current_context()
    study = read_study(dict(context["params"]))
    return Steps(study, Store.from_environment(), context["run_id"])


def add_asset_facts(asset: Asset, **extra: Any) -> None:
    """Attach small facts to the event of an asset that this task makes."""
    get_current_context()["outlet_events"][asset].extra.update(extra)


@dag(
    dag_id="imdb_study",
    dag_display_name="IMDB study: GRU against LSTM",
    description="Train, compare and report the models of one grid on the IMDB reviews",
    doc_md=__doc__,
    schedule="@weekly",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=datetime.timedelta(days=6),  # the schedule is weekly
    params=form_fields(),
    user_defined_filters={"variant_title": lambda name: Variant.named(name).title},
    tags=["imdb", "training", "study"],
    on_failure_callback=mail_failure,
    default_args={
        "retries": 3,
        "retry_delay": datetime.timedelta(seconds=RetrySettings.read_or_default().delay),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": datetime.timedelta(minutes=30),
        "retry_policy": PERMANENT_ERRORS_FAIL_AT_ONCE,
    },
)
def imdb_study() -> None:
    """Wire the steps of ``imdb_tasks.pipeline.steps`` together."""

    @task(
        execution_timeout=datetime.timedelta(minutes=5),
        doc_md="Validate the form, look at what the run will need, and return the names of the variants to train.",
    )
    def plan() -> list[str]:
        RetrySettings.read()  # the DAG file takes its default instead of a bad value
        study, delivery = read_form(dict(get_current_context()["params"]))
        check_ready(current_steps(), delivery)
        return names_of(study)

    @task(execution_timeout=datetime.timedelta(hours=2), doc_md="Fetch the reviews into the store.")
    def fetch_reviews() -> str:
        steps = current_steps()
        return steps.fetch_reviews(kaggle_credentials(steps.study.reviews)).key

    @task(execution_timeout=datetime.timedelta(hours=4), doc_md="Fetch the GloVe vectors into the store.")
    def fetch_glove() -> str:
        steps = current_steps()
        return steps.fetch_glove(kaggle_credentials(steps.study.glove)).key

    @task(
        outlets=[CORPUS],
        execution_timeout=datetime.timedelta(hours=1),
        doc_md="Clean, split, tokenise and pad the reviews; build the embedding matrix and the data card.",
    )
    def prepare() -> str:
        corpus = current_steps().prepare()
        add_asset_facts(CORPUS, key=corpus.key)
        return corpus.key

    @task(
        queue="gpu",
        pool="training",
        map_index_template="{{ task.op_kwargs['name'] | variant_title }}",
        execution_timeout=datetime.timedelta(hours=24),
        doc_md="Train one variant, unless its result is in the store.",
    )
    def train(name: str) -> str:
        steps = current_steps()
        check_map_index(steps.study)
        return steps.train(steps.variant(name)).key

    @task(
        outlets=[MODELS, BEST_MODEL],
        # Not ALL_DONE: after a failed fetch it would report an older result, and the run would end well.
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        execution_timeout=datetime.timedelta(hours=2),
        doc_md="Evaluate every trained variant on the test reviews. Runs even if some variants failed.",
    )
    def evaluate() -> str:
        from imdb_tasks.pipeline import about_best_model

        steps = current_steps()
        evaluation = steps.evaluate()
        add_asset_facts(MODELS, key=evaluation.key, missing=evaluation.about["missing"])
        add_asset_facts(BEST_MODEL, **about_best_model(steps.store, evaluation))
        return evaluation.key

    @task(
        outlets=[REPORT],
        execution_timeout=datetime.timedelta(minutes=30),
        doc_md="Draw the charts; write the page and the parts of the mail.",
    )
    def report() -> str:
        entry = current_steps().report()
        add_asset_facts(REPORT, key=entry.key, headline=entry.about["headline"])
        return entry.key

    @task(execution_timeout=datetime.timedelta(minutes=15), doc_md="Mail the report over the SMTP connection.")
    def send_report() -> str:
        _, delivery = read_form(dict(get_current_context()["params"]))
        return send(current_steps(), delivery)

    @task(
        execution_timeout=datetime.timedelta(minutes=5),
        doc_md="Fail the run if a variant is missing. Runs after the report was sent.",
    )
    def check_complete() -> None:
        current_steps().check_complete()

    names = plan()
    reviews, glove = fetch_reviews(), fetch_glove()
    names >> [reviews, glove]
    trained = train.expand(name=mapped_over(names, names_of_form))
    sent = send_report()
    [reviews, glove] >> prepare() >> trained >> evaluate() >> report() >> sent >> check_complete()


STUDY = imdb_study()
