"""The report's charts: plotly figures with the words that go with them, nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from imdb_tasks.analysis import Analysis, best_model
from imdb_tasks.formatting import percent
from imdb_tasks.report.charts.accuracy import class_balance, review_lengths, test_accuracy
from imdb_tasks.report.charts.base import Chart, empty_figure
from imdb_tasks.report.charts.calibration import calibration_chart, confusion_chart, roc_chart
from imdb_tasks.report.charts.cost import cost_chart
from imdb_tasks.report.charts.curves import Panel, bullet, draw, limits
from imdb_tasks.report.charts.effects import accuracy_effects, loss_effects
from imdb_tasks.report.charts.looks import looks_chart
from imdb_tasks.report.charts.panels import View, grid, scale_epochs
from imdb_tasks.report.charts.settings import Setting, behind, settings_of
from imdb_tasks.report.charts.since_last_run import changes_chart
from imdb_tasks.report.charts.style import Look, style_by_size, style_of
from imdb_tasks.report.table import setting_rows, table_rows
from imdb_tasks.study import StudyResult

MOST_SIZES = 8  # layer sizes whose curves are drawn
MOST_TOGETHER = 36  # settings in one view


def charts(result: StudyResult, analysis: Analysis) -> tuple[Chart, ...]:
    """Draw every chart of the report; one that has nothing to show is left out."""
    rows, settings = setting_rows(table_rows(result, analysis), analysis), settings_of(result.variants, analysis)
    drawn = [test_accuracy(rows, result, analysis), accuracy_effects(analysis), loss_effects(analysis)]
    if analysis.growth:
        drawn.append(looks_chart(analysis.growth))
    drawn += [cost_chart(rows, result), validation_accuracy(result, settings)]
    if any(each.training for each in result.variants):
        drawn += [together(result, settings), best_batch_sizes(result, settings), overfitting(result, settings)]
        drawn += [by_batch_size(result, settings, units) for units in result.study.units[:MOST_SIZES]]
    if analysis.calibration:
        drawn.append(calibration_chart(analysis.calibration))
    if analysis.confusion:
        drawn.append(confusion_chart(analysis.confusion))
    if analysis.roc:
        areas = {each.variant: each.auc for each in analysis.variants}
        drawn.append(roc_chart(analysis.roc, areas.get(analysis.roc.variant)))
    if analysis.comparison:
        drawn.append(changes_chart(analysis.comparison, result.study))
    drawn += [class_balance(result), review_lengths(result)]
    return tuple(chart for chart in drawn if chart)


def validation_accuracy(result: StudyResult, settings: Sequence[Setting]) -> Chart:
    """Draw every setting's validation accuracy: a panel for each layer size and cell, a colour for each batch size."""
    study = result.study
    views = [
        View(f"{cell}-{units}", ("val_accuracy",), _select(settings, cell, units))
        for units in study.units[:MOST_SIZES]
        for cell in study.cells
    ]
    figure = grid(result, views, columns=2, common_scale=True)
    for size in study.batch_sizes:
        example = next(each.variant for each in settings if each.variant.batch_size == size)
        line = {"color": style_of(example, study).colour, "width": 3}
        own = {"name": str(size), "legendgroup": str(size), "showlegend": True}
        figure.add_scatter(x=[None], y=[None], mode="lines", line=line, **own)
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
        title="Validation accuracy of every setting",
        caption=f"One panel for each cell and layer size, all on one scale. Rings: the lowest validation loss.{dashed}"
        f"{behind(settings)}{first}",
        alternative=f"Validation accuracy by epoch. {_last_values(settings)}",
        figure=figure,
    )


