"""What a study leaves in the store when it has been reported, without the hours before."""

from pathlib import Path

from imdb_tasks.analysis import read_claims
from imdb_tasks.pipeline import Steps
from imdb_tasks.pipeline.conclusions import save_conclusions
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study, StudyResult
from tests.support.corpus import write_corpus
from tests.support.study_results import analysis_of, opinions, study_result


def keep_conclusions(store: Store, key: str, result: StudyResult) -> None:
    """Publish the analysis of a made-up result."""
    # There are no reviews to show errors of.
    concluded = analysis_of(result).model_copy(update={"confusion": None})
    with store.publish("analyses", key, {"inputs": ["evaluations/e1"]}) as draft:
        save_conclusions(concluded, opinions(result), draft)


def reported_study(folder: Path, run_id: str) -> Steps:
    """Make a store with the made-up result, its analysis, and the report that the step then draws."""
    corpus = folder.with_name("corpus")
    corpus.mkdir(parents=True)
    source = LocalSource(path=str(write_corpus(corpus)))
    study = Study(reviews=source, glove=source)
    steps, result = Steps(study, Store(folder), run_id), study_result(study)
    steps.fetch_reviews()
    steps.fetch_glove()
    with steps.store.publish("evaluations", "e1", {"missing": 0}) as draft:
        draft.joinpath("result.json").write_text(result.model_dump_json())
    keep_conclusions(steps.store, steps.keys.analysis("e1", read_claims().fingerprint(), None), result)
    steps.store.write_ref(f"evaluated/{steps.keys.of_study}", {"key": "e1"})
    steps.report()
    return steps
