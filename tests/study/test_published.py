import pytest

from imdb_tasks.resources import SAMPLE
from imdb_tasks.study.grid import LocalSource, Study, TextSettings, TrainingSettings
from imdb_tasks.study.published import deviations, is_original, published_study, ruling_scope, scope
from imdb_tasks.study.records import DataCard
from tests.support.study_results import demo_result, original_card, study_result


def test_the_published_table_has_the_18_variants_in_the_study_order():
    names = [(row["cell"], row["units"], row["batch_size"]) for row in published_study()["variants"]]
    assert names == [(v.cell, v.units, v.batch_size) for v in Study().variants]


def test_the_published_best_is_gru_32_64():
    winner = max(published_study()["variants"], key=lambda row: row["accuracy"])
    assert (winner["cell"], winner["units"], winner["batch_size"], winner["accuracy"]) == ("GRU", 32, 64, 0.8632)


def test_the_original_study_deviates_in_nothing():
    assert deviations(study_result()) == []


def test_every_deviation_is_named():
    study = Study(text=TextSettings(max_tokens=50), training=TrainingSettings(epochs=3, learning_rate=0.001))
    found = deviations(study_result(study, card=demo_result().data_card))
    assert found[0] == "3 of 100 epochs"
    assert "2,000 reviews instead of 50,000" in found
    assert "max tokens 50 instead of 100" in found
    assert "learning rate 0.001 instead of 0.0001" in found


def test_another_row_order_deviates_in_its_vocabulary_alone():
    card = original_card().model_copy(update={"vocabulary_size": 92_333})
    result = study_result(card=card)
    assert deviations(result) == ["92,333 words in the vocabulary instead of 92,547"]
    assert is_original(result)


@pytest.mark.parametrize(
    "study",
    [
        Study(),
        Study(cells=("GRU",), units=(7, 128), batch_sizes=(16,)),
        Study(replicates=3),
        Study(training=TrainingSettings(seed=7)),
        Study(reviews=LocalSource(path="/data"), glove=LocalSource(path="/data/glove")),
    ],
    ids=["original", "grid", "replicates", "seed", "place"],
)
def test_grid_replicates_seed_and_place_leave_a_study_comparable(study: Study) -> None:
    result = study_result(study)
    assert is_original(result)
    assert ruling_scope(result) == ""


@pytest.mark.parametrize(
    "study",
    [
        Study(training=TrainingSettings(epochs=99)),
        Study(training=TrainingSettings(epochs=101)),
        Study(training=TrainingSettings(learning_rate=0.05)),
        Study(training=TrainingSettings(validation_fraction=0.1)),
        Study(text=TextSettings(max_tokens=10)),
        Study(text=TextSettings(vocabulary_limit=200)),
        Study(text=TextSettings(dimensions=50)),
        Study(text=TextSettings(test_fraction=0.1)),
        Study(text=TextSettings(split_seed=1)),
        Study(text=TextSettings(max_tokens=10, vocabulary_limit=200), training=TrainingSettings(learning_rate=0.05)),
    ],
    ids=lambda study: "; ".join(deviations(study_result(study))),
)
def test_a_setting_of_text_or_training_makes_another_study(study: Study) -> None:
    result = study_result(study)
    assert not is_original(result)
    assert ruling_scope(result) == "in this study"


@pytest.mark.parametrize("number", [{"rows": 49_999}, {"glove_words": 20_000}], ids=str)
def test_other_reviews_or_vectors_make_another_study(number: dict[str, int]) -> None:
    assert not is_original(study_result(card=changed(original_card(), number)))


def test_the_sample_is_another_study_whatever_it_counts() -> None:
    result = study_result(Study(reviews=LocalSource(path=str(SAMPLE)), glove=LocalSource(path=str(SAMPLE))))
    assert not is_original(result)
    assert ruling_scope(result) == "on this sample"
    assert deviations(result) == ["a synthetic sample, no real reviews"]


def test_the_seed_is_a_deviation_all_the_same() -> None:
    assert deviations(study_result(Study(training=TrainingSettings(seed=7)))) == ["seed 7 instead of 42"]


def test_the_scope_names_epoch_split_corpus_and_learning_rate() -> None:
    study = Study(training=TrainingSettings(epochs=1_000, learning_rate=0.00005))
    assert scope(study_result(study)) == (
        "All test metrics are after the last epoch (1,000), on one split of one corpus, with one learning rate (5e-05):"
        " others could rank the models differently."
    )


def changed(card: DataCard, update: dict[str, int]) -> DataCard:
    return card.model_copy(update=update)
