import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imdb_tasks.study.grid import KaggleSource, LocalSource, Study, TrainingSettings, Variant, fingerprint


def test_the_default_study_is_the_original_grid_of_eighteen() -> None:
    names = [variant.name for variant in Study().variants]
    assert len(names) == len(set(names)) == 18
    assert names[:4] == ["128_GRU_128", "128_GRU_64", "128_GRU_32", "64_GRU_128"]
    assert names[-1] == "32_LSTM_32"


def test_the_default_settings_are_the_originals() -> None:
    study = Study()
    assert (study.training.epochs, study.training.learning_rate, study.training.validation_fraction) == (100, 1e-4, 0.2)
    assert (study.text.max_tokens, study.text.vocabulary_limit, study.text.split_seed) == (100, 5_000, 42)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"cell": "RNN", "units": 8, "batch_size": 8}, "RNN"),
        ({"cell": "GRU", "units": 0, "batch_size": 8}, "0"),
        ({"cell": "GRU", "units": 8, "batch_size": -1}, "-1"),
        ({"cell": "GRU", "units": "8", "batch_size": 8}, "'8'"),
        ({"cell": "GRU", "units": True, "batch_size": 8}, "True"),
        ({"cell": "GRU", "units": 8, "batch_size": 8, "layers": 2}, "2"),
    ],
)
def test_a_variant_refuses_nonsense_and_names_the_bad_value(wrong: dict[str, object], found: str) -> None:
    with pytest.raises(ValidationError, match=f"input_value={found}|input_value='{found}'"):
        Variant(**wrong)


def test_a_name_leads_back_to_its_variant() -> None:
    for variant in Study(replicates=2).variants:
        assert Variant.named(variant.name) == variant


@pytest.mark.parametrize("name", ["", "64_GRU", "64_RNN_32", "0_GRU_32", "64_GRU_32_r", "64_GRU_32 ", "x64_GRU_32"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"64_GRU_32|cell|units"):
        Variant.named(name)


def test_a_title_says_what_the_numbers_of_a_name_are() -> None:
    assert Variant.named("64_GRU_32").title == "GRU, 64 units, batches of 32"
    assert Variant.named("64_LSTM_32_r1").title == "LSTM, 64 units, batches of 32, replicate 1"


def test_a_later_replicate_has_a_name_of_its_own() -> None:
    assert Variant(cell="GRU", units=64, batch_size=32, replicate=2).name == "64_GRU_32_r2"


@pytest.mark.parametrize("factor", ["cells", "units", "batch_sizes"])
def test_a_factor_needs_levels_and_each_only_once(factor: str) -> None:
    with pytest.raises(ValidationError, match=rf"{factor}\n.*expected at least one"):
        Study(**{factor: ()})
    level = "GRU" if factor == "cells" else 8
    with pytest.raises(ValidationError, match=rf"{factor}\n.*expected each level once"):
        Study(**{factor: (level, level)})


def test_a_grid_that_airflow_could_not_map_is_refused() -> None:
    with pytest.raises(ValidationError, match="the grid has 1,200 variants"):
        Study(units=tuple(range(1, 101)), batch_sizes=(1, 2, 3), cells=("GRU", "LSTM"), replicates=2)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5, float("nan"), float("inf")])
def test_a_learning_rate_outside_zero_to_one_is_refused(rate: float) -> None:
    with pytest.raises(ValidationError):
        TrainingSettings(learning_rate=rate)


def test_a_relative_path_is_refused_because_each_worker_would_read_another_file() -> None:
    with pytest.raises(ValidationError, match="expected an absolute path, found 'data'"):
        LocalSource(path="data")


def test_a_dataset_name_must_have_an_owner() -> None:
    with pytest.raises(ValidationError):
        KaggleSource(dataset="imdb")


@given(st.integers(1, 4), st.permutations([16, 8, 4]), st.sampled_from([("GRU",), ("LSTM", "GRU")]))
def test_a_study_survives_json(replicates: int, units: list[int], cells: tuple[str, ...]) -> None:
    study = Study(replicates=replicates, units=tuple(units), cells=cells)
    again = Study.model_validate_json(study.model_dump_json())
    assert again == study
    assert again.fingerprint() == study.fingerprint()


def test_a_fingerprint_changes_with_any_value() -> None:
    other = Study(training=TrainingSettings(epochs=99))
    assert other.fingerprint() != Study().fingerprint()


def test_a_fingerprint_is_the_same_on_every_machine() -> None:
    assert fingerprint("a", {"b": 1, "c": [2.5, None]}) == fingerprint("a", {"c": [2.5, None], "b": 1})
    assert fingerprint("a") == "0eb5b8d6f81bc677da8a0856"


def test_a_label_names_cell_units_and_batch_size_and_a_later_replicate():
    assert Variant(cell="GRU", units=32, batch_size=64).label == "GRU-32/64"
    assert Variant(cell="LSTM", units=16, batch_size=8, replicate=2).label == "LSTM-16/8 r2"
