"""Fixtures for every room, what the tests share across processes, and which of them `make test` leaves out."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import settings

from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study, TextSettings, TrainingSettings
from imdb_tasks.training import process
from imdb_tasks.ui.cli import main
from scripts.local_airflow import LocalAirflow
from scripts.mail_catcher import MailCatcher
from tests.support.cli import small_study
from tests.support.corpus import write_corpus
from tests.support.examples import THOROUGH
from tests.support.local_airflow import started
from tests.support.sharing import folder_of_all, made_once
from tests.support.stepping import FinishedStudy

# How long an example takes says more about the machine than about the code.
settings.register_profile("default", max_examples=THOROUGH // 4, deadline=None)
settings.register_profile("thorough", max_examples=THOROUGH, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Each of these is started once: the tests that need it run in one process, one after the other.
ONE_OF_A_KIND = ("airflow_with_mail", "whole")


def pytest_configure(config: pytest.Config) -> None:
    """Every process of the tests computes as a training task does, and compiles what no other has compiled before."""
    process.configure_process()
    if not hasattr(config, "workerinput"):  # pytest-xdist's workers inherit the environment
        folder = tempfile.mkdtemp(prefix="imdb-compiled-")
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
        os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={folder}")
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", folder)


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a second Airflow, with logins, accounts and faults of its own, as slow."""
    for item in items:
        if "whole" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Hand out test files, and as one those whose tests share something of which there is one only.

    The groups of ``--dist=loadgroup`` are without effect: pytest-xdist 3.8 does not know the node ids of pytest 9.2.
    """
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return shared_by(config.rootpath / file) or file

    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


@cache
def shared_by(file: Path) -> str | None:
    """Return the fixture of ``ONE_OF_A_KIND`` that a test or fixture of the file asks for."""
    text = file.read_text("utf8")
    return next((name for name in ONE_OF_A_KIND if re.search(rf"\b{name}: ", text)), None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all processes of this test run see under the same path."""
    return folder_of_all(tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def corpus_folder(shared_folder: Path) -> Path:
    return made_once(shared_folder / "corpus", write_corpus)


@pytest.fixture(scope="session")
def tiny_study(corpus_folder: Path) -> Study:
    """Two small variants, two epochs, seconds of work."""
    source = LocalSource(path=str(corpus_folder))
    return Study(
        cells=("GRU", "LSTM"),
        units=(4,),
        batch_sizes=(16,),
        text=TextSettings(max_tokens=12),
        training=TrainingSettings(epochs=2, learning_rate=0.01),
        reviews=source,
        glove=source,
    )


@pytest.fixture(scope="session")
def finished_study(tiny_study: Study, shared_folder: Path) -> FinishedStudy:
    """``tiny_study``, run once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "/no-such-browser")
        folder = made_once(shared_folder / "finished", lambda draft: FinishedStudy.run(tiny_study, draft))
    return FinishedStudy(tiny_study, folder)


@pytest.fixture(scope="session")
def one_variant_folder(corpus_folder: Path, shared_folder: Path) -> Path:
    """The store of one variant, trained for one epoch by the command line; made once for all tests."""

    def study(draft: Path) -> None:
        assert main(["study", "--store", str(draft), *small_study(corpus_folder)]) == 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "/no-such-browser")
        return made_once(shared_folder / "one-variant", study)


@pytest.fixture
def one_variant_store(one_variant_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(one_variant_folder, tmp_path_factory.mktemp("study") / "store"))


@pytest.fixture(scope="session")
def airflow_with_mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalAirflow, MailCatcher]]:
    """One Airflow for all tests that leave its settings alone, and the server that catches its mail."""
    with started(tmp_path_factory.mktemp("airflow")) as running:
        yield running
