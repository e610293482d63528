"""From an analysis to the page and the mail.

``build`` writes the folder of a report, ``page`` and ``mail`` make its two forms, ``pdf`` prints the summary.
``summary`` answers the questions of the first screen, ``headline`` has the recommendation and the subject, ``table``
the rows of the tables, ``numbers`` the same as data, ``wrong_reviews`` the examples, ``notice`` the mail on a run that
fails or is late; the templates are in ``include/templates``, the charts in the room ``charts``.

>>> from imdb_tasks.report import template_environment
>>> template_environment(escape=True).from_string("{{ 0.8632 | percent }}").render()
'86.3 %'
"""

from imdb_tasks.report.build import REPORTS_REVISION, ReportInputs, write_report
from imdb_tasks.report.charts import LOSS_CEILING
from imdb_tasks.report.mail import compose_mail, mail_address
from imdb_tasks.report.notice import Notice, Trouble, compose_notice
from imdb_tasks.report.summary import Made, first_screen
from imdb_tasks.report.templates import template_environment
from imdb_tasks.report.wrong_reviews import Misclassified, most_confident_errors

__all__ = [
    "LOSS_CEILING",
    "REPORTS_REVISION",
    "Made",
    "Misclassified",
    "Notice",
    "ReportInputs",
    "Trouble",
    "compose_mail",
    "compose_notice",
    "first_screen",
    "mail_address",
    "most_confident_errors",
    "template_environment",
    "write_report",
]
