import json
import re
from pathlib import Path

import pytest

from imdb_tasks.store import sha256_of
from imdb_tasks.ui.cli.commands import main


def test_a_text_gets_a_label_and_a_probability(one_variant_store: Path, capsys) -> None:
    texts = ["a wonderful film", "dull, noisy music"]
    assert main(["predict", *texts, "--store", str(one_variant_store)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(re.fullmatch(r"(positive|negative)  [01]\.\d{4}  \(4_GRU_16\)", line) for line in lines)


def test_a_text_that_is_short_for_the_model_is_named(one_variant_store: Path, capsys) -> None:
    texts = ["wonderful", "a wonderful film with dull, noisy music"]  # the model reads 12 words
    assert main(["predict", *texts, "--store", str(one_variant_store)]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    notes = [line for line in said.err.splitlines() if line.startswith("text ")]
    assert [note.partition(":")[0] for note in notes] == [
        "text 1 has 1 word that the model knows, and the model reads up to 12"
    ]


def test_a_model_is_exported_with_what_it_needs_to_be_used(one_variant_store: Path, tmp_path: Path, capsys) -> None:
    import keras

    out = tmp_path / "best.keras"
    assert main(["export-model", "--store", str(one_variant_store), "--variant", "4_GRU_16", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    about = json.loads(tmp_path.joinpath("best.json").read_text())
    assert about["sha256"] == sha256_of(out)
    assert (about["variant"], about["text"]["max_tokens"]) == ("4_GRU_16", 12)
    assert about["word_index"]["the"] >= 1
    assert keras.saving.load_model(out, safe_mode=True).input_shape == (None, 12)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.json", "best.keras"]


def test_curves_are_written_for_tensorboard(one_variant_store: Path, tmp_path: Path, capsys) -> None:
    assert main(["tensorboard", "--store", str(one_variant_store), "--out", str(tmp_path / "logs")]) == 0
    assert "1 variants" in capsys.readouterr().out
    assert list((tmp_path / "logs" / "4_GRU_16").glob("events.*"))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["predict", "fine"], "has no trained models; run the study first"),
        (["export-model", "--out", "model.keras"], "has no trained models; run the study first"),
        (["tensorboard", "--out", "logs"], "has no trained models; run the study first"),
    ],
)
def test_without_a_study_each_says_what_to_do(tmp_path: Path, capsys, command: list[str], message: str) -> None:
    assert main([*command, "--store", str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["predict", "fine", "--variant", "9_GRU_9"], "found '9_GRU_9'"),
        (["predict", "zzz"], "no word of the text"),
        (["export-model", "--out", "model.h5"], "ends with .keras"),
    ],
)
def test_nonsense_is_one_clear_line(one_variant_store: Path, capsys, command: list[str], message: str) -> None:
    assert main([*command, "--store", str(one_variant_store)]) == 1
    assert message in capsys.readouterr().err
