"""Write the figures of bench/results into docs/performance.md, between its markers. ``make bench`` calls this last.

python -m bench.tables
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.machine import RESULTS
from bench.stacked import ALONE, STACKED

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
OURS = ("tensorflow", "jax")
Result = dict[str, Any]


def main() -> None:
    text = PAGE.read_text("utf8")
    for name, render in TABLES.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            result = json.loads(path.read_text("utf8"))
            block = f"<!-- {name} -->\n{render(result)}\n\n{origin(result)}\n<!-- /{name} -->"
            text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    PAGE.write_text(text, "utf8")
    print(f"written: {PAGE}")


def table(head: list[str], rows: list[list[object]]) -> str:
    """Return a Markdown table; numbers stand to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, rule, *rows])


def origin(result: Result) -> str:
    """Say what the figures were measured on."""
    machine = result["machine"]
    cores = f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB"
    return f"*{cores}, Python {machine['python']}, no GPU used unless named; {result['when']}.*"


def training(result: Result) -> str:
    rows = [
        [variant, f"{rates['original']:,.0f}"]
        + [f"{rates[kind]:,.0f} ({rates[kind] / rates['original']:.1f}x)" for kind in OURS]
        for variant, rates in result["rates"].items()
    ]
    seconds, floor = result["epoch_seconds"], result["floor_seconds"]
    total = [
        f"{seconds['original']:.0f} s",
        *(f"{seconds[kind]:.0f} s ({result['ratio'][kind]:.2f}x)" for kind in OURS),
    ]
    shares = [f"{result['share_of_floor'][kind]:.0%}" for kind in ("original", *OURS)]
    head = ["reviews per second", "original, `fit`", "ours, TensorFlow", "ours, JAX"]
    return "\n".join([
        table(head, [*rows, ["one epoch of all 18", *total], ["share of the floor", *shares]]),
        "",
        f"{result['corpus']}, {result['rows']:,} of the 32,000 training reviews, medians of {result['repeats']} "
        f"repeats. The floor is {floor:.0f} s, at {result['matrix_product_gflops']:.0f} GFLOP/s of large products.",
    ])  # fmt: skip


def full_size(result: Result) -> str:
    rows = [
        [v, f"{rates['original']:,.0f}"]
        + [f"{rates[kind]:,.0f} ({rates[kind] / rates['original']:.1f}x)" for kind in OURS]
        for v, rates in result["rates"].items()
    ]
    total = ["together", "", *(f"{result['ratio'][kind]:.2f}x" for kind in OURS)]
    return table([f"at {result['rows']:,} reviews", "original, `fit`", "ours, TensorFlow", "ours, JAX"], [*rows, total])


def parts(result: Result) -> str:
    rows = [
        [name, f"{r['whole']:,.0f}", f"{r['products']:,.0f}", f"{r['large']:,.0f}", f"{r['whole'] / r['products']:.0%}",
         f"{r['products'] / r['large']:.0%}"]
        for name, r in result["rates"].items()
    ]  # fmt: skip
    head = ["reviews per second, one thread", "whole step", "its products alone", "the same count as large products"]
    return table([*head, "step / products", "products / large"], rows)


def preprocessing(result: Result) -> str:
    rows = [[name, f"{m['seconds']:.1f} s", f"{m['peak_mb']:,.0f} MB"] for name, m in result["medians"].items()]
    growth = ", ".join(f"{float(share):.0%} of the reviews {s:.1f} s" for share, s in result["growth"].items())
    equal = "bit-equal" if result["bit_equal"] else "NOT EQUAL"
    return "\n".join([
        table([result["corpus"], "time", "peak memory"], [*rows, ["original / ours", f"{result['ratio']:.2f}", ""]]),
        "",
        f"Medians of {result['repeats']} repeats; the arrays are {equal}. Ours on {growth}, with the same GloVe file.",
    ])  # fmt: skip


