"""The hosted workflow does what .ci/run does, on every supported Python, with no more rights than it needs."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCAL = ROOT.joinpath(".ci", "run").read_text("utf8")
MAKEFILE = ROOT.joinpath("Makefile").read_text("utf8")


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    return yaml.safe_load(ROOT.joinpath(".github", "workflows", "ci.yaml").read_text("utf8"))


def commands(workflow: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"])


def test_it_makes_all_that_the_local_run_makes(workflow: dict[str, Any]) -> None:
    [parts] = re.findall(r"^check: ([a-z -]+)", MAKEFILE, re.MULTILINE)
    made = set(re.findall(r"\bmake ([a-z-]+)$", commands(workflow), re.MULTILINE))
    wanted = set(re.findall(r"^make ([a-z-]+)$", LOCAL, re.MULTILINE)) - {"check"} | set(parts.split())
    assert wanted <= made
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in made)


def test_it_installs_the_same_packages_of_the_system(workflow: dict[str, Any]) -> None:
    [wanted] = re.findall(r"^for package in (.+); do$", LOCAL, re.MULTILINE)
    assert set(wanted.split()) <= set(commands(workflow).split())


def test_it_runs_on_every_supported_python(workflow: dict[str, Any]) -> None:
    supported = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf8"))["project"]["requires-python"]
    first, beyond = map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", supported).groups())
    versions = workflow["jobs"]["check"]["strategy"]["matrix"]["python"]
    assert versions == [f"3.{minor}" for minor in range(first, beyond)]


def test_it_may_only_read_and_its_actions_are_pinned(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            if uses := step.get("uses"):
                assert re.search(r"@v\d+\.\d+\.\d+$", uses), uses
            if "checkout" in step.get("uses", ""):
                assert step["with"] == {"persist-credentials": False}


def test_the_container_for_development_brings_what_the_tests_need() -> None:
    container = json.loads(ROOT.joinpath(".devcontainer", "devcontainer.json").read_text("utf8"))
    [wanted] = re.findall(r"^for package in (.+); do$", LOCAL, re.MULTILINE)
    assert set(wanted.split()) <= set(container["postCreateCommand"].split())
    assert "make setup" in container["postCreateCommand"]
