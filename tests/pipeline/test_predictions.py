import subprocess
import sys
from pathlib import Path

from imdb_tasks.pipeline import Steps
from tests.support.stepping import FinishedStudy

EVALUATE = (
    "import sys; from imdb_tasks.pipeline import Steps; from imdb_tasks.store import Store; from imdb_tasks.study"
    " import Study; Steps(Study.model_validate_json(sys.argv[1]), Store(sys.argv[2])).evaluate();"
    "print({'keras', 'tensorflow', 'jax', 'numpy'} & set(sys.modules))"
)


def test_evaluate_joins_what_the_trainings_found_and_imports_nothing_heavy(
    finished_study: FinishedStudy, tmp_path: Path
) -> None:
    steps = finished_study.evaluated(tmp_path)
    before = steps.evaluate()
    steps.store.remove("evaluations", before.key)
    command = [sys.executable, "-c", EVALUATE, steps.study.model_dump_json(), steps.store.where]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"
    assert steps.evaluate().file("result.json").read_bytes() == before.file("result.json").read_bytes()


def test_a_training_says_of_the_test_reviews_what_its_saved_model_says(
    finished_study: FinishedStudy, tmp_path: Path
) -> None:
    steps = finished_study.evaluated(tmp_path)
    by_training = _said(steps)
    for name in steps.store.files.folders("predictions"):
        steps.store.remove("predictions", name)
    steps.store.remove("evaluations", steps.evaluate().key)
    steps.evaluate()
    assert _said(steps) == by_training
    assert len(by_training) == len(steps.study.variants)


def _said(steps: Steps) -> dict[str, tuple[bytes, bytes]]:
    """Return the files of each prediction in the store."""
    entries = {
        key: steps.store.need("predictions", key, step="evaluate") for key in steps.store.files.folders("predictions")
    }
    return {
        key: (entry.file("probabilities.npy").read_bytes(), entry.file("metrics.json").read_bytes())
        for key, entry in entries.items()
    }
