"""How often studies that grow until they are decided are wrong, how often they find what is there, and how soon.

    python -m bench.looks [--studies 400] [--processes 1]

Each scenario simulates whole series: the study is looked at with one replicate, with two, and so on, until every claim
is decided or the most replicates are there, as ``plan`` does it. Beside it: the fixed design, which is looked at once,
with the most replicates; and looking each time at 5 %, without a correction for the looks.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.machine import describe
from imdb_tasks.analysis.claims import read_claims
from imdb_tasks.analysis.contrasts import Measured, Question
from imdb_tasks.analysis.evidence import DECIDED
from imdb_tasks.analysis.growth import Growth
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.analysis.verdicts import verdicts
from imdb_tasks.study import Study
from tests.support.simulation import Simulated, Truth, simulate, with_replicates

CLAIMS = read_claims().claims
RESAMPLES = 50
CELLS = Question("accuracy", "cell", "GRU", "LSTM")


@dataclass(frozen=True)
class Scenario:
    """What is planted, and which of the claims' rulings would be false or right, by the claims' ids."""

    name: str
    truth: Truth
    false: frozenset[tuple[str, str]]
    right: tuple[str, str] | None = None


# Without any effect, each of the four claims has a part that is false, and none that is the wrong way round.
ALL = frozenset((claim.id, ruling) for claim in CLAIMS for ruling in DECIDED)
CELL = frozenset(each for each in ALL if each[0] == "cell")
WITHOUT_CELL = frozenset(each for each in ALL if each != ("cell", "supported"))
BASE = Truth(epochs=12)
SCENARIOS = (
    Scenario("no effect", BASE, ALL),
    Scenario("no effect, heavy tails", replace(BASE, heavy=True), ALL),
    Scenario("no effect, divergence", replace(BASE, heavy=True, failing={"GRU": 0.1, "LSTM": 0.1}), ALL),
    Scenario("equal means", replace(BASE, by_cell={"LSTM": 0.0378}, failing={"LSTM": 0.1}), CELL),
    Scenario("cell +1 point", replace(BASE, by_cell={"GRU": 0.01}), WITHOUT_CELL, ("cell", "supported")),
    Scenario("cell +3 points", replace(BASE, by_cell={"GRU": 0.03}), WITHOUT_CELL, ("cell", "supported")),
    Scenario(
        "cell +3 points, heavy, divergence",
        replace(BASE, by_cell={"GRU": 0.03}, heavy=True, failing={"LSTM": 0.2}),
        WITHOUT_CELL,
        ("cell", "supported"),
    ),
)


@dataclass(frozen=True)
class Series:
    """What came of one series: the rulings, the replicates used for the claim that is right, and the intervals."""

    false: bool
    naive_false: bool
    right: bool
    fixed_right: bool
    used: int
    covered: tuple[bool, ...]


def looks(whole: Simulated, most: int) -> Iterator[tuple[int, Measured, Growth]]:
    """Look at a study with one replicate, with two, and so on: return the number, what was measured, all looks."""
    growth = Growth(most=most)
    for replicates in range(1, most + 1):
        seen = with_replicates(whole, replicates)
        measured = measure(seen.result, seen.tested, RESAMPLES)
        growth = growth.with_look(replicates, verdicts(measured, CLAIMS, growth))
        yield replicates, measured, growth


def series(scenario: Scenario, most: int, seed: int) -> Series:
    """Simulate one series of looks."""
    truth = replace(scenario.truth, study=Study(replicates=most))
    whole = simulate(truth, np.random.default_rng(seed))
    difference = truth.mean(cell="GRU") - truth.mean(cell="LSTM")
    naive, covered, used = set[tuple[str, str]](), list[bool](), most
    for replicates, measured, growth in looks(whole, most):
        alone = verdicts(measured, CLAIMS) if replicates == most or not scenario.right else ()
        naive |= {(verdict.claim, verdict.ruling) for verdict in alone if verdict.ruling in DECIDED}
        answer = measured.answer(CELLS)
        if answer and answer.estimate:
            interval = answer.estimate.interval(1 - growth.alpha(len(CLAIMS), replicates))
            covered.append(interval.low <= difference <= interval.high)
        if scenario.right and scenario.right[0] in growth.decided:
            used = min(used, growth.decided[scenario.right[0]][0])
    decided = {(claim, seen.ruling) for claim, (_, seen) in growth.decided.items()}
    at_once = {(verdict.claim, verdict.ruling) for verdict in alone}
    return Series(
        false=bool(decided & scenario.false),
        naive_false=bool(naive & scenario.false),
        right=scenario.right in decided,
        fixed_right=scenario.right in at_once,
        used=used,
        covered=tuple(covered),
    )


def summary(found: Sequence[Series]) -> str:
    """Return the cells of a table row."""
    share = [
        np.mean([getattr(each, name) for each in found]) for name in ("false", "naive_false", "right", "fixed_right")
    ]
    all_cover = np.mean([all(each.covered) for each in found])
    used = np.mean([each.used for each in found])
    false, naive, right, fixed = (f"{100 * value:.1f} %" for value in share)
    if any(each.right or each.fixed_right for each in found):
        return f"{false} | | {right} | {fixed} | {used:.1f} | {100 * all_cover:.1f} %"
    return f"{false} | {naive} | | | | {100 * all_cover:.1f} %"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--scenarios", nargs="+", choices=[each.name for each in SCENARIOS], metavar="NAME")
    options = parser.parse_args()
    print(describe())
    print(f"{options.studies} series each; four claims share 5 %\n")
    print("| scenario | looks | a false ruling | ... at 5 % each time | right ruling | fixed | replicates | coverage |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(options.processes) as pool:
        for most in (5, 10):
            for scenario in SCENARIOS:
                if options.scenarios and scenario.name not in options.scenarios:
                    continue
                found = list(pool.map(partial(series, scenario, most), range(options.studies), chunksize=5))
                print(f"| {scenario.name} | {most} | {summary(found)} |", flush=True)


if __name__ == "__main__":
    main()
