"""*Curves* of a training task in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from imdb_tasks.store import Store
from imdb_tasks.study import Study, TrainingRecord, TrainingSettings, Variant
from imdb_tasks.ui import curves_page, training_progress
from tests.support.shown_pages import DESK, ROOT, SCREENS, Screen, Shown, shown
from tests.support.study_results import training_record

VARIANT = Variant(cell="LSTM", units=64, batch_size=64)


@contextmanager
def curves(browser: Browser, store: Store, record: TrainingRecord, screen: Screen = DESK) -> Iterator[Shown]:
    about = {"run_id": "run", "variant": VARIANT.name, "epoch": record.history.epochs, "epochs": record.history.epochs}
    store.write_ref(f"trainings/run/{VARIANT.name}", {"model": "m"})
    store.write_ref("progress/m", {**about, "status": record.status, "history": record.history.model_dump(mode="json")})
    progress = training_progress(store, "run", VARIANT, "success")
    page, data = curves_page(progress, ROOT, "training"), progress.model_dump(mode="json")
    with shown(browser, {"curves": page}, "curves", screen, data=data) as seen:
        seen.page.locator("#accuracy .trace").first.wait_for()
        yield seen


def trained(epochs: int = 100, *, stop: int | None = None, exploding: bool = False) -> TrainingRecord:
    study = Study(training=TrainingSettings(epochs=epochs))
    return training_record(VARIANT, study, stop=stop, exploding=exploding)


def ticks(seen: Shown, chart: str, axis: str) -> list[str]:
    return seen.page.locator(f"#{chart} .{axis}tick text").all_text_contents()


@pytest.mark.parametrize("width", [1_280, 360])
@pytest.mark.parametrize("epochs", [1, 4, 30, 2_000])
def test_every_tick_is_a_whole_epoch_and_no_label_stands_twice(
    browser: Browser, store: Store, epochs: int, width: int
) -> None:
    with curves(browser, store, trained(epochs), Screen(width=width)) as seen:
        for chart in ("loss", "accuracy"):
            labels = ticks(seen, chart, "x")
            assert labels
            assert all(float(label.replace(",", "").replace("−", "-")).is_integer() for label in labels)
            assert len(set(labels)) == len(labels)
            across = ticks(seen, chart, "y")
            assert len(set(across)) == len(across) > 1
        assert seen.faults == []


def test_an_explosion_leaves_the_rest_of_the_chart_readable_and_is_told(browser: Browser, store: Store) -> None:
    with curves(browser, store, trained(exploding=True)) as seen:
        highest = max(float(label.replace("−", "-")) for label in ticks(seen, "loss", "y"))
        assert highest < 2
        assert "at most 578,666.88" in seen.page.inner_text("#remarks")


def test_a_loss_that_was_not_finite_is_told_in_a_sentence(browser: Browser, store: Store) -> None:
    with curves(browser, store, trained(stop=12)) as seen:
        assert "Not finite: the training loss after epoch 12" in seen.page.inner_text("#remarks")


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_the_page_is_there_for_everybody(browser: Browser, store: Store, screen: Screen) -> None:
    with curves(browser, store, trained(exploding=True), screen) as seen:
        assert seen.axe() == []
        assert not seen.is_wider_than_the_screen()
        assert seen.faults == []
