"""A study that has been reported, without the hours before."""

from pathlib import Path

from imdb_tasks.claims import read_claims
from imdb_tasks.steps import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import Study
from tests.study_results import analysis_of, study_result


def reported_study(folder: Path, run_id: str) -> Steps:
    """Make a store with the made-up result, its analysis, and the report that the step then draws."""
    steps, result = Steps(Study(), Store(folder), run_id), study_result()
    with steps.store.publish("evaluations", "e1", {"missing": 0}) as draft:
        draft.joinpath("result.json").write_text(result.model_dump_json())
    key = steps.places.analysis("e1", read_claims().fingerprint(), None)
    with steps.store.publish("analyses", key, {"inputs": ["evaluations/e1"]}) as draft:
        concluded = analysis_of(result).model_copy(update={"confusion": None})  # there are no reviews to show errors of
        draft.joinpath("analysis.json").write_text(concluded.model_dump_json())
    steps.store.write_ref(steps.places.ref("evaluated"), {"key": "e1"})
    steps.report()
    return steps
