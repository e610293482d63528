"""Archives that mean harm: refused whole, nothing written, memory flat."""

import gzip
import json
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.errors import SourceError, UnexpectedContentError, UnsafeArchiveError
from imdb_tasks.sources import REVIEWS, fetch
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource
from tests.support.stand_ins import REVIEWS_CSV, tar_of, zip_of

ROOT = Path(__file__).parents[2]
NAME = "IMDB Dataset.csv"
TEN_GIGABYTES = 10 << 30
BLOCK = bytes(16 << 20)
FETCH = r"""
import json, re, sys
from pathlib import Path
from imdb_tasks.errors import StudyError
from imdb_tasks.sources.fetching import REVIEWS, fetch
from imdb_tasks.store.store import Store
from imdb_tasks.study.grid import LocalSource
try:
    fetch(LocalSource(path=sys.argv[1]), REVIEWS, Store(sys.argv[2]))
    error = None
except StudyError as caught:
    error = [type(caught).__name__, str(caught)]
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps({"error": error, "megabytes": int(peak) / 1e3}))
"""


def link() -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


def linked_zip() -> bytes:
    info = zipfile.ZipInfo(NAME)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_of({info: b"/etc/passwd"})


def zip_bomb(claimed: int) -> bytes:
    """Return 10 GB of zeros in a zip that says that they are ``claimed`` bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = first * (TEN_GIGABYTES // len(BLOCK)) + packer.flush()
    name, size = NAME.encode(), min(claimed, 0xFFFFFFFF)
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, 0, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + fields + name + packed
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + entry + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)


def tar_bomb() -> bytes:
    info = tarfile.TarInfo(NAME)
    info.size = TEN_GIGABYTES
    block = gzip.compress(BLOCK)  # members of a gzip file simply follow each other
    return gzip.compress(info.tobuf()) + block * (TEN_GIGABYTES // len(BLOCK))


def fetched_elsewhere(path: Path, store: Store) -> dict[str, Any]:
    """Fetch in a process of its own; return its error and its peak memory."""
    command = [sys.executable, "-c", FETCH, str(path), store.where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=500)
    return json.loads(done.stdout)


def nothing_is_written(store: Store) -> bool:
    root = Path(store.where)
    return [path for path in root.rglob("*") if path.is_file() and "locks" not in path.parts] == []


@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        (linked_zip(), UnsafeArchiveError),
        (tar_of({NAME: link()}), UnsafeArchiveError),
        (zip_of({"something else.csv": REVIEWS_CSV}), UnexpectedContentError),
        (tar_of({"something else.csv": REVIEWS_CSV}), UnexpectedContentError),
    ],
)
def test_a_bad_member_refuses_the_whole_archive(store: Store, tmp_path: Path, archive: bytes, kind) -> None:
    path = tmp_path / "archive"
    path.write_bytes(archive)
    with pytest.raises(kind) as caught:
        fetch(LocalSource(path=str(path)), REVIEWS, store)
    assert isinstance(caught.value, SourceError)
    assert nothing_is_written(store)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["archive", "store"]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
@pytest.mark.parametrize("name", [f"../{NAME}", f"../../{NAME}", f"/tmp/{NAME}"])  # noqa: S108
def test_a_name_that_leads_outside_is_never_a_path(store: Store, tmp_path: Path, pack, name: str) -> None:
    path = tmp_path / "archive"
    path.write_bytes(pack({name: REVIEWS_CSV}))
    entry = fetch(LocalSource(path=str(path)), REVIEWS, store)
    assert entry.file(NAME).read_bytes() == REVIEWS_CSV
    assert sorted(file.name for file in tmp_path.iterdir()) == ["archive", "store"]
    assert [file.parent for file in Path(store.where).rglob(NAME)] == [entry.path]
    assert not Path("/tmp", NAME).exists()  # noqa: S108


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zip", "a zip that lies", "tar.gz"])
def test_a_bomb_of_ten_gigabytes_is_refused_with_flat_memory(store: Store, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes({"zip": lambda: zip_bomb(TEN_GIGABYTES), "tar.gz": tar_bomb}.get(kind, lambda: zip_bomb(100))())
    told = fetched_elsewhere(path, store)
    assert told["error"][0] in ("UnsafeArchiveError", "UnexpectedContentError"), told
    assert told["megabytes"] < 200
    assert nothing_is_written(store)


@pytest.mark.parametrize("claimed", [1_000_000, 1], ids=["an honest end record", "one that claims one member"])
def test_a_zip_of_a_million_members_is_refused_by_its_end_record_with_flat_memory(
    store: Store, tmp_path: Path, claimed: int
) -> None:
    archive = tmp_path / "archive.zip"
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[20, 20, 0, 0, 0, 0], *[0, 0, 0], 7, *[0] * 4, *[0, 0])
    directory = b"".join(entry + b"%07d" % number for number in range(1_000_000))
    start = 4
    large = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, claimed, claimed, len(directory), start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(directory), 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    archive.write_bytes(b"PK\x03\x04" + directory + large + locator + end)
    told = fetched_elsewhere(archive, store)
    assert told["error"][0] == "UnsafeArchiveError"
    assert f"holds {claimed:,} members, listed in 53,000,000 bytes; expected at most 10,000 members" in told["error"][1]
    assert told["megabytes"] < 200
    assert nothing_is_written(store)
