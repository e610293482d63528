import pytest

from imdb_tasks.store import Store
from imdb_tasks.study import History, Variant
from imdb_tasks.ui import training_page

VARIANT = Variant(cell="GRU", units=64, batch_size=32)
RUN = "manual__2026-11-23T00:00:00+00:00"


def history(epochs: int, *, val_loss: float | None = 0.5) -> History:
    falling = tuple(0.7 - 0.1 * epoch / epochs for epoch in range(epochs))
    rising = tuple(1 - value for value in falling)
    return History(
        loss=falling,
        accuracy=rising,
        auc=rising,
        val_loss=(*falling[:-1], val_loss),
        val_accuracy=rising,
        val_auc=rising,
        seconds=(9.0,) * (epochs - 1) + (2.0,),
        samples_per_second=(1_000.0,) * epochs,
    )


def note(store: Store, done: History, *, status: str = "training", epochs: int = 10) -> None:
    store.write_ref(f"trainings/{RUN}/{VARIANT.name}", {"model": "m1"})
    store.write_ref(
        "progress/m1",
        {"run_id": "another", "variant": VARIANT.name, "epoch": done.epochs, "epochs": epochs, "status": status}
        | {"history": done.model_dump(mode="json")},
    )


def test_a_running_training_tells_how_far_it_is_and_how_long_it_will_take(store: Store) -> None:
    note(store, history(4))
    progress = training_page.training_progress(store, RUN, VARIANT, "running")
    assert (progress.variant, progress.state, progress.ended) == ("GRU, 64 units, batches of 32", "training", False)
    assert progress.facts == {
        "Epoch": "4 of 10",
        "Time per epoch": "9.0 s",
        "Time left": "54 s",
        "Throughput": "1,000 reviews/s",
        "Validation accuracy": "0.3750",
        "Validation loss": "0.5000",
    }
    assert progress.epochs == (1, 2, 3, 4)
    assert progress.loss
    assert progress.loss.validation[-1] == 0.5
    assert progress.last_epoch == 10


def test_the_first_epoch_in_which_the_training_is_compiled_tells_nothing_of_the_others(store: Store) -> None:
    slow = history(1).model_copy(update={"seconds": (30.0,)})
    note(store, slow)
    assert training_page.training_progress(store, RUN, VARIANT, "running").facts["Time per epoch"] == "30 s"
    note(store, history(2).model_copy(update={"seconds": (30.0, 3.0)}))
    assert training_page.training_progress(store, RUN, VARIANT, "running").facts["Time left"] == "24 s"


@pytest.mark.parametrize(
    ("status", "task", "state"),
    [
        ("finished", "success", "finished"),
        ("diverged", "running", "diverged"),
        ("training", "failed", "failed"),
    ],
)
def test_a_training_that_has_ended_says_how_and_asks_for_no_other_look(
    store: Store, status: str, task: str, state: str
) -> None:
    note(store, history(4), status=status)
    progress = training_page.training_progress(store, RUN, VARIANT, task)
    assert (progress.state, progress.ended) == (state, True)
    assert progress.facts["Total time"] == "29 s"


def test_a_training_whose_model_was_there_says_so_in_its_own_run_alone(store: Store) -> None:
    note(store, history(4), status="finished")
    store.write_ref(f"trainings/later/{VARIANT.name}", {"model": "m1", "cached": True})
    progress = training_page.training_progress(store, "later", VARIANT, "running")
    assert (progress.state, progress.ended) == ("already in the store", True)
    assert training_page.training_progress(store, RUN, VARIANT, "success").state == "finished"


def test_a_killed_training_that_is_to_be_tried_again_goes_on_being_looked_at(store: Store) -> None:
    note(store, history(4))
    progress = training_page.training_progress(store, RUN, VARIANT, "up_for_retry")
    assert (progress.state, progress.ended) == ("up for retry", False)


@pytest.mark.parametrize(("task", "ended"), [("queued", False), ("running", False), ("success", True)])
def test_without_notes_there_are_words_instead_of_curves(store: Store, task: str, ended: bool) -> None:
    progress = training_page.training_progress(store, RUN, VARIANT, task)
    assert task in progress.state
    assert (progress.ended, progress.facts, progress.loss) == (ended, {}, None)


def test_an_exploded_loss_does_not_flatten_the_curve(store: Store) -> None:
    note(store, history(4, val_loss=578_666.0))
    assert training_page.training_progress(store, RUN, VARIANT, "running").loss_range[1] < 1


def test_a_loss_that_is_not_finite_is_said_and_is_a_gap_in_the_curve(store: Store) -> None:
    note(store, history(4, val_loss=None), status="diverged")
    progress = training_page.training_progress(store, RUN, VARIANT, "success")
    assert progress.facts["Validation loss"] == "not finite"
    assert progress.loss
    assert progress.loss.validation[-1] is None


def test_long_curves_are_thinned_but_keep_their_ends(store: Store) -> None:
    note(store, history(10_000), epochs=10_000)
    progress = training_page.training_progress(store, RUN, VARIANT, "running")
    assert len(progress.epochs) == training_page.POINTS
    assert (progress.epochs[0], progress.epochs[-1]) == (1, 10_000)
    assert progress.loss
    assert len(progress.loss.training) == training_page.POINTS


def test_the_variant_of_a_map_index_follows_from_the_form() -> None:
    conf = {"profile": "custom", "cells": ["LSTM"], "units": [8, 4], "batch_sizes": [16]}
    assert training_page.variant_of(conf, 1) == Variant(cell="LSTM", units=4, batch_size=16)
    assert training_page.variant_of(conf, 2) is None
    assert training_page.variant_of(conf, -1) is None
    assert training_page.variant_of({"epochs": 0}, 0) is None


def test_a_run_keeps_its_variants_when_the_defaults_have_changed(store: Store) -> None:
    title = "LSTM, 16 units, batches of 8"
    store.write_ref(f"trainings/{RUN}/16_LSTM_8", {"model": "m1"})
    store.write_ref(f"trainings/{RUN}/{VARIANT.name}", {"model": "m2"})
    trained = Variant(cell="LSTM", units=16, batch_size=8)
    assert training_page.trained_variant(store, RUN, title, VARIANT) == trained
    assert training_page.trained_variant(store, RUN, title, None) == trained
    assert training_page.trained_variant(store, "another", title, None) is None


def test_before_a_training_starts_the_form_says_which_it_is(store: Store) -> None:
    assert training_page.trained_variant(store, RUN, None, VARIANT) == VARIANT
    assert training_page.trained_variant(store, RUN, VARIANT.title, VARIANT) == VARIANT
