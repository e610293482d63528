"""How a training process uses the machine. Everything here works through the environment, before Keras is imported."""

import contextlib
import logging
import os
import platform
import re
import resource
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from imdb_tasks.revision import source_revision
from imdb_tasks.settings import CodeSettings, KerasSettings, ThreadSettings

log = logging.getLogger(__name__)

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CPUINFO = Path("/proc/cpuinfo")
_PACKAGES = ("keras", "numpy", "pandas", "scikit-learn", "apache-airflow")
# What may change the last digits of a result, besides versions and device.
_NUMERICS = ("OMP_NUM_THREADS", "NPROC", "XLA_FLAGS", "TF_XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "NVIDIA_TF32_OVERRIDE")


def backend() -> str:
    """Return the Keras backend that ``KERAS_BACKEND`` names, ``tensorflow`` by default, without importing Keras."""
    return KerasSettings.read().backend


def load_keras() -> None:
    """Import Keras and its backend, with threads, precision, GPU memory and logging set as this project wants them.

    TensorFlow greets every process on standard error, which Airflow shows as errors; here that is debug output, unless
    the import fails.
    """
    configure_process()
    said: list[str] = []
    try:
        with _standard_error_to(said):
            import keras  # noqa: F401
    except BaseException:
        sys.stderr.writelines(said)
        raise
    log.debug("%s", "".join(said))
    _fix_precision()


def _fix_precision() -> None:
    """Compute in full float32, whatever ``~/.keras/keras.json`` or a GPU's default says: no result's key names them."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    # A GPU with TensorFloat-32 would round the inputs of matrix products to 10 bits.
    if backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")  # type: ignore[no-untyped-call]
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(enabled=False)


@contextlib.contextmanager
def _standard_error_to(lines: list[str]) -> Iterator[None]:
    """Collect what the process writes to standard error, C++ included."""
    sys.stderr.flush()
    descriptor = os.dup(2)
    with tempfile.TemporaryFile("w+", encoding="utf8", errors="replace") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(descriptor, 2)
            os.close(descriptor)
            file.seek(0)
            lines.extend(file)


def configure_process() -> None:
    """Set threads, GPU memory and log level for a process that is about to import Keras.

    One thread unless ``IMDB_TRAINING_THREADS`` says otherwise: two single-threaded training tasks side by side beat
    one with two threads. GPU memory is taken as needed, so that several tasks share a card. What is set already stays.
    """
    threads = str(ThreadSettings.read().threads)
    settings = {
        "KERAS_BACKEND": backend(),
        "OMP_NUM_THREADS": threads,
        "NPROC": threads,  # how many threads XLA takes on a CPU; its own flags do not reach all of its matrix products
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow reports the absence of a GPU as an error otherwise
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    if threads == "1":
        settings["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def device() -> str:
    """Name the device that Keras computes on, such as ``CPU`` or ``NVIDIA H100``. Imports the backend."""
    if backend() == "jax":
        import jax

        found = jax.devices()[0]
        return "CPU" if found.platform == "cpu" else str(found.device_kind)
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(cards[0]).get("device_name", "GPU")) if cards else "CPU"


def reset_peak_memory() -> None:
    """Let ``peak_memory_bytes`` count anew from what is held now, so that one training's is not that of one before it.

    Only Linux can (proc_pid_clear_refs(5)). Where it may not be done, as in a process that hides its memory from
    others, the peak stays that of the whole process, and nothing is said: the figure is then too high at worst.
    """
    with contextlib.suppress(OSError):
        _CLEAR_REFS.write_text("5")


def peak_memory_bytes() -> int:
    """Return the largest resident size that this process has had since the last reset, or since it began."""
    # Linux hands ru_maxrss on from whatever process started this one, and a reset cannot take that back.
    with contextlib.suppress(OSError):
        if found := re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE):
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on, without importing them.

    A backend that is installed and not used is not among them.
    """
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in (*_PACKAGES, backend()):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def environment() -> dict[str, str]:
    """Return the processor and the variables that are set, of those that may change the last digits of a result."""
    found = {name: os.environ[name] for name in _NUMERICS if name in os.environ}
    return {"processor": _processor(), **found}


def _processor() -> str:
    """Name the processor: XLA compiles for its instructions."""
    with contextlib.suppress(OSError):
        if found := re.search(r"^model name\s*:\s*(.+)$", _CPUINFO.read_text(), re.MULTILINE):
            return found[1]
    return platform.processor() or platform.machine()


def code_revision() -> str:
    """Return ``IMDB_CODE_REVISION``, which the image sets, else what the code's own place says."""
    return CodeSettings.read().revision or source_revision()
