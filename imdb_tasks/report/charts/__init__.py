"""The charts of the report: plotly figures with the words that go with them.

``catalogue`` is the list of all; ``accuracy``, ``curves``, ``panels``, ``effects``, ``cost``, ``calibration`` and
``since_last_run`` draw; ``settings`` has the trainings of a setting as one curve, ``style`` has colours and dashes,
``png`` turns figures into the pictures of the mail.

>>> from imdb_tasks.report.charts import plotly_template
>>> plotly_template(dark=True)["layout"]["font"]["color"]
'#E6E8EB'
"""

from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.catalogue import charts
from imdb_tasks.report.charts.curves import LOSS_CEILING
from imdb_tasks.report.charts.png import WIDTH, save_pictures
from imdb_tasks.report.charts.style import plotly_template

__all__ = [
    "LOSS_CEILING",
    "WIDTH",
    "Chart",
    "charts",
    "plotly_template",
    "save_pictures",
]
