import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.training import process


def test_tensorflow_is_the_backend_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert process.backend() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert process.backend() == "jax"


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(SettingsError, match="expected one of tensorflow, jax, found 'theano'"):
        process.backend()


def test_a_training_process_gets_one_thread_and_what_was_set_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "XLA_FLAGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    process.configure_process()
    assert (os.environ["TF_NUM_INTRAOP_THREADS"], os.environ["OMP_NUM_THREADS"]) == ("1", "7")


@pytest.mark.slow
def test_tensorflows_greetings_do_not_reach_standard_error() -> None:
    script = (
        "from imdb_tasks.training import process; process.load_keras(); import sys; assert 'tensorflow' in sys.modules"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_a_users_keras_file_changes_no_result(tmp_path: Path, backend: str) -> None:
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "float16", "epsilon": 0.1, "backend": "torch"}))
    script = """if True:
        from imdb_tasks.training import process
        process.load_keras()
        import keras
        print(keras.backend.backend(), keras.config.floatx(), keras.config.epsilon())
        print(keras.layers.Dense(1)(keras.ops.ones((1, 1))).dtype)
    """
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    words = done.stdout.replace("<dtype: 'float32'>", "float32").split()
    assert words == [backend, "float32", "1e-07", "float32"]


def test_what_may_change_the_last_digits_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    found = process.environment()
    assert found["XLA_FLAGS"] == "--xla_cpu_enable_fast_math=true"
    assert "TF_ENABLE_ONEDNN_OPTS" not in found
    assert found["processor"]


def test_a_backend_that_cannot_be_imported_keeps_its_words(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("import os; os.write(2, b'no such library'); raise ImportError('broken')")
    script = "from imdb_tasks.training import process; process.load_keras()"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert "no such library" in done.stderr
    assert "ImportError: broken" in done.stderr


@pytest.mark.parametrize("threads", ["0", "-1", "two"])
def test_a_senseless_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setenv("IMDB_TRAINING_THREADS", threads)
    with pytest.raises(SettingsError, match="IMDB_TRAINING_THREADS: expected a whole number from 1"):
        process.configure_process()


def test_versions_are_told_without_importing_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert {"python", "keras", "numpy", "apache-airflow", "tensorflow"} <= process.versions().keys()
    assert "jax" not in process.versions()  # installed, and not used


def test_the_code_revision_can_be_given_by_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMDB_CODE_REVISION", "abc123")
    assert process.code_revision() == "abc123"


def test_peak_memory_is_in_bytes() -> None:
    assert 10_000_000 < process.peak_memory_bytes() < 1_000_000_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can count anew")
def test_after_a_reset_the_peak_is_that_of_what_came_since() -> None:
    large = bytes([1]) * 300_000_000
    with_it = process.peak_memory_bytes()
    del large
    assert process.peak_memory_bytes() == pytest.approx(with_it, rel=0.01)  # the kernel counts by the batch
    process.reset_peak_memory()
    assert process.peak_memory_bytes() < with_it - 250_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only there it would be")
def test_the_peak_is_not_that_of_the_process_that_started_this_one() -> None:
    large = bytes([1]) * 300_000_000
    script = "from imdb_tasks.training import process; print(process.peak_memory_bytes())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < len(large) / 2


def test_where_the_peak_cannot_be_reset_it_is_that_of_the_whole_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("_STATUS", "_CLEAR_REFS"):
        monkeypatch.setattr(process, name, tmp_path / "no" / "such")
    large = bytes([1]) * 100_000_000
    process.reset_peak_memory()
    assert process.peak_memory_bytes() > len(large)
