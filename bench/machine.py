"""What a figure was measured on, and where it is written."""

import datetime
import json
import os
import platform
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"


def describe() -> dict[str, object]:
    """Return cores, processor, memory, Python and system."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": platform.platform(aliased=True, terse=True),
    }


def write(name: str, result: dict[str, object]) -> Path:
    """Write ``bench/results/NAME.json`` with the machine and the day, and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    whole = {**result, "machine": describe(), "when": today}
    path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", "utf8")
    print(f"written: {path}")
    return path


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
