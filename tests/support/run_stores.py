"""Stores with reported runs, made up or real: what the pages in Airflow are tested and judged with."""

import random
from dataclasses import dataclass

from imdb_tasks.analysis import Analysis, Predictions
from imdb_tasks.pipeline.conclusions import save_conclusions
from imdb_tasks.resources import SAMPLE
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study, StudyResult, TrainingSettings
from tests.support.ages import write_ref_at
from tests.support.study_results import analysis_of, opinions, sample_card, study_result

WEEK = 7 * 24 * 3_600
START = 1_767_600_000.0  # 2026-01-05 08:00 UTC
PAGE = "<!DOCTYPE html><html lang=en><title>r</title><body><header><h1>The report</h1></header></body></html>"


@dataclass(frozen=True)
class Concluded:
    """A result that was analysed elsewhere."""

    result: StudyResult
    analysis: Analysis
    tested: Predictions


def keep_run(store: Store, name: str, made: StudyResult | Concluded, *, at: float, **about: str) -> None:
    """Publish a result, its analysis and a report, and note them as a run's, written at ``at`` (seconds since 1970).

    ``about`` are further fields of the note, such as ``study`` and ``code``.
    """
    concluded = made if isinstance(made, Concluded) else Concluded(made, analysis_of(made), opinions(made))
    with store.publish("evaluations", f"e-{name}", {"missing": 0}) as draft:
        draft.joinpath("result.json").write_text(concluded.result.model_dump_json())
    with store.publish("analyses", f"a-{name}", {"inputs": [f"evaluations/e-{name}"]}) as draft:
        save_conclusions(concluded.analysis, concluded.tested, draft)
    with store.publish("reports", f"r-{name}", {"inputs": [f"analyses/a-{name}"]}) as draft:
        draft.joinpath("report.html").write_text(PAGE)
    keys = {"report": f"r-{name}", "analysis": f"a-{name}", "evaluation": f"e-{name}"}
    note = {**keys, "study": "s1", "code": "3f9c2ab", "headline": f"news of {name}", **about}
    write_ref_at(store, f"runs/{name}", note, at)


def varied(result: StudyResult, seed: int) -> StudyResult:
    """Return the result of another training of the same models: up to 40 test reviews more or fewer are right."""
    chance = random.Random(seed)
    rows = []
    for row in result.variants:
        moved = chance.randint(-40, 40)
        if row.test is None or row.test.right is None or row.test.rows is None:
            rows.append(row)
            continue
        right = min(row.test.rows, max(0, row.test.right + moved))
        test = row.test.model_copy(update={"right": right, "accuracy": right / row.test.rows})
        rows.append(row.model_copy(update={"test": test}))
    return result.model_copy(update={"variants": tuple(rows)})


def sample_result() -> StudyResult:
    """Build the result of a quick look at the sample."""
    source = LocalSource(path=str(SAMPLE))
    study = Study(training=TrainingSettings(epochs=3, learning_rate=0.001), reviews=source, glove=source)
    return study_result(study, diverged={"32_LSTM_128": 2}, exploding=(), missing={}, card=sample_card())
