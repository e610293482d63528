import json
import re
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.pipeline import Steps, find_conclusions, keys
from imdb_tasks.store import Store
from imdb_tasks.study import read_form
from imdb_tasks.ui.cli.commands import main
from tests.support import reference
from tests.support.cli import small_study
from tests.support.corpus import write_corpus


def test_exported_arrays_are_ready_for_a_notebook(corpus_folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "arrays.npz"
    reviews, glove = corpus_folder / "IMDB Dataset.csv", corpus_folder / "glove.6B.100d.txt"
    assert main(["export-arrays", "--reviews", str(reviews), "--glove", str(glove), "--out", str(out)]) == 0
    with np.load(out, allow_pickle=False) as arrays:
        assert {
            name: (str(arrays[name].dtype), arrays[name].shape) for name in arrays.files if name != "word_index"
        } == {
            "x_train": ("int32", (48, 100)),
            "x_test": ("int32", (12, 100)),
            "y_train": ("int8", (48,)),
            "y_test": ("int8", (12,)),
            "embedding_matrix": ("float32", (len(json.loads(str(arrays["word_index"]))) + 1, 100)),
        }
        index = json.loads(str(arrays["word_index"]))
        expected = reference.embedding_matrix(glove, index, 100)
        np.testing.assert_array_equal(arrays["embedding_matrix"], expected)
    assert capsys.readouterr().out.strip() == str(out)
    assert list(tmp_path.iterdir()) == [out]


def test_zip_files_are_exported_as_they_are_downloaded(tmp_path: Path) -> None:
    sample = Path(__file__).parents[3] / "include" / "sample"
    arguments = ["--reviews", str(sample / "reviews.zip"), "--glove", str(sample / "glove.zip")]
    assert main(["export-arrays", *arguments, "--out", str(tmp_path / "sample")]) == 0
    with np.load(tmp_path / "sample.npz", allow_pickle=False) as arrays:
        assert len(arrays["x_train"]) == 3_200


def test_bad_input_is_one_clear_line_and_no_file(tmp_path: Path, corpus_folder: Path, capsys) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("review,sentiment\nfine,meh\n")
    glove = corpus_folder / "glove.6B.100d.txt"
    arguments = ["export-arrays", "--reviews", str(bad), "--glove", str(glove), "--out", str(tmp_path / "x.npz")]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "DataError: IMDB Dataset.csv: 1 unknown labels" in error
    assert f"(reviews from {bad}, glove from {glove})" in error
    assert list(tmp_path.iterdir()) == [bad]


def test_the_whole_study_runs_without_airflow(tmp_path: Path, corpus_folder: Path, capsys) -> None:
    assert main(["study", "--store", str(tmp_path), *small_study(corpus_folder)]) == 0
    page = Path(capsys.readouterr().out.strip().splitlines()[-1])
    assert page.name == "report.html"
    assert "GRU" in page.read_text("utf8")


@pytest.mark.slow
def test_runs_by_hand_are_kept_apart_and_compared(tmp_path: Path, corpus_folder: Path, monkeypatch) -> None:
    for revision in (1, 2):
        monkeypatch.setitem(keys.REVISIONS, "models", revision)
        assert main(["study", "--store", str(tmp_path), *small_study(corpus_folder)]) == 0
    store = Store(tmp_path)
    first, second = runs = list(store.ref_times("runs"))
    assert all(re.fullmatch(r"by-hand-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", run) for run in runs)
    concluded = find_conclusions(store, second, store.refs("runs")[second]["analysis"])
    assert concluded is not None
    assert concluded.analysis.comparison is not None
    assert concluded.analysis.comparison.previous_run == first


def test_bad_vectors_are_named_by_the_file_that_the_user_gave(tmp_path: Path, capsys) -> None:
    corpus = write_corpus(tmp_path)
    vectors = corpus / "glove.6B.100d.txt"
    vectors.write_text("the 0.1 0.2\n")
    assert main(["study", "--store", str(tmp_path / "store"), *small_study(corpus)]) == 1
    error = capsys.readouterr().err
    assert "DataError: GloVe line 1: expected a word and 100 values" in error
    assert f"glove from {corpus})" in error


@pytest.mark.slow
def test_a_failed_variant_does_not_keep_the_study_from_its_report_but_the_command_fails(
    tmp_path: Path, corpus_folder: Path, capsys
) -> None:
    arguments = ["--store", str(tmp_path), *small_study(corpus_folder, units=[4, 5])]
    for step in ("fetch", "prepare"):
        assert main([step, *arguments]) == 0
    fields = dict(argument.split("=", 1) for argument in arguments[3::2])
    study, _ = read_form({name: json.loads(value) for name, value in fields.items()} | {"notify": "never"})
    steps = Steps(study, Store(tmp_path))
    in_the_way = tmp_path / "models" / steps.keys.model(steps.variant("5_GRU_16"))
    in_the_way.parent.mkdir()
    in_the_way.write_text("a file where the model's folder must go")
    assert main(["study", *arguments]) == 1
    said = capsys.readouterr()
    assert "IncompleteStudyError: 1 of 2 variants are missing from the report; first 1: 5_GRU_16" in said.err
    assert Path(said.out.strip().splitlines()[-1]).name == "report.html"


@pytest.mark.parametrize(
    ("setting", "message"),
    [("epochs", "expected FIELD=VALUE"), ("epochs=0", "would have no effect"), ("epoch=1", "unknown fields")],
)
def test_a_wrong_setting_is_named(tmp_path: Path, capsys, setting: str, message: str) -> None:
    assert main(["fetch", "--store", str(tmp_path), "--set", setting]) == 1
    assert message in capsys.readouterr().err


def test_a_backend_that_is_none_is_told_once_and_not_once_per_variant(
    tmp_path: Path, corpus_folder: Path, capsys, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--store", str(tmp_path), *small_study(corpus_folder, units=[4, 5])]
    for step in ("fetch", "prepare"):
        assert main([step, *arguments]) == 0
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert main(["train", *arguments]) == 1
    told = "SettingsError: KERAS_BACKEND: expected one of tensorflow, jax, found 'theano'"
    assert capsys.readouterr().err.splitlines()[-1] == told
    assert "go on" not in caplog.text


@pytest.mark.parametrize("command", ["list", "verify", "prune"])
def test_a_store_that_is_not_there_is_an_error_and_is_not_made(tmp_path: Path, capsys, command: str) -> None:
    assert main(["store", command, "--store", str(tmp_path / "stroe")]) == 1
    assert "stroe is not a folder; check --store, or IMDB_STORE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_any_entry_is_not_verified(tmp_path: Path, capsys) -> None:
    assert main(["store", "verify", "--store", str(tmp_path)]) == 1
    assert "holds no entry" in capsys.readouterr().err


def test_a_tilde_in_the_store_is_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Store(tmp_path / "results").write_ref("a", {})
    assert main(["store", "list", "--store", "~/results"]) == 0
    assert main(["store", "list", "--store", "~no-such-user/results"]) == 1
    assert "there is no home for '~no-such-user/results'" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
