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
higher learning rate, to check that everything works. `custom` uses the values under *Study* in the form.

**Replicates.** A number, or `until decided`, the default of scheduled runs: each run trains every setting once more and
tests the open claims again, until every claim is decided or the most replicates are there. Then runs train nothing.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

# The modules beside this file, whatever a bundle's root is, and whichever other version of them is on the path.
sys.path.insert(0, str(Path(__file__).parent))

import imdb_versions  # noqa: F401 - before anything that only some versions of Airflow have
from airflow.sdk import (
    DAG,
    Asset,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    TriggerRule,
    get_current_context,
    task,
)
from imdb_deadlines import deadlines, tell_late, tell_waiting  # noqa: F401 - Airflow calls them by this file
from imdb_delivery import send
from imdb_failures import note_error, tell_failure
from imdb_form import form_fields
from imdb_planned import mapped_over
from imdb_preflight import check_ready, kaggle_credentials

from imdb_tasks import errors
from imdb_tasks.settings import RetrySettings
from imdb_tasks.study import DAG_ID, InstalledStudy, Study, Variant, installed_studies, read_form, read_study

if TYPE_CHECKING:
    from imdb_tasks.pipeline import Steps

OWNER = "imdb-study"
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


def form_of_run(installed: InstalledStudy) -> dict[str, Any]:
    """Return the form of the current run."""
    context = get_current_context()
    return installed.form_of(dict(context["params"]), scheduled=context["dag_run"].run_type == "scheduled")


def check_map_index(study: Study) -> None:
    """Raise SettingsError for a map index of no variant, which Airflow takes modulo their number."""
    index, count = get_current_context()["ti"].map_index, len(study.variants)
    if index is None or not 0 <= index < count:
        raise errors.SettingsError(f"--map-index {index}: the study has {count} variants; expected 0 to {count - 1}")


def current_steps(installed: InstalledStudy, *, planning: bool = False) -> Steps:
    """Return the steps of the study that this run's form describes, with the replicates that were planned for it."""
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Store

    form = form_of_run(installed)
    study, run = read_study(form, installed.form_defaults()), installed.run_name(get_current_context()["run_id"])
    make = Steps.plan if planning else Steps.of_run
    return make(study, Store.from_environment(), run, installed.growing(form))


class Assets(NamedTuple):
    """What the tasks of a study make."""

    corpus: Asset
    models: Asset
    best_model: Asset
    report: Asset

    @classmethod
    def of(cls, dag_id: str) -> Assets:
        """Return those of a DAG: another study has its own."""
        prefix, host = ("imdb", "study") if dag_id == DAG_ID else (dag_id, dag_id)
        names = (("corpus", "corpus"), ("models", "models"), ("best_model", "best-model"), ("report", "report"))
        return cls(*(Asset(name=f"{prefix}_{name}", uri=f"imdb://{host}/{path}") for name, path in names))


def add_asset_facts(asset: Asset, **extra: Any) -> None:
    """Attach small facts to the event of an asset that this task makes."""
    get_current_context()["outlet_events"][asset].extra.update(extra)


def owner_links(recipients: Sequence[str]) -> dict[str, str]:
    """Return where the owner's name leads on Airflow's pages: to those who get the report."""
    return {OWNER: f"mailto:{quote(','.join(recipients), safe='@,')}"} if recipients else {}


def study_dag(installed: InstalledStudy) -> DAG:
    """Return the DAG of a study."""
    others = "" if installed.dag_id == DAG_ID else f" ({installed.dag_id})"
    schedule = installed.settings.schedule
    with DAG(
        dag_id=installed.dag_id,
        dag_display_name=f"IMDB study: GRU against LSTM{others}",
        description="Train, compare and report the models of one grid on the IMDB reviews",
        doc_md=__doc__,
        schedule=None if schedule == "none" else schedule,
        start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=datetime.timedelta(days=6),  # the schedule is weekly
        params=form_fields(installed.form_defaults()),
        user_defined_filters={"variant_title": lambda name: Variant.named(name).title},
        tags=["imdb", "training", "study"],
        owner_links=owner_links(installed.form_defaults()["recipients"]),
        on_failure_callback=tell_failure,
        deadline=deadlines(__name__),
        default_args={
            "owner": OWNER,
            "on_failure_callback": note_error,
            "retries": 3,
            "retry_delay": datetime.timedelta(seconds=RetrySettings.read_or_default().delay),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": datetime.timedelta(minutes=30),
            "retry_policy": PERMANENT_ERRORS_FAIL_AT_ONCE,
        },
    ) as made:
        wire_steps(installed)
    return made


