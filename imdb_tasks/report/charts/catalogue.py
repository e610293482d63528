"""The report's charts: plotly figures with the words that go with them, nothing else."""

from collections.abc import Sequence
from typing import Any

from imdb_tasks.analysis import Analysis, best_model
from imdb_tasks.formatting import percent
from imdb_tasks.report.charts.accuracy import class_balance, review_lengths, test_accuracy
from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.calibration import calibration_chart, confusion_chart
from imdb_tasks.report.charts.cost import cost_chart
from imdb_tasks.report.charts.curves import bullet
from imdb_tasks.report.charts.effects import accuracy_effects, loss_effects
from imdb_tasks.report.charts.panels import View, grid
from imdb_tasks.report.charts.since_last_run import changes_chart
from imdb_tasks.report.charts.style import style_of
from imdb_tasks.report.table import table_rows
from imdb_tasks.study import StudyResult, VariantResult

MOST_SIZES = 8  # layer sizes whose curves are drawn


def charts(result: StudyResult, analysis: Analysis) -> tuple[Chart, ...]:
    """Draw every chart of the report; one that has nothing to show is left out."""
    table, study = table_rows(result, analysis), result.study
    drawn = [test_accuracy(table, result), accuracy_effects(analysis), loss_effects(analysis), cost_chart(table, study)]
    drawn.append(validation_accuracy(result))
    if any(each.training for each in result.variants):
        drawn += [best_batch_sizes(result), overfitting(result)]
        drawn += [by_batch_size(result, units) for units in result.study.units[:MOST_SIZES]]
    if analysis.calibration:
        drawn.append(calibration_chart(analysis.calibration))
    if analysis.confusion:
        drawn.append(confusion_chart(analysis.confusion))
    if analysis.comparison:
        drawn.append(changes_chart(analysis.comparison, result.study))
    drawn += [class_balance(result), review_lengths(result)]
    return tuple(chart for chart in drawn if chart)


def validation_accuracy(result: StudyResult) -> Chart:
    """Draw every variant's validation accuracy: a panel for each cell and layer size, a colour for each batch size."""
    study = result.study
    views = [
        View(f"{cell}-{units}", ("val_accuracy",), _select(result, cell, units))
        for cell in study.cells
        for units in study.units[:MOST_SIZES]
    ]
    figure = grid(result, views, columns=min(len(study.units), 3), common_scale=True)
    for size in study.batch_sizes:
        example = next(each.variant for each in result.variants if each.variant.batch_size == size)
        line = {"color": style_of(example, study).colour, "width": 3}
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=str(size), showlegend=True)
    key = {
        "orientation": "h",
        "title": {"text": "Batch size ", "font": {"size": 13}},
        "yref": "container",
        "y": 1,
        "yanchor": "top",
        "x": 0,
    }
    figure.update_layout(legend=key, margin={"t": figure.layout.margin.t + 26}, height=figure.layout.height + 26)
    dashed = " Dashed lines are LSTM." if "LSTM" in study.cells else ""
    first = f" The first {MOST_SIZES} of {len(study.units)} layer sizes." if len(study.units) > MOST_SIZES else ""
    return Chart(
        name="validation-accuracy",
        title="Validation accuracy of every variant",
        caption=f"One panel for each cell and layer size, all on one scale.{dashed}{first}",
        alternative=f"Validation accuracy by epoch. {_last_values(result.variants)}",
        figure=figure,
        narrowest=520 if len(study.units) > 1 else 320,
    )


def by_batch_size(result: StudyResult, units: int) -> Chart | None:
    """Draw validation loss and accuracy of one layer size of the first cell, one curve for each batch size."""
    cell = result.study.cells[0]
    chosen = _select(result, cell, units)
    if not any(each.training for each in chosen):
        return None
    return Chart(
        name=f"batch-size-{units}",
        title=f"{cell}-{units}: batch sizes compared",
        caption=f"Validation loss and accuracy of {cell} with {units} units, one curve for each batch size.",
        alternative=f"Validation loss and accuracy by epoch. {_last_values(chosen)}",
        figure=_loss_and_accuracy(result, chosen, [f"batch {each.variant.batch_size}" for each in chosen]),
    )


def best_batch_sizes(result: StudyResult) -> Chart | None:
    """Draw validation loss and accuracy of the best batch size of each layer size of the first cell."""
    cell = result.study.cells[0]
    winners = [best_model(_select(result, cell, units)) for units in result.study.units[:MOST_SIZES]]
    chosen = [winner for winner in winners if winner]
    if not chosen:
        return None
    return Chart(
        name="best-batch-sizes",
        title="Best batch size of each layer size",
        caption=f"For each {cell} layer size, the batch size of the highest test accuracy. Thicker line, larger layer.",
        alternative=f"Validation loss and accuracy by epoch. {_last_values(chosen)}",
        figure=_loss_and_accuracy(result, chosen, [each.variant.label for each in chosen]),
    )


def overfitting(result: StudyResult) -> Chart | None:
    """Draw validation loss against training loss of the largest layer of the first cell."""
    cell, units = result.study.cells[0], max(result.study.units)
    chosen = [each for each in _select(result, cell, units) if each.training]
    if not chosen:
        return None
    views = [View(each.variant.label, ("val_loss", "loss"), [each]) for each in chosen]
    return Chart(
        name="overfitting",
        title=f"{cell}-{units}: validation loss against training loss",
        caption="Validation loss in colour, training loss dotted grey. Where the first is higher, the model overfits.",
        alternative=f"Training and validation loss by epoch. {_last_values(chosen)}",
        figure=grid(result, views, columns=min(len(views), 3), common_scale=True),
        narrowest=520 if len(chosen) > 1 else 320,
    )


def _loss_and_accuracy(result: StudyResult, chosen: Sequence[VariantResult], names: Sequence[str]) -> Any:
    ends = [bullet(each.variant, result.study, name) for each, name in zip(chosen, names, strict=True)]
    views = [
        View("Validation loss", ("val_loss",), chosen, ends),
        View("Validation accuracy", ("val_accuracy",), chosen, ends),
    ]
    return grid(result, views, columns=1, common_scale=False)


def _select(result: StudyResult, cell: str, units: int) -> list[VariantResult]:
    return [each for each in result.variants if (each.variant.cell, each.variant.units) == (cell, units)]


def _last_values(results: Sequence[VariantResult]) -> str:
    """Say where the curves end: what a reader who cannot see them needs most."""
    said = []
    for each in results:
        accuracies = each.training.history.val_accuracy if each.training else ()
        last = accuracies[-1] if accuracies and each.status == "finished" else None
        said.append(f"{each.variant.label} {each.status if last is None else f'ends at {percent(last)}'}")
    return f"Validation accuracy: {', '.join(said)}."
