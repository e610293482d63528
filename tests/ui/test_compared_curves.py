import pytest

from imdb_tasks.analysis import VariantChange
from imdb_tasks.report import LOSS_CEILING
from imdb_tasks.study import Study, StudyResult, TrainingSettings
from imdb_tasks.ui.compared_curves import MOST_PANELS, compared_curves
from tests.support.study_results import study_result


def places(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line.split())]


def small(**facts: object) -> Study:
    return Study.model_validate({"training": TrainingSettings(epochs=12), **facts})


@pytest.mark.parametrize("study", [Study(), small(replicates=3), small(cells=("GRU",), units=(32,), batch_sizes=(32,))])
def test_there_is_a_panel_for_each_setting_and_a_line_for_each_replicate(study: Study) -> None:
    result = study_result(study, diverged={}, missing={})
    loss, accuracy = compared_curves(result, result, {})
    for shown in (loss, accuracy):
        assert len(shown.panels) == len(study.variants) // study.replicates
        assert all(len(panel.before) == len(panel.after) == study.replicates for panel in shown.panels)
        assert shown.left_out == 0


def test_every_point_lies_within_its_panel_whatever_exploded() -> None:
    result = study_result()
    for shown in compared_curves(result, result, {}):
        for panel in shown.panels:
            for x, y in (place for line in (*panel.before, *panel.after) for place in places(line)):
                assert 0 <= x <= 100
                assert 0 <= y <= 100


def test_an_exploded_model_stretches_no_axis_and_is_said_to_leave_it() -> None:
    quiet = study_result(exploding=())
    loud = study_result(exploding={"64_LSTM_64"})
    assert compared_curves(quiet, quiet, {})[0].high <= f"{LOSS_CEILING:.2f}"
    assert compared_curves(quiet, loud, {})[0].clipped


def test_a_few_unstable_models_do_not_flatten_the_others() -> None:
    result = study_result(exploding={"64_LSTM_64", "32_LSTM_64", "128_LSTM_128"})
    loss, _ = compared_curves(result, result, {})
    tops = sorted(max(v for v in row.training.history.val_loss if v) for row in result.variants if row.training)
    assert float(loss.high) <= 1.5 * tops[len(tops) // 2]


def test_a_shorter_training_ends_earlier_on_the_same_axis() -> None:
    before, after = study_result(small(), missing={}), study_result(Study(), missing={})
    loss, _ = compared_curves(before, after, {})
    assert loss.epochs == 100
    panel = loss.panels[0]
    assert places(panel.before[0])[-1][0] == pytest.approx(100 * 11 / 99, abs=0.1)
    assert places(panel.after[0])[-1][0] == 100


def test_a_missing_model_has_no_line_and_a_diverged_one_is_told() -> None:
    result = study_result()
    panels = {panel.label: panel for panel in compared_curves(result, result, {})[0].panels}
    assert panels["LSTM-128/64"].before == ()
    assert panels["LSTM-128/64"].words.endswith("missing at the end before, missing after")
    assert "not finite at the end before" in panels["LSTM-32/128"].words


def test_runs_with_no_common_setting_have_no_curves() -> None:
    gru, lstm = (study_result(small(cells=(cell,)), missing={}) for cell in ("GRU", "LSTM"))
    assert compared_curves(gru, lstm, {}) == ()


def test_of_many_settings_those_are_shown_that_differ_most() -> None:
    study = small(units=tuple(range(8, 88, 8)), batch_sizes=(16, 32))
    result: StudyResult = study_result(study, missing={})
    moved = {
        v: VariantChange.model_validate(
            {"variant": v, "before": 0.5, "now": 0.5 + n / 100, "difference": n / 100, "interval": None}
            | {"p_corrected": None, "beyond_noise": False}
        )
        for n, v in enumerate(study.variants)
    }
    loss, _ = compared_curves(result, result, moved)
    assert len(loss.panels) == MOST_PANELS
    assert loss.left_out == len(study.variants) - MOST_PANELS
    assert [panel.label for panel in loss.panels] == [v.label for v in study.variants[-MOST_PANELS:]]