def overhead(result: Result) -> str:
    first, cached, nothing = (result["runs"][name] for name in ("first", "cached", "nothing"))
    parse = result["parse_seconds"]
    figures = [
        ["the job of `make demo`, 18 variants, 3 epochs", f"{first['job_seconds']:.0f} s"],
        ["a cached re-run of it", f"{cached['job_seconds']:.1f} s"],
        ["a cached mapped task, wall time each", f"{cached['seconds_per_mapped_task']:.2f} s"],
        ["a mapped task that does nothing, same Airflow", f"{nothing['seconds_per_mapped_task']:.2f} s"],
        ["ratio of the two", f"{result['mapped_task_ratio']:.2f}"],
        ["importing the DAG file, beyond Airflow's own SDK", f"{parse['dag_file']:.2f} s"],
        ["importing Airflow's SDK", f"{parse['airflow_sdk']:.2f} s"],
        *([f"cached re-run with {variants} variants", f"{s:.1f} s"] for variants, s in result["growth"].items()),
    ]
    steps = [[step, f"{m['seconds']:.1f} s", f"{m['peak_mb']:,.0f} MB"] for step, m in result["steps"].items()]
    head = [f"step by itself, {result['corpus_of_steps']}", "time", "peak memory"]
    return "\n".join([table(["Airflow, the bundled sample", "measured"], figures), "", table(head, steps)])


def growth(result: Result) -> str:
    rows = []
    for factor, levels in result["epoch_seconds"].items():
        rows += [[f"{factor}: {level}", f"{seconds:.2f} s"] for level, seconds in levels.items()]
    return table(["64_GRU_64, 2,048 reviews, 100 tokens; one factor changed", "one epoch"], rows)


def checkpoint(result: Result) -> str:
    rows = [
        [name, f"{m['epoch_seconds']:.2f} s", f"{m['save_seconds'] * 1000:.1f} ms", f"{m['share']:.3%}"]
        for name, m in result["variants"].items()
    ]
    return table(["32,000 reviews, one thread", "one epoch", "one checkpoint", "share"], rows)


def gpu(result: Result) -> str:
    rows = [[kind, f"{s:.1f} s", f"{result['study_seconds_extrapolated'][kind] / 60:.1f} min"]
            for kind, s in result["epoch_seconds"].items()]  # fmt: skip
    return table([result["settings"]["card"], "one epoch of all 18", "the study, extrapolated"], rows)


def stacked(result: Result) -> str:
    alone, together = (kind.name for kind in (ALONE, STACKED))
    rows = [
        [v, f"{rates[alone]:,.0f}", f"{rates[together]:,.0f} ({rates[together] / rates[alone]:.2f}x)"]
        for v, rates in result["rates"].items()
    ]
    head = ["reviews per second, JAX, one thread", "one after the other", f"{result['replicates']} replicates stacked"]
    return table(head, rows)


def cluster(result: Result) -> str:
    parts = ("scheduler", "delivery", "task")
    rows = [
        [f"{int(size):,}", f"{m['seconds'] / int(size):.2f} s", f"{m['first_start_seconds']:.1f} s",
         *(f"{m['waits'][part]['median']:.2f} s ({m['waits'][part]['p95']:.2f} s)" for part in parts),
         f"{m['database_kb_per_task']:.1f} kB", f"{sum(m['peak_mb'].values()):,.0f} MB"]
        for size, m in result["empty"].items()
    ]  # fmt: skip
    head = [f"tasks that do nothing, {result['slots']} slots", "wall time a task", "first start after"]
    head += ["scheduler's lag", "delivery", "in the task", "database a task", "memory, all services"]
    one = result["workers"]["1"]["seconds"]
    workers = [
        [count, f"{m['variants']}", f"{m['seconds']:.0f} s ({one / m['seconds']:.2f}x)"]
        for count, m in result["workers"].items()
    ]
    return "\n".join([
        table(head, rows),
        "",
        table(["training workers, one slot each", "variants", "from first start to last end"], workers),
    ])  # fmt: skip


TABLES: dict[str, Callable[[Result], str]] = {
    "training": training,
    "training-full-size": full_size,
    "parts": parts,
    "preprocessing": preprocessing,
    "overhead": overhead,
    "growth": growth,
    "checkpoint": checkpoint,
    "gpu": gpu,
    "stacked": stacked,
    "cluster": cluster,
}

if __name__ == "__main__":
    main()
