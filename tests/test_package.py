"""The package as others install it: what is in the wheel, and that it works without the checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from scripts import lock

ROOT = Path(__file__).parents[1]
BUILD = [sys.executable, "-m", "uv", "build", "--quiet", "--offline", "--no-build-isolation"]


def built(*options: str) -> Path:
    folder = Path(options[-1])
    subprocess.run([*BUILD, "--python", sys.executable, *options], cwd=ROOT, check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("--wheel", "--out-dir", str(tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_holds_the_code_and_every_file_of_include(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "imdb_tasks", "include"], cwd=ROOT, capture_output=True, text=True)
    expected = {name.replace("include/", "imdb_tasks/include/", 1) for name in tracked.stdout.splitlines()}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert expected <= held
    assert {name.partition("/")[0] for name in held} == {"imdb_tasks"}


def test_the_wheel_built_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    assert built("--out-dir", str(tmp_path)).read_bytes() == wheel.read_bytes()


def test_a_step_runs_from_the_installed_package_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "imdb_tasks", "fetch", "--store", "store", "--set", "source=sample"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    kept = {path.name for path in tmp_path.rglob("*") if path.suffix in (".csv", ".txt")}
    assert kept == {"IMDB Dataset.csv", "glove.6B.100d.txt"}


def test_the_installed_package_reads_its_own_files_and_marks_results_with_its_version(
    installed: Path, tmp_path: Path
) -> None:
    script = "from imdb_tasks import resources, revision; print(resources.SAMPLE, revision.source_revision())"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    version = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf8"))["project"]["version"]
    assert done.stdout.split() == [f"{installed}/imdb_tasks/include/sample", f"v{version}"]


def test_the_package_installs_a_command_and_asks_for_airflow_and_tensorflow_only_as_extras(installed: Path) -> None:
    [folder] = installed.glob("*.dist-info")
    distribution = PathDistribution(folder)
    assert [(point.name, point.value) for point in distribution.entry_points] == [
        ("imdb-study", "imdb_tasks.__main__:main")
    ]
    assert set(distribution.metadata.get_all("Provides-Extra") or ()) == {
        "airflow",
        "jax",
        "kubernetes",
        "mlflow",
        "tensorboard",
        "worker",
    }
    asked = [needed for needed in distribution.requires or () if "extra ==" not in needed]
    assert any(needed.startswith("pydantic") for needed in asked)
    assert not any(heavy in needed for needed in asked for heavy in ("airflow", "tensorflow", "keras"))


def test_the_lock_and_the_requirement_files_agree_with_pyproject() -> None:
    assert lock.main(["--check"]) == 0


def test_a_requirement_file_that_was_edited_by_hand_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("pyproject.toml", "uv.lock", "README.md", *lock.EXPORTS):
        tmp_path.joinpath(name).write_bytes(ROOT.joinpath(name).read_bytes())
    monkeypatch.setattr(lock, "PROJECT", tmp_path)
    assert lock.main(["--check"]) == 0
    for name, old, new in (
        ("requirements.txt", "keras==3.15.1", "keras==3.15.0"),
        ("pyproject.toml", '"rich",', '"rich>=1",'),
    ):
        text = tmp_path.joinpath(name).read_text("utf8")
        assert old in text
        tmp_path.joinpath(name).write_text(text.replace(old, new), "utf8")
        assert lock.main(["--check"]) == 1
    said = capfd.readouterr().err
    assert "requirements.txt is not what uv.lock says" in said
    assert "uv.lock is not what pyproject.toml says" in said


def test_the_package_is_built_by_what_the_lock_pins() -> None:
    pyproject = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf8"))
    assert set(pyproject["build-system"]["requires"]) <= set(pyproject["dependency-groups"]["build"])


def test_the_lock_names_no_index_but_the_public_one() -> None:
    locked = tomllib.loads(ROOT.joinpath("uv.lock").read_text("utf8"))["package"]
    assert {package["source"].get("registry", "") for package in locked} == {"https://pypi.org/simple", ""}
    files = [file["url"] for package in locked for file in [*package.get("wheels", ()), package.get("sdist")] if file]
    assert all(url.startswith("https://files.pythonhosted.org/") for url in files)


def test_make_env_needs_nothing_but_python() -> None:
    # -S: without site-packages
    subprocess.run([sys.executable, "-S", "-c", "import scripts.make_env"], cwd=ROOT, check=True)
