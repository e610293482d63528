"""How long the trainings of a run will take, from the epochs so far."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from imdb_tasks.study import Study, Variant
from scripts.estimate import Training, about, estimate, models, weights

EPOCHS = 100
START = 10.0
COMPILING = 5.0
RESULT = Path(__file__).parents[2] / "docs/results/jax-gpu.json.gz"


def cpu(variant):
    """Seconds per epoch where the arithmetic takes the time: 22 for 128_GRU."""
    return 22 * weights(variant) / weights(Variant.named("128_GRU_128"))


def gpu(variant):
    """Seconds per epoch where the steps take the time: 1 for batches of 128."""
    return 128 / variant.batch_size


def begun(training, seconds, done=EPOCHS, *, state="running"):
    """Return the training after ``done`` epochs of so many seconds, the first with compilation."""
    history = (seconds + COMPILING, *[seconds] * (done - 1)) if done else ()
    return replace(training, state=state, done=done, seconds=history, elapsed=START + sum(history))


def grid(study=None):
    return [Training(variant, EPOCHS) for variant in (study or Study()).variants]


def ended_until(trainings, count, speed):
    return [begun(each, speed(each.variant), state="ended") for each in trainings[:count]] + trainings[count:]


@pytest.mark.parametrize("done", [0, 1, 2])
def test_there_is_no_estimate_before_three_epochs(done):
    trainings = grid()
    trainings[:2] = [begun(each, 22, done) for each in trainings[:2]]
    assert estimate(trainings, 2, spent=60) is None


def test_there_is_no_estimate_before_each_training_at_work_has_three_epochs():
    trainings = grid()
    trainings[:2] = [begun(trainings[0], 22, 3), begun(trainings[1], 22, 2)]
    assert estimate(trainings, 2, spent=80) is None
    assert estimate([], 2, spent=0) is None


@pytest.mark.parametrize("speed", [cpu, gpu])
def test_two_of_eighteen_tell_the_time_of_all(speed):
    trainings = grid()
    each_takes = [START + COMPILING + EPOCHS * speed(each.variant) for each in trainings]
    trainings[:2] = [begun(each, speed(each.variant), 3) for each in trainings[:2]]
    spent = max(each.elapsed for each in trainings)
    found = estimate(trainings, 2, spent)
    assert found.low == found.high
    # At best both slots end together; at worst one waits while the other runs the longest training.
    assert sum(each_takes) / 2 <= spent + found.low <= (sum(each_takes) + max(each_takes)) / 2
    assert found.whole.endswith("(18 trainings, 2 side by side; from the first 3 epochs)")


def test_the_words_of_a_study_on_two_cores():
    trainings = grid()
    trainings[:2] = [begun(each, 22, 3) for each in trainings[:2]]
    found = estimate(trainings, 2, spent=81)
    assert found.whole == "about 3 h 15 min (18 trainings, 2 side by side; from the first 3 epochs)"
    assert found.left == "still about 3 h 15 min"


def test_the_last_one_takes_what_its_own_epochs_say():
    trainings = ended_until(grid(), 17, cpu)
    trainings[17] = begun(trainings[17], 7, 40)
    found = estimate(trainings, 2, spent=10_000)
    assert (found.low, found.high) == (60 * 7, 60 * 7)
    assert found.left == "still about 7 min"


def test_nothing_is_left_after_the_last():
    assert estimate(ended_until(grid(), 18, cpu), 2, spent=10_000).high == 0


def test_a_training_slower_than_the_others_foretell_counts_as_it_is():
    trainings = ended_until(grid(), 16, cpu)
    trainings[16:] = [begun(trainings[16], 60, 10), begun(trainings[17], 3, 10)]
    assert estimate(trainings, 2, spent=10_000).low == 90 * 60


def test_the_last_ten_epochs_count_when_the_machine_gets_busy():
    trainings = ended_until(grid(), 17, cpu)
    slower = begun(trainings[17], 3, 50)
    trainings[17] = replace(slower, seconds=(*slower.seconds[:40], *[30.0] * 10))
    assert estimate(trainings, 2, spent=10_000).low == 50 * 30


def test_a_busy_hour_counts_for_the_training_in_it_and_not_for_those_to_come():
    trainings = ended_until(grid(Study(cells=("GRU",), units=(128,))), 1, cpu)
    calm = begun(trainings[1], 22, 50)
    busy = (*calm.seconds[:40], *[100.0] * 10)
    trainings[1] = replace(calm, seconds=busy, elapsed=START + sum(busy))
    assert estimate(trainings, 1, spent=0).low == pytest.approx(50 * 100 + START + COMPILING + EPOCHS * 22)


def test_replicates_alone_cannot_tell_and_give_a_range_that_holds_both_truths():
    trainings = grid(Study(replicates=2))
    assert [each.variant.name for each in trainings[:2]] == ["128_GRU_128", "128_GRU_128_r1"]
    for speed in (cpu, gpu):
        truth = sum(EPOCHS * speed(each.variant) + START + COMPILING for each in trainings) / 2
        running = [begun(each, speed(each.variant), 3) for each in trainings[:2]]
        found = estimate([*running, *trainings[2:]], 2, spent=0)
        assert found.low * 0.95 < truth < found.high * 1.05
        assert found.high > 1.5 * found.low
        assert " to " in found.whole
    assert "(36 trainings," in found.whole


def test_with_another_batch_size_replicates_no_longer_give_a_range():
    trainings = ended_until(grid(Study(replicates=2)), 3, cpu)
    found = estimate(trainings, 2, spent=0)
    assert found.low == found.high


def test_a_training_on_its_way_counts_from_its_checkpoint():
    trainings = ended_until(grid(Study(units=(128,), cells=("GRU",))), 2, cpu)
    whole = estimate(trainings, 1, spent=0).low
    trainings[2] = replace(trainings[2], done=75)
    assert whole - estimate(trainings, 1, spent=0).low == pytest.approx(75 * 22)


def test_models_in_the_store_take_no_time_and_are_no_evidence():
    cached = [replace(each, state="ended", done=EPOCHS) for each in grid()]
    assert estimate(cached, 2, spent=5) is None
    cached[17] = begun(cached[17], 4, 10)
    found = estimate(cached, 2, spent=60)
    assert found.low == 90 * 4
    assert "(1 training, one at a time; from the first 10 epochs)" in found.whole


def test_a_start_is_counted_for_each_training_to_come_and_not_the_compilation_in_each_epoch():
    trainings = grid(Study(cells=("GRU",), units=(128,), batch_sizes=(128, 64)))
    trainings[0] = begun(trainings[0], 1, EPOCHS, state="ended")
    assert estimate(trainings, 1, spent=0).low == pytest.approx(START + COMPILING + EPOCHS * 1)


def test_a_demo_of_fewer_epochs_is_estimated_from_its_trainings():
    trainings = [replace(each, epochs=2) for each in grid()]
    trainings[:2] = [begun(each, 1, 2) for each in trainings[:2]]
    assert estimate(trainings, 2, spent=20).low == pytest.approx(8 * (START + COMPILING + 2), rel=0.1)


@pytest.mark.parametrize("count", [2, 4, 9, 12])
def test_the_model_foretells_the_epochs_of_a_real_study_on_a_gpu(count):
    rows = json.loads(gzip.decompress(RESULT.read_bytes()))["variants"]
    trainings = [begun(Training(Variant.model_validate(row["variant"]), EPOCHS), 1) for row in rows]
    trainings = [
        replace(each, seconds=tuple(row["training"]["history"]["seconds"]))
        for each, row in zip(trainings, rows, strict=True)
    ]
    (model,) = models(trainings[:count])
    foretold = sum(model(each.variant) for each in trainings[count:])
    assert foretold == pytest.approx(sum(each.usual_seconds for each in trainings[count:]), rel=0.25)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "about 1 min"),
        (200, "about 3 min"),
        (3_599, "about 1 h 00 min"),
        (14_950, "about 4 h 10 min"),
    ],
)
def test_a_time_is_said_no_more_exactly_than_it_is_known(seconds, words):
    assert about(seconds, seconds) == words


def test_a_range_says_both_ends():
    assert about(7_200, 18_000) == "about 2 h 00 min to 5 h 00 min"
