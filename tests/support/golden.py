"""What each step makes of constant inputs, and what it made of them at its present revision.

    python -m tests.support.golden        write the outputs of the steps whose revision was raised (TensorFlow)

A result that is in a store is not made again unless the revision of its step is raised. So a step that gives another
output at the same revision would show old results without a word; ``tests/pipeline/test_golden.py`` fails first.
"""

import hashlib
import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_tasks.analysis import Growth, analyse, read_claims
from imdb_tasks.corpus import ARRAY_NAMES, Arrays, ReviewTexts
from imdb_tasks.pipeline import Steps
from imdb_tasks.pipeline.keys import REVISIONS
from imdb_tasks.report import build
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study, StudyResult, TextSettings, TrainingSettings
from imdb_tasks.training import load_keras
from tests.support.corpus import write_corpus
from tests.support.stepping import evaluated
from tests.support.study_analysis import material
from tests.support.study_results import opinions, study_result

FOLDER = Path(__file__).parents[1] / "data" / "golden"
WHERE = {
    "arrays": "ARRAYS_REVISION in imdb_tasks/corpus/arrays.py",
    "texts": "TEXTS_REVISION in imdb_tasks/corpus/review_texts.py",
    "models": "MODELS_REVISION in imdb_tasks/training/fit.py",
    "predictions": "PREDICTIONS_REVISION in imdb_tasks/training/evaluation.py",
    "evaluations": "EVALUATIONS_REVISION in imdb_tasks/pipeline/keys.py",
    "analyses": "ANALYSES_REVISION in imdb_tasks/analysis/whole_study.py",
    "reports": "REPORTS_REVISION in imdb_tasks/report/build.py",
}
"""Where the revision of each kind of entry stands."""

_CHAIN = ("arrays", "models", "predictions", "evaluations")
"""Kinds that are made from each other here; the other outputs are made of constant inputs of their own."""

_EXACT = 1e-7
_TRAINED = 2e-3  # trainings differ by less between machines, backends and versions of NumPy
TOLERANCES = dict.fromkeys(("models", "predictions", "evaluations"), _TRAINED)
"""By how much numbers may differ, relatively; those of other kinds by 1e-7."""
_MEASURED = ("seconds", "samples_per_second", "cost", "versions", "environment", "path", "backend")


def outputs(folder: Path) -> dict[str, Any]:
    """Run every step on constant inputs; return what came out, as JSON, by the kind of entry."""
    steps = _small_study(folder)
    arrays = steps.store.need("arrays", steps.keys.corpus(), step="prepare")
    [texts] = steps.store.files.folders("texts")
    models = [steps.store.need("models", steps.keys.model(v), step="train") for v in steps.study.variants]
    said = [steps.store.need("predictions", steps.keys.predictions(m.key), step="evaluate") for m in models]
    evaluation = steps.store.need("evaluations", steps.store.files.folders("evaluations")[0], step="evaluate")
    result = study_result()
    frame = ReviewTexts.load(steps.store.need("texts", texts, step="prepare").path).frame
    return {
        "arrays": {**_arrays(Arrays.load(arrays.path)), "card": _json(arrays.file("data_card.json"))},
        "texts": {"rows": frame["row"].tolist(), "texts": _digest("\n".join(frame["review"]).encode())},
        "models": [_without(_json(model.file("record.json")), _MEASURED) for model in models],
        "predictions": [
            {
                "metrics": _json(each.file("metrics.json")),
                "probabilities": _floats(each.file("probabilities.npy")),
            }
            for each in said
        ],
        "evaluations": _without(_json(evaluation.file("result.json")), _MEASURED),
        "analyses": {"fixed": _analysis(result, None), "growing": _analysis(result, Growth(most=5))},
        "reports": _report(folder / "report"),
    }


