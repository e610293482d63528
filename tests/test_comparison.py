from imdb_tasks.comparison import Change, compare
from imdb_tasks.results import StudyResult
from imdb_tasks.study import LocalSource, Study, TrainingSettings
from tests.study_results import sample_card, study_result

ONE = ("a1", "a1")


def small(**changes: object) -> StudyResult:
    study = Study(cells=("GRU",), units=(64,), batch_sizes=(32,)).model_copy(update=changes)
    return study_result(study, diverged={}, exploding=(), missing={})


def test_a_result_differs_in_nothing_from_itself() -> None:
    result = study_result()
    found = compare(result, result, revisions=ONE)
    assert (found.settings, found.data, found.code) == ((), (), ())
    assert [pair.difference for pair in found.pairs if pair.difference is not None] == [0.0] * 15


def test_only_the_settings_that_were_changed_are_told() -> None:
    after = small(training=TrainingSettings(epochs=3), units=(64, 32), glove=LocalSource(path="/data"))
    changes = compare(small(), after, revisions=ONE).settings
    assert Change("training: epochs", "100", "3") in changes
    assert Change("units", "64", "64, 32") in changes
    assert Change("glove: path", "–", "/data") in changes
    assert {change.name for change in changes} == {
        "units",
        "training: epochs",
        "glove: kind",
        "glove: dataset",
        "glove: version",
        "glove: path",
    }


def test_other_data_is_told_by_its_size_and_its_hash() -> None:
    before = small()
    after = before.model_copy(update={"data_card": sample_card().model_copy(update={"reviews_sha256": "ff" * 32})})
    changes = {change.name: (change.before, change.after) for change in compare(before, after, revisions=ONE).data}
    assert changes["rows"] == ("50,000", "2,000")
    assert changes["reviews sha256"] == ("a3f1" * 16, "ff" * 32)
    assert "glove sha256" not in changes


def test_revision_backend_and_versions_are_told_as_code() -> None:
    before = small()
    row = before.variants[0]
    assert row.training
    newer = row.model_copy(update={"training": row.training.model_copy(update={"versions": {"keras": "3.16.0"}})})
    after = before.model_copy(update={"backend": "jax", "variants": (newer,)})
    assert compare(before, after, revisions=("a1", "b2")).code == (
        Change("revision", "a1", "b2"),
        Change("backend", "tensorflow", "jax"),
        Change("keras", "3.15.1", "3.16.0"),
        Change("tensorflow", "2.21.0", "–"),
    )


def test_each_variant_of_either_run_has_its_accuracies_and_their_difference() -> None:
    before, after = small(), small(units=(64, 32))
    first, second = compare(before, after, revisions=ONE).pairs
    assert (first.label, second.label) == ("GRU-64/32", "GRU-32/32")
    assert before.variants[0].test
    assert first.before == before.variants[0].test.accuracy
    assert first.difference == 0.0
    assert (second.before, second.before_words, second.difference) == (None, None, None)


def test_a_variant_without_a_result_says_how_it_ended() -> None:
    pairs = {pair.label: pair for pair in compare(study_result(), study_result(), revisions=ONE).pairs}
    assert pairs["LSTM-32/128"].after_words == "diverged at epoch 7: loss is not finite"
    assert pairs["LSTM-128/64"].before_words == "missing: the GPU worker was killed"
    assert pairs["LSTM-128/64"].difference is None
