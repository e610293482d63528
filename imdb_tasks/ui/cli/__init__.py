"""The command line: ``commands`` are the steps, ``keeping`` looks after the store, ``models`` uses trained models.

>>> import tempfile
>>> from imdb_tasks.ui.cli import main
>>> main(["store", "list", "--store", tempfile.mkdtemp()])
0
"""

from imdb_tasks.ui.cli.commands import main

__all__ = [
    "main",
]
