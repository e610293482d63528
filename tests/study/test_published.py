from imdb_tasks.study.grid import Study, TextSettings, TrainingSettings
from imdb_tasks.study.published import deviations, differs_from_original, published_study
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
    assert not differs_from_original(result)
