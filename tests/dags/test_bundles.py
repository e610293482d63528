"""The DAG as a bundle: from a folder and from a git repository, at its root and in a subfolder, in several versions."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.airflow_home import ROOT, airflow_environment

# What the dag-processor and a task do to find DAGs, in a process for each bundle: its root goes to the end of the path.
PARSE = """
import json, os, sys
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.utils.file import list_py_file_paths
for name, version in json.loads(sys.argv[1]):
    if os.fork():
        os.wait()
        continue
    bundle = DagBundlesManager().get_bundle(name, version)
    bundle.initialize()
    files = sorted(map(str, list_py_file_paths(bundle.path, safe_mode=True)))
    titles, errors = {}, {}
    for file in files:
        bag = BundleDagBag(file, bundle_path=bundle.path, bundle_name=name)
        errors |= bag.import_errors
        titles |= {dag.dag_id: dag.params.get_param("epochs").schema["title"] for dag in bag.dags.values()}
    found = [os.path.relpath(file, bundle.path) for file in files]
    print("FOUND", json.dumps([name, version, found, titles, errors]), flush=True)
    os._exit(0)
"""
pytestmark = pytest.mark.slow  # eight bundles are parsed
LOCAL, GIT = "airflow.dag_processing.bundles.local.LocalDagBundle", "airflow.providers.git.bundles.git.GitDagBundle"


def git(repository: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments]
    done = subprocess.run(command, env={**os.environ, **names}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this repository in two commits, and the working copy: in each, a field has another title."""
    place = tmp_path_factory.mktemp("repository")
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout.splitlines():
        if ROOT.joinpath(name).is_file():
            place.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    git(place, "init", "--quiet", "--initial-branch", "main")
    form = place / "dags" / "imdb_form.py"
    for title in ("Epochs", "Number of epochs", "Rounds"):
        form.write_text(ROOT.joinpath("dags", form.name).read_text("utf8").replace('("Epochs"', f'("{title}"'), "utf8")
        if title != "Rounds":
            git(place, "add", "--all")
            git(place, "commit", "--quiet", "--message", title)
    return place


@pytest.fixture(scope="module")
def versions(repository: Path) -> tuple[str, str]:
    return git(repository, "rev-parse", "main~1"), git(repository, "rev-parse", "main")


@pytest.fixture(scope="module")
def parsed(
    tmp_path_factory: pytest.TempPathFactory, repository: Path, versions: tuple[str, str]
) -> dict[tuple[str, str | None], tuple[list[str], dict[str, str], dict[str, str]]]:
    """Of each bundle and version: the files that are taken for DAG files, a field's title in each DAG, and errors."""
    at_git = {"repo_url": str(repository), "tracking_ref": "main"}
    bundles = {
        "local root": (LOCAL, {"path": str(repository)}),
        "local subdir": (LOCAL, {"path": str(repository / "dags")}),
        "git root": (GIT, at_git),
        "git subdir": (GIT, {**at_git, "subdir": "dags"}),
    }
    settings = [{"name": name, "classpath": kind, "kwargs": given} for name, (kind, given) in bundles.items()]
    cases = [(name, None) for name in bundles]
    cases += [(name, version) for name in bundles if name.startswith("git") for version in versions]
    home = tmp_path_factory.mktemp("home")
    environment = {
        **airflow_environment(home),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(settings),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        # Another version of the modules comes first: that of the working copy.
        "PYTHONPATH": os.pathsep.join([str(repository / "dags"), str(ROOT)]),
    }
    command = [sys.executable, "-c", PARSE, json.dumps(cases)]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line.removeprefix("FOUND")) for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert len(lines) == len(cases), done.stdout + done.stderr
    return {(name, version): (files, titles, errors) for name, version, files, titles, errors in lines}


@pytest.mark.parametrize("kind", ["local", "git"])
@pytest.mark.parametrize(("layout", "file"), [("root", "dags/imdb_study.py"), ("subdir", "imdb_study.py")])
def test_one_file_is_parsed_whichever_folder_is_the_root(parsed: Any, kind: str, layout: str, file: str) -> None:
    files, titles, errors = parsed[f"{kind} {layout}", None]
    assert errors == {}
    assert (files, list(titles)) == ([file], ["imdb_study"])


@pytest.mark.parametrize("layout", ["root", "subdir"])
def test_a_run_that_is_pinned_to_a_version_gets_the_dag_of_that_version_with_its_own_modules(
    parsed: Any, versions: tuple[str, str], layout: str
) -> None:
    for version, title in zip(versions, ("Epochs", "Number of epochs"), strict=True):
        assert parsed[f"git {layout}", version][1:] == ({"imdb_study": title}, {})