def differences(expected: Any, found: Any, place: str, tolerance: float = _EXACT) -> Iterator[str]:
    """Say where two outputs differ, one place after the other."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted({*expected, *found}):
            if name in expected and name in found:
                yield from differences(expected[name], found[name], f"{place}.{name}", tolerance)
            else:
                yield f"{place}.{name}: {'new' if name in found else 'gone'}"
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{place}: {len(found)} items instead of {len(expected)}"
        for number, pair in enumerate(zip(expected, found, strict=False)):
            yield from differences(*pair, f"{place}[{number}]", tolerance)
    elif not _same(expected, found, tolerance):
        yield f"{place}: {found!r:.200} instead of {expected!r:.200}"


def _same(expected: Any, found: Any, tolerance: float) -> bool:
    if isinstance(expected, float | int) and isinstance(found, float | int):
        return math.isclose(expected, found, rel_tol=tolerance, abs_tol=_EXACT)
    return bool(expected == found)


def compare(kind: str, output: Any) -> str | None:
    """Say where an output differs first from what was written; None where it does not."""
    return next(differences(read(kind).get("output"), output, kind, TOLERANCES.get(kind, _EXACT)), None)


def revisions(kind: str) -> dict[str, int]:
    """Return the revisions that an output is of: its own step's, and those of the steps that made its inputs."""
    chain = _CHAIN[: _CHAIN.index(kind)] if kind in _CHAIN else ()
    return {each: REVISIONS[each] for each in (*chain, kind)}


def read(kind: str) -> dict[str, Any]:
    """Return ``revisions`` and ``output`` as they were written last; empty where they never were."""
    path = FOLDER / f"{kind}.json"
    return _json(path) if path.exists() else {}


def _analysis(result: StudyResult, growth: Growth | None) -> dict[str, Any]:
    claims = read_claims().claims
    return analyse(result, opinions(result), claims, code="golden", growth=growth).model_dump(mode="json")


def _small_study(folder: Path) -> Steps:
    load_keras()
    source = LocalSource(path=str(write_corpus(_made(folder / "corpus"))))
    study = Study(
        units=(4,),
        batch_sizes=(16,),
        text=TextSettings(max_tokens=12),
        training=TrainingSettings(epochs=2, learning_rate=0.01),
        reviews=source,
        glove=source,
    )
    return evaluated(study, Store(folder / "store"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _report(folder: Path) -> dict[str, Any]:
    """Return what a report says: the text mail as it is, page and HTML mail by their hash, less plotly's own script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", lambda figures, target: "no picture was drawn")
        about = build.write_report(material(study_result()), _made(folder))
    page = re.sub(
        r"<script>.{100000,}?</script>", "", folder.joinpath("report.html").read_text("utf8"), flags=re.DOTALL
    )
    return {
        "subject": about["subject"],
        "headline": about["headline"],
        "mail": folder.joinpath("mail.txt").read_text("utf8").splitlines(),
        "html mail": _digest(folder.joinpath("mail.html").read_bytes()),
        "page": _digest(re.sub(r"'sha256-[^']*'", "", page).encode()),
    }


def _arrays(arrays: Arrays) -> dict[str, Any]:
    named = {name: np.ascontiguousarray(getattr(arrays, name)) for name in ARRAY_NAMES}
    return {name: f"{array.dtype}{array.shape} {_digest(array.tobytes())}" for name, array in named.items()}


def _floats(path: Path) -> list[float]:
    found: list[float] = np.load(path, allow_pickle=False).astype(float).tolist()
    return found


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf8"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(make: Callable[[Path], dict[str, Any]]) -> int:
    """Write the outputs of the steps whose revision was raised; refuse those that differ without that."""
    with tempfile.TemporaryDirectory() as folder:
        found = make(Path(folder))
    refused = 0
    for kind, output in found.items():
        before = read(kind)
        if before.get("revisions") == revisions(kind):
            if told := compare(kind, output):
                refused += 1
                print(f"{told}\n  raise {WHERE[kind]} first, now {REVISIONS[kind]}", file=sys.stderr)
            continue
        content = json.dumps({"revisions": revisions(kind), "output": output}, indent=1, ensure_ascii=False)
        FOLDER.joinpath(f"{kind}.json").write_text(f"{content}\n", "utf8")
        print(f"written: {kind}, {revisions(kind)}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(_write(outputs))
