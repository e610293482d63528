"""What counts as an error in the log of a service or a task, whoever writes it: Airflow, Celery, PostgreSQL, Redis."""

import re

# Airflow notes every command in a table, which the first `db migrate` has yet to make.
_KNOWN = re.compile(r'relation "log" does not exist')
_FAULT = re.compile(
    r'\b(?:ERROR|FATAL|PANIC|CRITICAL)\b|\[(?:error|critical) *\]|^Traceback|"level": ?"(?:error|critical)"'
)


def faults_in(text: str) -> list[str]:
    """Return the lines that are errors."""
    return [line for line in text.splitlines() if _FAULT.search(line) and not _KNOWN.search(line)]
