import hashlib
import re

from imdb_tasks.report.charts import charts
from imdb_tasks.resources import PLOTLY_JS, PLOTLY_TRACES
from tests.support.study_analysis import run_comparison, study_analysis
from tests.support.study_results import study_result


def test_the_script_is_the_one_that_its_readme_names() -> None:
    [named] = re.findall(r"sha256: ([0-9a-f]{64})", PLOTLY_JS.with_name("README.md").read_text("utf8"))
    assert hashlib.sha256(PLOTLY_JS.read_bytes()).hexdigest() == named


def test_the_script_is_of_the_version_that_the_python_package_draws_for() -> None:
    from plotly.offline import get_plotlyjs_version

    assert f"v{get_plotlyjs_version()}" in PLOTLY_JS.read_text("utf8")[:200]


def test_every_chart_is_made_of_what_the_script_can_draw() -> None:
    result = study_result()
    drawn = charts(result, study_analysis(result, comparison=run_comparison(result)))
    assert {trace.type for chart in drawn for trace in chart.figure.data} <= set(PLOTLY_TRACES)
