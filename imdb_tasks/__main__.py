"""``python -m imdb_tasks``: the steps of the study without Airflow."""

import sys

from imdb_tasks.ui import main

if __name__ == "__main__":
    sys.exit(main())
