"""What may import what. The one-way layers are import-linter's business; this looks at what an import really loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {
    "airflow",
    "tensorflow",
    "keras",
    "jax",
    "numpy",
    "pandas",
    "sklearn",
    "plotly",
    "kaleido",
    "kaggle",
    "httpx",
    "mlflow",
}
HEAVY |= {"pyarrow", "tenacity"}
LIGHT = ("errors", "formatting", "resources", "revision", "settings", "study", "store", "sources", "corpus")
LIGHT += ("training", "analysis", "report", "report.charts", "pipeline", "ui", "ui.cli")


def test_imports_run_one_way_and_never_to_airflow() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(linter), "--no-cache"], cwd=ROOT, env={}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", LIGHT)
def test_heavy_packages_are_imported_only_when_they_are_used(module: str) -> None:
    script = f"import imdb_tasks.{module}, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in json.loads(done.stdout))
