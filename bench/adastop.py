"""This project's rule and AdaStop on the same simulated series: is GRU better than LSTM, after 1 to 5 replicates?

    pip install adastop==0.1.3
    python -m bench.adastop [--studies 400]

AdaStop (T. Mathieu and others, 2023) compares agents, of which it knows one score for each training, by
group-sequential permutation tests. Here the two agents are the cells, and each replicate adds the nine test accuracies
of a cell. Both rules have the level of one claim of four, 5 % / 4, over the series.
"""

import argparse
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from bench.looks import CLAIMS, RESAMPLES, SCENARIOS, Scenario, looks
from bench.machine import describe
from imdb_tasks.analysis.evidence import ALPHA, VerdictValue
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.study import Cell, Study, Variant
from tests.support.simulation import simulate

MOST = 5
PERMUTATIONS = 2_000  # five of them are the level of a look; AdaStop's default is 10,000
[CELL] = [claim for claim in CLAIMS if claim.id == "cell"]
SAME: dict[str, VerdictValue] = {"larger": "supported", "smaller": "contradicted", "equal": "not decided"}


@dataclass(frozen=True)
class Ruling:
    """What a series came to, and after how many replicates; all of them where nothing was decided."""

    ruling: VerdictValue
    used: int


def series(scenario: Scenario, seed: int) -> tuple[Ruling, Ruling]:
    """Return what this project's rule and AdaStop make of one series."""
    whole = simulate(replace(scenario.truth, study=Study(replicates=MOST)), np.random.default_rng(seed))
    ours = Ruling("not decided", MOST)
    for replicates, _, growth in looks(whole, MOST):
        if CELL.id in growth.decided:
            ours = Ruling(growth.decided[CELL.id][1].ruling, replicates)
            break
    values = measure(whole.result, whole.tested, RESAMPLES).values["accuracy"]
    return ours, adastop(values, seed)


def adastop(values: dict[Variant, float], seed: int) -> Ruling:
    """Let AdaStop decide on all accuracies of a study."""
    cells: tuple[Cell, Cell] = ("GRU", "LSTM")
    scores = {
        cell: [
            [value for variant, value in values.items() if (variant.cell, variant.replicate) == (cell, replicate)]
            for replicate in range(MOST)
        ]
        for cell in cells
    }
    compare = import_module("adastop").MultipleAgentsComparator(
        n=len(scores["GRU"][0]), K=MOST, B=PERMUTATIONS, alpha=ALPHA / len(CLAIMS), seed=seed
    )
    for replicates in range(1, MOST + 1):
        known = {cell: np.concatenate(scores[cell][:replicates]) for cell in cells}
        compare.partial_compare(known, verbose=False)
        [decision] = compare.decisions.values()
        if compare.is_finished:
            return Ruling(SAME[decision], replicates)
    raise AssertionError("AdaStop ends with its last look")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    options = parser.parse_args()
    print(describe())
    print("| planted | ruling | this project | replicates | AdaStop | replicates |")
    print("|---|---|---|---|---|---|", flush=True)
    for scenario in SCENARIOS:
        both = [series(scenario, seed) for seed in range(options.studies)]
        wanted = {scenario.right[1]} if scenario.right else {"supported", "contradicted"}
        cells = [
            f"{100 * np.mean([each.ruling in wanted for each in found]):.1f} % | {np.mean([e.used for e in found]):.1f}"
            for found in zip(*both, strict=True)
        ]
        print(f"| {scenario.name} | {'right' if scenario.right else 'false'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
