"""Every distribution that the code imports is declared in pyproject.toml, where those who install it look for it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf8"))
DISTRIBUTIONS = packages_distributions()
OURS = {"imdb_tasks", "scripts", "bench", "tests", "include", "plugins", "imdb_study_pages"}
OURS |= {path.stem for path in ROOT.glob("dags/*.py")}
# What may stand in each folder: the dependencies of the package, its extras, the groups for development.
EXTRAS = {
    "imdb_tasks": ("worker", "jax", "mlflow", "tensorboard"),
    "dags": ("airflow",),
    "plugins": ("airflow",),
    "scripts": ("airflow",),
}
DEVELOPMENT = {"scripts": ("dev", "services"), "bench": ("dev", "services"), "tests": ("dev", "services")}


def name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement)[0]).lower()


def declared(folder: str) -> set[str]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    extras = EXTRAS.get(folder, project["optional-dependencies"])
    found = [*project["dependencies"]]
    for extra in extras:
        found += project["optional-dependencies"][extra]
    for group in DEVELOPMENT.get(folder, ()):
        found += [entry for entry in groups[group] if isinstance(entry, str)]
    return {name_of(requirement) for requirement in found}


def imported(folder: str) -> Iterator[tuple[str, Path]]:
    """Yield every module that the folder's files import, with the file."""
    for path in sorted(ROOT.joinpath(folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name, path) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module, path


def distributions_of(module: str) -> set[str]:
    """Return the distributions that a module may come from."""
    if provider := re.match(r"airflow\.providers\.(\w+)", module):
        return {f"apache-airflow-providers-{provider[1]}"}
    return {name_of(name) for name in DISTRIBUTIONS.get(module.partition(".")[0], ())}


@pytest.mark.parametrize("folder", ["imdb_tasks", "dags", "plugins", "scripts", "bench", "tests"])
def test_every_imported_distribution_is_declared(folder: str) -> None:
    known = declared(folder)
    missing = {
        f"{path.relative_to(ROOT)} imports {module}, of {sorted(distributions_of(module))}"
        for module, path in imported(folder)
        if module.partition(".")[0] not in OURS | sys.stdlib_module_names and known.isdisjoint(distributions_of(module))
    }
    assert not missing, "\n".join(sorted(missing))
