"""How the cost of training grows: with the corpus, the length of a row, and the size of the layer.

    python -m bench.growth

One single-threaded task, TensorFlow; each factor is varied alone around 64_GRU_64, 2,048 reviews, 100 tokens. The cost
of more variants is the sum of theirs; what Airflow adds for each is in bench.overhead.
"""

import tempfile
from pathlib import Path

from bench import corpus, machine
from bench.pool import Kind, Pool, pools

VARIANT, ROWS, TOKENS = "64_GRU_64", 2_048, 100
FACTORS: dict[str, list[dict[str, int | str]]] = {
    "reviews": [{"rows": rows} for rows in (1_024, 2_048, 4_096, 8_192)],
    "tokens": [{"tokens": tokens} for tokens in (25, 50, 100, 200)],
    "units": [{"variant": f"{units}_GRU_64"} for units in (16, 32, 64, 128, 256)],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        with pools([Kind("ours", "ours", "tensorflow")], Path(scratch)) as [pool]:
            result = {factor: dict(seconds(pool, level) for level in levels) for factor, levels in FACTORS.items()}
    machine.write("growth", {"epoch_seconds": result, "corpus": corpus.name()})


def seconds(pool: Pool, level: dict[str, int | str]) -> tuple[str, float]:
    """Return the level's name and the seconds of one epoch."""
    job = {"variant": VARIANT, "rows": ROWS, "tokens": TOKENS, **level}
    found = job["rows"] / pool.rate(**job)
    print(f"{level}: {found:.2f} s an epoch", flush=True)
    return str(*level.values()), found


if __name__ == "__main__":
    main()
