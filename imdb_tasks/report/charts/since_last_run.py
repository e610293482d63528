"""What moved since the previous run: one line for each variant that both have."""

from imdb_tasks.analysis import RunComparison
from imdb_tasks.formatting import count_of, signed
from imdb_tasks.report.charts.base import Chart, empty_figure
from imdb_tasks.report.charts.style import GREY, marker
from imdb_tasks.study import Study

_LINE = 23
MOST_LINES = 60


def changes_chart(comparison: RunComparison, study: Study) -> Chart | None:
    """Draw accuracy now less before, with intervals; None where the runs have no model in common."""
    moved = comparison.variants[:MOST_LINES]
    if not moved:
        return None
    figure = empty_figure(height=len(moved) * _LINE + 72)
    names = [each.variant.label for each in moved]
    for name, each in zip(names, moved, strict=True):
        bars = None
        if each.interval:
            high, low = each.interval.high - each.difference, each.difference - each.interval.low
            bars = {"array": [100 * high], "arrayminus": [100 * low], "thickness": 2, "width": 5}
        figure.add_scatter(
            x=[100 * each.difference],
            y=[name],
            mode="markers",
            marker=marker(each.variant, study),
            error_x=bars,
            hovertemplate=f"{name}: {each.before:.2%} before, {each.now:.2%} now<extra></extra>",
            showlegend=False,
        )
    figure.add_vline(x=0, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], range=[-0.6, len(moved) - 0.4])
    figure.update_xaxes(title="Test accuracy now less before, percentage points", showgrid=True)
    beyond = [each for each in moved if each.beyond_noise]
    count = f"{count_of(len(beyond), 'variant', 'variants')} of {len(moved)} changed significantly"
    listed = "".join(f"; {each.variant.label} {signed(100 * each.difference, 1)} points" for each in beyond)
    paired = comparison.same_test_reviews
    return Chart(
        name="changes",
        title="What moved since the previous run",
        caption=(
            f"{count}. Bars are 95 % intervals of the difference, both runs on the same test reviews. Another training"
            " of the same model could differ by more."
            if paired
            else "The test reviews differ from those of the previous run, so the differences are not tested."
        ),
        alternative=f"Differences of test accuracy to the previous run: {count}{listed}.",
        figure=figure,
    )
