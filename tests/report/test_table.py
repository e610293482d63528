import pytest

from imdb_tasks.report.table import best, best_of_best_setting, rows
from imdb_tasks.study import Study, StudyResult
from tests.support.study_results import study_result


def nothing_finished(status: str = "missing") -> StudyResult:
    names = {variant.name: "no worker" for variant in Study().variants}
    if status == "diverged":
        return study_result(diverged=dict.fromkeys(names, 1), missing={})
    return study_result(missing=names)


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