def wire_steps(installed: InstalledStudy) -> None:
    """Wire the steps of ``imdb_tasks.pipeline.steps`` together."""
    settings, assets = installed.settings, Assets.of(installed.dag_id)

    @task(
        execution_timeout=datetime.timedelta(minutes=5),
        doc_md="Validate the form, look at what the run will need, and return the names of the variants to train.",
    )
    def plan() -> list[str]:
        installed.check()  # the DAG file takes the default instead of a bad value
        _, delivery = read_form(form_of_run(installed), installed.form_defaults())
        check_ready(current_steps(installed), delivery, settings)
        return names_of(current_steps(installed, planning=True).study)

    @task(execution_timeout=datetime.timedelta(hours=2), doc_md="Fetch the reviews into the store.")
    def fetch_reviews() -> str:
        steps = current_steps(installed)
        return steps.fetch_reviews(kaggle_credentials(steps.study.reviews, settings.kaggle_connection)).key

    @task(execution_timeout=datetime.timedelta(hours=4), doc_md="Fetch the GloVe vectors into the store.")
    def fetch_glove() -> str:
        steps = current_steps(installed)
        return steps.fetch_glove(kaggle_credentials(steps.study.glove, settings.kaggle_connection)).key

    @task(
        outlets=[assets.corpus],
        execution_timeout=datetime.timedelta(hours=1),
        doc_md="Clean, split, tokenise and pad the reviews; build the embedding matrix and the data card.",
    )
    def prepare() -> str:
        corpus = current_steps(installed).prepare()
        add_asset_facts(assets.corpus, key=corpus.key)
        return corpus.key

    @task(
        queue=settings.queue,
        pool=settings.pool,
        map_index_template="{{ task.op_kwargs['name'] | variant_title }}",
        execution_timeout=datetime.timedelta(hours=24),
        doc_md="Train one variant, unless its result is in the store.",
    )
    def train(name: str) -> str:
        steps = current_steps(installed)
        check_map_index(steps.study)
        return steps.train(steps.variant(name)).key

    @task(
        outlets=[assets.models, assets.best_model],
        # Not ALL_DONE: after a failed fetch it would report an older result, and the run would end well.
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        execution_timeout=datetime.timedelta(hours=2),
        doc_md="Evaluate every trained variant on the test reviews. Runs even if some variants failed.",
    )
    def evaluate() -> str:
        from imdb_tasks.pipeline import about_best_model

        steps = current_steps(installed)
        evaluation = steps.evaluate()
        add_asset_facts(assets.models, key=evaluation.key, missing=evaluation.about["missing"])
        add_asset_facts(assets.best_model, **about_best_model(steps.store, evaluation))
        return evaluation.key

    @task(
        outlets=[assets.report],
        execution_timeout=datetime.timedelta(minutes=30),
        doc_md="Draw the charts; write the page and the parts of the mail.",
    )
    def report() -> str:
        steps = current_steps(installed)
        entry = steps.report()
        add_asset_facts(assets.report, key=entry.key, headline=entry.about["headline"], **steps.looks())
        return entry.key

    @task(execution_timeout=datetime.timedelta(minutes=15), doc_md="Mail the report over the SMTP connection.")
    def send_report() -> str:
        _, delivery = read_form(form_of_run(installed), installed.form_defaults())
        return send(current_steps(installed), delivery, settings.smtp_connection)

    @task(
        execution_timeout=datetime.timedelta(minutes=5),
        doc_md="Fail the run if a variant is missing. Runs after the report was sent.",
    )
    def check_complete() -> None:
        current_steps(installed).check_complete()

    names = plan()
    reviews, glove = fetch_reviews(), fetch_glove()
    names >> [reviews, glove]
    trained = train.expand(name=mapped_over(names, lambda: names_of(current_steps(installed).study)))
    sent = send_report()
    [reviews, glove] >> prepare() >> trained >> evaluate() >> report() >> sent >> check_complete()


STUDIES = {installed.dag_id: study_dag(installed) for installed in installed_studies()}