def together(result: StudyResult, settings: Sequence[Setting]) -> Chart | None:
    """Draw every setting's validation accuracy into one view, as the original study did."""
    shown = [each for each in settings if each.mean("val_accuracy")][:MOST_TOGETHER]
    if not shown:
        return None
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=1)
    figure.update_layout(empty_figure(height=560).layout)
    panel = Panel(1, 1, "val_accuracy", limits(shown, "val_accuracy"), 400)
    draw(figure, panel, [replace(each, models=each.converged) for each in shown], result)
    for trace in figure.data:
        named = trace.name is not None
        trace.update(showlegend=named, legendgroup=trace.name or trace.legendgroup)
    figure.data = [trace for trace in figure.data if trace.name]
    figure.update_yaxes(tickformat=".2~%", title="Validation accuracy")
    scale_epochs(figure, result.study, ticks=11)
    figure.update_xaxes(title="Epoch")
    figure.update_layout(legend={"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0}, margin={"b": 10})
    few = f" The first {MOST_TOGETHER} of {len(settings)} settings." if len(settings) > MOST_TOGETHER else ""
    return Chart(
        name="together",
        title="Validation accuracy of every setting in one view",
        caption=f"A click on a name hides its curve, a double click shows it alone.{few}",
        alternative=f"Validation accuracy of {len(shown)} settings by epoch, in one pair of axes.",
        figure=figure,
    )


def by_batch_size(result: StudyResult, settings: Sequence[Setting], units: int) -> Chart | None:
    """Draw validation loss and accuracy of one layer size of the first cell, one curve for each batch size."""
    cell = result.study.cells[0]
    chosen = _select(settings, cell, units)
    if not any(each.mean("val_accuracy") for each in chosen):
        return None
    ends = [bullet(each.variant, result.study, f"batch {each.variant.batch_size}") for each in chosen]
    return Chart(
        name=f"batch-size-{units}",
        title=f"{cell}-{units}: batch sizes compared",
        caption=f"Validation loss and accuracy of {cell} with {units} units, one curve for each batch size.",
        alternative=f"Validation loss and accuracy by epoch. {_last_values(chosen)}",
        figure=_loss_and_accuracy(result, chosen, ends, style_of),
    )


def best_batch_sizes(result: StudyResult, settings: Sequence[Setting]) -> Chart | None:
    """Draw validation loss and accuracy of the best batch size of each layer size of the first cell."""
    cell = result.study.cells[0]
    chosen = []
    for units in result.study.units[:MOST_SIZES]:
        own = _select(settings, cell, units)
        winner = best_model([model for setting in own for model in setting.models])
        chosen += [setting for setting in own if winner in setting.models]
    if not chosen:
        return None
    ends = [bullet(each.variant, result.study, each.variant.label, style_by_size) for each in chosen]
    return Chart(
        name="best-batch-sizes",
        title="Best batch size of each layer size",
        caption=f"For each {cell} layer size, the batch size of the highest validation accuracy. Colour: layer size.",
        alternative=f"Validation loss and accuracy by epoch. {_last_values(chosen)}",
        figure=_loss_and_accuracy(result, chosen, ends, style_by_size),
    )


def overfitting(result: StudyResult, settings: Sequence[Setting]) -> Chart | None:
    """Draw validation loss against training loss of the largest layer of the first cell."""
    cell, units = result.study.cells[0], max(result.study.units)
    chosen = [each for each in _select(settings, cell, units) if each.mean("val_loss")]
    if not chosen:
        return None
    views = [View(each.variant.label, ("val_loss", "loss"), [each]) for each in chosen]
    return Chart(
        name="overfitting",
        title=f"{cell}-{units}: validation loss against training loss",
        caption="Validation loss in colour, training loss dotted grey. Where the first is higher, the model overfits.",
        alternative=f"Training and validation loss by epoch. {_last_values(chosen)}",
        figure=grid(result, views, columns=1, common_scale=True),
    )


def _loss_and_accuracy(result: StudyResult, chosen: Sequence[Setting], ends: Sequence[str], look: Look) -> Any:
    views = [
        View("Validation loss", ("val_loss",), chosen, ends, look),
        View("Validation accuracy", ("val_accuracy",), chosen, ends, look),
    ]
    return grid(result, views, columns=1, common_scale=False)


def _select(settings: Sequence[Setting], cell: str, units: int) -> list[Setting]:
    return [each for each in settings if (each.variant.cell, each.variant.units) == (cell, units)]


def _last_values(settings: Sequence[Setting]) -> str:
    """Say where the curves end: what a reader who cannot see them needs most."""
    said = []
    for each in settings:
        values = each.mean("val_accuracy") if any(m.status == "finished" for m in each.converged) else ()
        last = values[-1] if values else None
        told = each.ending() or "no training converged" if last is None else f"ends at {percent(last)}"
        said.append(f"{each.variant.label} {told}")
    return f"Validation accuracy: {', '.join(said)}."
