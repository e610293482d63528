import numpy as np
import pytest

from imdb_tasks.analysis import Predictions, analyse, read_claims
from imdb_tasks.formatting import percent
from imdb_tasks.report.headline import headline
from imdb_tasks.report.table import TableRow, beside_published, table_rows
from imdb_tasks.study import Study, StudyResult, TrainingSettings
from imdb_tasks.study import TestMetrics as Metrics
from tests.support.study_analysis import study_analysis
from tests.support.study_results import analysis_of, original_card, study_result


def row_of(name: str, result: StudyResult | None = None) -> TableRow:
    result = result or study_result()
    return next(row for row in table_rows(result, study_analysis(result)) if row.variant.name == name)


def test_a_diverged_variant_is_told_in_words_and_has_no_number():
    row = row_of("32_LSTM_128")
    assert row.words == "diverged at epoch 7: loss is not finite"
    assert (row.accuracy, row.interval, row.difference, row.overfits_from) == (None, None, None, None)
    assert row.epochs == 7
    assert 0 < row.best_epoch < 7


def test_a_missing_variant_has_its_reason_and_what_was_published_and_nothing_else():
    row = row_of("128_LSTM_64")
    assert row.words == "missing: the GPU worker was killed"
    assert row.published.accuracy == 0.7294
    assert (row.test, row.interval, row.epochs, row.best_epoch, row.best_val_loss, row.cost) == (None,) * 6


def test_a_finished_variant_stands_beside_its_published_one():
    row = row_of("32_GRU_64")
    assert row.published is not None
    assert row.published.auc == 0.9393
    assert row.difference == pytest.approx(row.accuracy - 0.8632)
    assert row.interval.low < row.accuracy < row.interval.high


def test_no_variant_of_another_study_stands_beside_a_published_one():
    result = study_result(Study(training=TrainingSettings(learning_rate=0.05)))
    rows = table_rows(result, study_analysis(result))
    assert {(row.published, row.difference) for row in rows} == {(None, None)}
    assert beside_published(rows) == ""


def test_the_differences_from_the_published_accuracies_are_told_in_points_and_not_tested():
    result = study_result()
    assert beside_published(table_rows(result, study_analysis(result))) == (
        "Test accuracy less the published one: +0.2 points in the median, +8.5 points where it is largest (LSTM-32/32)."
    )


def test_a_grid_of_its_own_has_no_published_numbers():
    result = study_result(Study(units=(7,)))
    assert beside_published(table_rows(result, study_analysis(result))) == ""


def test_a_row_has_the_best_epoch_and_the_onset_of_overfitting_that_the_analysis_found():
    result = study_result()
    analysis = analysis_of(result)
    curves = {curve.variant: curve for curve in analysis.curves}
    found = table_rows(result, analysis)
    assert any(row.overfits_from for row in found)
    for row in found:
        curve = curves.get(row.variant)
        expected = (curve.best_epoch, curve.best_val_loss, curve.overfit_onset) if curve else (None, None, None)
        assert (row.best_epoch, row.best_val_loss, row.overfits_from) == expected


def test_the_row_of_the_recommended_best_is_marked_and_no_other():
    result = study_result()
    analysis = study_analysis(result)
    assert [row.variant for row in table_rows(result, analysis) if row.is_best] == [analysis.choice.model]


def test_one_model_has_one_accuracy_in_record_analysis_headline_and_table():
    result = study_result(
        Study(cells=("GRU",), units=(32,), batch_sizes=(64,)),
        card=original_card().model_copy(update={"test_rows": 800}),
    )
    test = Metrics(loss=0.3, accuracy=718 / 800, auc=0.9, right=718, rows=800)
    row = result.variants[0].model_copy(update={"test": test})
    result = result.model_copy(update={"variants": (row,)})
    probabilities = np.where(np.arange(800) < 718, 0.9, 0.1).astype(np.float32)[None]
    tested = Predictions((row.variant.name,), np.ones(800, np.int8), probabilities)
    analysis = analyse(result, tested, read_claims().claims, code="3f9c2ab")
    [shown] = table_rows(result, analysis)
    assert shown.accuracy == analysis.variants[0].accuracy == analysis.standings[0].accuracy == 0.8975
    assert percent(shown.accuracy) == "89.8 %"
    assert "89.8 %" in headline(result, analysis)
