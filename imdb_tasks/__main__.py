"""``python -m imdb_tasks``: what ``imdb-study`` is, where the package is not installed."""

import sys

from imdb_tasks.ui import main

if __name__ == "__main__":
    sys.exit(main())
