"""Artifacts under content keys: published whole, verified on each read, made by one process at a time.

``store`` is what the other rooms use. ``local`` and ``bucket`` are the two kinds of places that it can lie in, and
``names`` says where things lie there; ``seals``, ``manifest`` and ``refs`` are the formats of what lies there.
``locks`` keeps a second process from making the same entry, and ``claims`` says who holds one; ``faults`` turns what
the system says into errors of this project. ``maintenance`` lists and verifies, ``prune`` deletes what
no kept run needs, where ``in_use`` says what runs use, and ``leftovers`` what lies there for nothing.

>>> import tempfile
>>> from imdb_tasks.store import Store
>>> store = Store(tempfile.mkdtemp())
>>> with store.publish("models", "k1", {"variant": "32_GRU_64"}) as folder:
...     _ = folder.joinpath("record.json").write_text("{}")
>>> store.find("models", "k1").about["variant"]
'32_GRU_64'
"""

from imdb_tasks.store.faults import explaining, tidying
from imdb_tasks.store.locks import Lock
from imdb_tasks.store.maintenance import check_writable, list_entries, verify_store
from imdb_tasks.store.manifest import sha256_of
from imdb_tasks.store.names import CHECKPOINTS, is_safe
from imdb_tasks.store.prune import Pruned, PrunePolicy, prune_store
from imdb_tasks.store.seals import write_json
from imdb_tasks.store.store import Entry, Store

__all__ = [
    "CHECKPOINTS",
    "Entry",
    "Lock",
    "PrunePolicy",
    "Pruned",
    "Store",
    "check_writable",
    "explaining",
    "is_safe",
    "list_entries",
    "prune_store",
    "sha256_of",
    "tidying",
    "verify_store",
    "write_json",
]
