"""A study run step by step in this process, up to where a test begins."""

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import Study


def prepared(study: Study, store: Store, run_id: str = "run-1") -> Steps:
    """Run a study until its arrays are there."""
    steps = Steps(study, store, run_id)
    steps.fetch_reviews()
    steps.fetch_glove()
    steps.prepare()
    return steps


def evaluated(study: Study, store: Store, run_id: str = "run-1") -> Steps:
    """Run a study until its models are trained and measured."""
    steps = prepared(study, store, run_id)
    for variant in study.variants:
        steps.train(variant)
    steps.evaluate()
    return steps


def reached(study: Study, store: Store, run_id: str = "run-1") -> Steps:
    """Run a study to its report."""
    steps = evaluated(study, store, run_id)
    steps.report()
    return steps
