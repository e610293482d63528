from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import Study, TrainingSettings
from imdb_tasks.training import tensorboard
from tests.support.study_results import study_result


def read(folder: Path) -> EventAccumulator:
    """Read a folder as TensorBoard itself does."""
    return EventAccumulator(str(folder)).Reload()


def test_every_measure_of_every_epoch_is_a_point_of_a_curve(tmp_path: Path) -> None:
    result = study_result(Study(training=TrainingSettings(epochs=30)))
    assert tensorboard.write_tensorboard(result, tmp_path / "logs") == 17  # one is missing
    row = result.variants[0]
    assert row.training
    logs = read(tmp_path / "logs" / row.variant.name)
    # What TensorBoard shows as scalars: old-style values are turned into tensors when they are read.
    tags = set(logs.Tags()["scalars"])
    curves = {f"{name}/{part}" for name in ("loss", "accuracy", "auc") for part in ("training", "validation")}
    assert tags == curves | {"test/accuracy", "test/loss", "test/auc"}
    points = logs.Scalars("accuracy/validation")
    assert [point.step for point in points] == list(range(1, 31))
    assert [point.value for point in points] == pytest.approx(row.training.history.val_accuracy)


def test_a_curve_ends_where_its_model_diverged(tmp_path: Path) -> None:
    tensorboard.write_tensorboard(study_result(), tmp_path)
    logs = read(tmp_path / "32_LSTM_128")
    assert [point.step for point in logs.Scalars("loss/validation")] == [1, 2, 3, 4, 5, 6]
    assert "test/accuracy" not in logs.Tags()["scalars"]


def test_the_hparams_page_knows_the_grid_and_where_each_variant_is_in_it(tmp_path: Path) -> None:
    tensorboard.write_tensorboard(study_result(), tmp_path)
    content = read(tmp_path).SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    grid = metadata.parse_experiment_plugin_data(content)
    levels = {info.name: len(info.domain_discrete.values) for info in grid.hparam_infos}
    assert levels == {"cell": 2, "units": 3, "batch_size": 3}
    assert [info.name.tag for info in grid.metric_infos] == ["test/accuracy", "test/loss", "test/auc"]
    content = read(tmp_path / "64_GRU_32").SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    place = metadata.parse_session_start_info_plugin_data(content).hparams
    assert (place["cell"].string_value, place["units"].number_value) == ("GRU", 64)
    assert (place["batch_size"].number_value, place["learning_rate"].number_value) == (32, 0.0001)


def test_logs_are_not_mixed_with_what_is_there(tmp_path: Path) -> None:
    tmp_path.joinpath("events").touch()
    with pytest.raises(SettingsError, match="is not empty"):
        tensorboard.write_tensorboard(study_result(), tmp_path)
