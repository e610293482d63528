"""What Airflow's scheduler, DAG processor and web server need is there without the libraries of the extra ``worker``.

The image for them is built from requirements-airflow.txt. Here, the modules that only requirements.txt brings cannot be
imported.
"""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from imdb_tasks.store import Store
from tests.support.reported import keep_conclusions
from tests.support.study_results import study_result

ROOT = Path(__file__).parents[1]

WITHOUT = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = set(json.loads(sys.argv[1]))
sys.meta_path.insert(0, Absent())
"""
PAGES = """
sys.path[:0] = ["dags", "plugins"]
import imdb_study, imdb_study_plugin
from fastapi.testclient import TestClient
from imdb_study_pages import app as pages

for needed in pages.app.router.dependencies + [needed for route in pages.app.routes for needed in route.dependencies]:
    pages.app.dependency_overrides[needed.dependency] = lambda: None
asked = ("/", "/report", "/compare?before=run-1&after=run-1", "/static/pages.css")
client = TestClient(pages.app)
answers = {page: client.get(page).status_code for page in asked}
print(json.dumps([*imdb_study.STUDIES, len(imdb_study_plugin.ImdbStudyPlugin.external_views), answers]))
"""


def pinned(name: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", ROOT.joinpath(name).read_text("utf8"), re.MULTILINE))


def only_on_workers() -> list[str]:
    """Return the top-level modules of the distributions that only requirements.txt names."""
    gone = pinned("requirements.txt") - pinned("requirements-airflow.txt")
    assert gone > {"tensorflow", "keras", "kaggle", "plotly", "pyarrow"}
    modules = packages_distributions()
    return [module for module, names in modules.items() if {re.sub(r"[-_.]+", "-", n).lower() for n in names} <= gone]


def without_worker(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, json.dumps(only_on_workers()), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def reported(store: Store) -> Store:
    """A store with one run that can be shown and compared."""
    with store.publish("reports", "r1", {}) as folder:
        Path(folder, "report.html").write_text("<h1>the report</h1>")
    keep_conclusions(store, "a1", study_result())
    store.write_ref("runs/run-1", {"report": "r1", "analysis": "a1", "headline": "news"})
    return store


def test_the_dag_is_parsed_and_every_page_is_shown(reported: Store, tmp_path: Path) -> None:
    done = without_worker(PAGES, AIRFLOW_HOME=str(tmp_path), IMDB_STORE=str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    dag, views, answers = json.loads(done.stdout.splitlines()[-1])
    assert (dag, views) == ("imdb_study", 3)
    assert set(answers.values()) == {200}, answers


def test_a_command_that_computes_says_what_to_install(tmp_path: Path) -> None:
    code = "from imdb_tasks.ui.cli import main; sys.exit(main(sys.argv[2:]))"
    done = without_worker(code, "study", "--store", str(tmp_path), "--set", "source=sample", "--set", "profile=quick")
    assert done.returncode == 1
    assert "pip install 'imdb-tasks[worker]'" in done.stderr.splitlines()[-1]
