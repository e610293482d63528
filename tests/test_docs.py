"""What the documents name is there: tests, files, make targets, the version."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def named_tests(document: Path) -> list[tuple[str, str]]:
    return NAMED.findall(document.read_text("utf8"))


def names_of(path: Path) -> set[str]:
    found = ast.parse(path.read_text("utf8")).body if path.is_file() else []
    return {node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("document", sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    for path, name in named_tests(document):
        assert name in names_of(ROOT / path), f"{document.name} names {path}::{name}"


def test_every_row_of_the_table_of_faults_names_a_test() -> None:
    rows = re.findall(r"^\| \d+ \|.*$", (ROOT / "docs" / "reliability.md").read_text("utf8"), re.MULTILINE)
    assert len(rows) == 43
    assert all(NAMED.search(row) for row in rows)


def test_every_file_of_fault_tests_is_named() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf8")
    for path in ROOT.glob("tests/faults/test_*.py"):
        assert f"tests/faults/{path.name}::" in text, path.name


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/releasing.md"])
def test_every_file_and_every_make_target_that_a_guide_names_exists(name: str) -> None:
    text = ROOT.joinpath(name).read_text("utf8")
    paths = re.findall(r"`((?:imdb_tasks|dags|plugins|scripts|include|bench|tests|docs)/[\w/.]*)`", text)
    assert [path for path in paths if not ROOT.joinpath(path).exists()] == []
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert [path for path in linked if not ROOT.joinpath(name).parent.joinpath(path).exists()] == []
    targets = re.findall(r"^([a-z-]+):.*## ", ROOT.joinpath("Makefile").read_text("utf8"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets)


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    versions = re.findall(r"^## (\S+)", ROOT.joinpath("CHANGELOG.md").read_text("utf8"), re.MULTILINE)
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf8"))["project"]
    assert versions[:2] == ["Unreleased", project["version"]]
