import json
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.cli import main
from tests import reference


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
    sample = Path(__file__).parents[1] / "include" / "sample"
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
    assert "DataError: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [bad]


def test_the_whole_study_runs_without_airflow(tmp_path: Path, corpus_folder: Path, capsys) -> None:
    fields = {"profile": "custom", "source": "folder", "folder": str(corpus_folder), "cells": ["GRU"]}
    fields |= {"units": [4], "batch_sizes": [16], "epochs": 1, "max_tokens": 12}
    settings = [argument for name, value in fields.items() for argument in ("--set", f"{name}={json.dumps(value)}")]
    assert main(["study", "--store", str(tmp_path), *settings]) == 0
    page = Path(capsys.readouterr().out.strip().splitlines()[-1])
    assert page.name == "report.html"
    assert "GRU" in page.read_text("utf8")


@pytest.mark.parametrize(
    ("setting", "message"),
    [("epochs", "expected FIELD=VALUE"), ("epochs=0", "would have no effect"), ("epoch=1", "unknown fields")],
)
def test_a_wrong_setting_is_named(tmp_path: Path, capsys, setting: str, message: str) -> None:
    assert main(["fetch", "--store", str(tmp_path), "--set", setting]) == 1
    assert message in capsys.readouterr().err
