import pytest

from imdb_tasks.report.table import TableRow, table_rows
from imdb_tasks.study import StudyResult
from tests.support.study_analysis import study_analysis
from tests.support.study_results import analysis_of, study_result


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
    assert [row.variant for row in table_rows(result, analysis) if row.is_best] == [analysis.recommendation.best]


def test_an_accuracy_is_the_share_of_whole_reviews_that_the_analysis_counts():
    result = study_result()
    card = result.data_card.model_copy(update={"test_rows": 800})
    rows = tuple(
        row.model_copy(update={"test": row.test.model_copy(update={"accuracy": 0.8974999785423279})})
        if row.test
        else row
        for row in result.variants
    )
    result = result.model_copy(update={"data_card": card, "variants": rows})
    assert {row.accuracy for row in table_rows(result, study_analysis(result))} == {0.8975, None}
