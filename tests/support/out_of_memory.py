"""Print how much address space, in bytes, a process that trains a small variant needs on this machine.

python -m tests.support.out_of_memory STUDY-JSON STORE VARIANT
"""

import re
import sys
from pathlib import Path

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import Study

if __name__ == "__main__":
    steps = Steps(Study.model_validate_json(sys.argv[1]), Store(sys.argv[2]))
    steps.fetch_reviews()
    steps.fetch_glove()
    steps.prepare()
    steps.train(steps.variant(sys.argv[3]))
    peak = re.search(r"VmPeak:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    print(int(peak[1]) * 1024)
