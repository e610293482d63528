import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.findings import (
    best,
    best_of_best_setting,
    deviations,
    is_another_study,
    label,
    margin,
    one_line,
    published,
    rows,
    signed,
    wilson,
)
from imdb_tasks.results import StudyResult
from imdb_tasks.study import Study, TextSettings, TrainingSettings, Variant
from tests.study_results import demo_result, original_card, study_result


def nothing_finished(status: str = "missing") -> StudyResult:
    names = {variant.name: "no worker" for variant in Study().variants}
    if status == "diverged":
        return study_result(diverged=dict.fromkeys(names, 1), missing={})
    return study_result(missing=names)


def test_the_published_table_has_the_18_variants_in_the_study_order():
    names = [(row["cell"], row["units"], row["batch_size"]) for row in published()["variants"]]
    assert names == [(v.cell, v.units, v.batch_size) for v in Study().variants]


def test_the_published_best_is_gru_32_64():
    winner = max(published()["variants"], key=lambda row: row["accuracy"])
    assert (winner["cell"], winner["units"], winner["batch_size"], winner["accuracy"]) == ("GRU", 32, 64, 0.8632)


def test_a_label_names_cell_units_and_batch_size_and_a_later_replicate():
    assert label(Variant(cell="GRU", units=32, batch_size=64)) == "GRU-32/64"
    assert label(Variant(cell="LSTM", units=16, batch_size=8, replicate=2)) == "LSTM-16/8 r2"


def test_the_best_model_is_of_the_best_setting_and_not_its_luckiest_rival():
    study = Study(cells=("GRU", "LSTM"), units=(32,), batch_sizes=(64,), replicates=2)
    result = study_result(study, diverged={}, exploding=(), missing={})
    accuracies = {("GRU", 0): 0.80, ("GRU", 1): 0.90, ("LSTM", 0): 0.86, ("LSTM", 1): 0.87}
    changed = tuple(
        row.model_copy(
            update={"test": row.test.model_copy(update={"accuracy": accuracies[variant.cell, variant.replicate]})}
        )
        for row in result.variants
        if (variant := row.variant)
    )
    table = rows(result.model_copy(update={"variants": changed}))
    assert best(table).label == "GRU-32/64 r1"
    assert best_of_best_setting(table).label == "LSTM-32/64 r1"
    assert best_of_best_setting(rows(nothing_finished())) is None


def test_a_diverged_variant_is_told_in_words_and_has_no_number():
    row = next(row for row in rows(study_result()) if row.result.variant.name == "32_LSTM_128")
    assert row.words == "diverged at epoch 7: loss is not finite"
    assert row.accuracy is None
    assert row.difference is None


def test_a_finished_variant_stands_beside_its_published_one():
    row = next(row for row in rows(study_result()) if row.result.variant.name == "32_GRU_64")
    assert row.published is not None
    assert row.published.auc == 0.9393
    assert row.difference == pytest.approx(row.accuracy - 0.8632)


def test_the_wilson_interval_agrees_with_a_worked_example():
    # 81 of 263: Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_holds_the_share_and_stays_between_0_and_1(counts):
    hits, count = counts
    low, high = wilson(hits / count, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1


def test_ten_thousand_reviews_give_a_margin_of_seven_tenths_of_a_point():
    assert margin(0.8632, 10_000) == pytest.approx(0.0067, abs=5e-5)


def test_no_case_has_no_interval():
    with pytest.raises(ValueError, match="at least one case"):
        wilson(0.5, 0)


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
    assert not is_another_study(result)


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0"), (-0.04, "0.0"), (-1.25, "−1.2"), (3.0, "+3.0")])
def test_a_signed_number_that_rounds_to_zero_has_no_sign(value, text):
    assert signed(value, 1) == text


@given(st.text(max_size=400))
def test_one_line_is_one_printable_line_of_limited_length(text):
    line = one_line(text)
    assert len(line) <= 200
    assert len(line.splitlines()) <= 1
    assert line.isprintable()


def test_the_interval_of_a_certain_result_is_not_empty():
    low, high = wilson(1.0, 100)
    assert low < 1
    assert math.isclose(high, 1)
