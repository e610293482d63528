import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.errors import (
    ConnectionLostError,
    MissingInputError,
    NotFoundError,
    UnexpectedContentError,
    UnsafeArchiveError,
)
from imdb_tasks.sources.fetching import REVIEWS, KaggleCredentials, RetryPolicy, fetch, fetched, fetched_key
from imdb_tasks.sources.inputs import glove_vectors
from imdb_tasks.store import Store
from imdb_tasks.study import ArchiveSource, KaggleSource, LocalSource
from tests.support.stand_ins import REVIEWS_CSV, Reply, StandIn, file_server, kaggle_running, tar_of, zip_of

VECTORS = b"the 0.1 0.2\nof 0.3 0.4\n"
REVIEWS_ZIP = zip_of({"IMDB Dataset.csv": REVIEWS_CSV})
GLOVE_ZIP = zip_of({f"glove.6B.{size}d.txt": VECTORS * size for size in (50, 100)})
ACL_TAR = tar_of({"aclImdb/train/pos/0_9.txt": b"Good,<br />really", "aclImdb/test/neg/3_1.txt": b'A "bad" one'})
SHA256 = hashlib.sha256(REVIEWS_CSV).hexdigest()
QUICK = RetryPolicy(tries=2, first_pause=0.01)
TOKEN = KaggleCredentials(token="token-of-someone")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def server():
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def kaggle(monkeypatch, tmp_path):
    with kaggle_running(monkeypatch, tmp_path, REVIEWS_ZIP) as stand_in:
        yield stand_in


def get(source, store, wanted=REVIEWS):
    return fetch(source, wanted, store, credentials=TOKEN, retries=QUICK)


def local(path, **pin):
    return LocalSource(path=str(path), **pin)


def leftovers(store):
    """Return the files of every entry, draft, download and ref."""
    return [path for path in Path(store.where).rglob("*") if path.is_file()]


def test_a_public_archive_ends_as_one_described_file_in_the_store(server, store):
    url = server.answer("/reviews.zip", file_server(REVIEWS_ZIP))
    entry = get(ArchiveSource(url=url), store)
    assert entry.file("IMDB Dataset.csv").read_bytes() == REVIEWS_CSV
    assert entry.key == SHA256[:24]
    about = dict(entry.about)
    assert about.pop("fetched_at").endswith("+00:00")
    assert about == {
        "name": "reviews",
        "kind": "archive",
        "origin": url,
        "version": None,
        "archive_sha256": hashlib.sha256(REVIEWS_ZIP).hexdigest(),
        "sha256": SHA256,
        "bytes": len(REVIEWS_CSV),
    }


def test_only_the_file_the_manifest_and_the_ref_remain(server, store):
    get(ArchiveSource(url=server.answer("/reviews.zip", file_server(REVIEWS_ZIP))), store)
    suffixes = sorted(path.suffix for path in leftovers(store))
    assert suffixes == [".csv", ".json", ".json"]


def test_a_second_fetch_makes_no_request(server, store, caplog):
    caplog.set_level("INFO")
    source = ArchiveSource(url=server.answer("/reviews.zip", file_server(REVIEWS_ZIP)))
    first = get(source, store)
    assert get(source, store) == first
    assert len(server.requests) == 1
    assert "nothing is downloaded" in caplog.text


def test_an_entry_that_was_damaged_is_fetched_again(server, store):
    source = ArchiveSource(url=server.answer("/reviews.zip", file_server(REVIEWS_ZIP)))
    get(source, store).file("IMDB Dataset.csv").write_bytes(b"x" * len(REVIEWS_CSV))
    assert get(source, store).file("IMDB Dataset.csv").read_bytes() == REVIEWS_CSV
    assert len(server.requests) == 2


def test_two_sources_of_the_same_bytes_share_one_entry(server, store, tmp_path):
    (tmp_path / "IMDB Dataset.csv").write_bytes(REVIEWS_CSV)
    url = server.answer("/reviews.zip", file_server(REVIEWS_ZIP))
    first, second = get(ArchiveSource(url=url), store), get(local(tmp_path), store)
    assert first.path == second.path
    assert (first.about["kind"], second.about["kind"]) == ("archive", "local")
    assert fetched(local(tmp_path), REVIEWS, store) == second


def test_the_original_reviews_become_the_csv(server, store):
    import pandas

    entry = get(ArchiveSource(url=server.answer("/aclImdb_v1.tar.gz", file_server(ACL_TAR))), store)
    table = pandas.read_csv(entry.file("IMDB Dataset.csv"))
    assert table.to_dict("list") == {
        "review": ['A "bad" one', "Good,<br />really"],
        "sentiment": ["negative", "positive"],
    }


def test_the_csv_in_a_tar_is_taken_as_it_is(server, store):
    archive = tar_of({"data/IMDB Dataset.csv": REVIEWS_CSV})
    entry = get(ArchiveSource(url=server.answer("/archive.tar.gz", file_server(archive))), store)
    assert entry.key == SHA256[:24]


def test_the_vectors_of_the_wanted_size_are_taken_from_the_large_archive(server, store):
    source = ArchiveSource(url=server.answer("/glove.6B.zip", file_server(GLOVE_ZIP)))
    for size in (100, 50):
        entry = get(source, store, glove_vectors(size))
        assert entry.file(f"glove.6B.{size}d.txt").read_bytes() == VECTORS * size
        assert [path.name for path in entry.path.glob("*.txt")] == [f"glove.6B.{size}d.txt"]


@pytest.mark.parametrize(
    ("content", "expected", "message"),
    [
        (b"<!doctype html><title>Sign in</title>", UnexpectedContentError, "web page"),
        (zip_of({"other.csv": b""}), UnexpectedContentError, "found 'other.csv'"),
        (zip_of({"IMDB Dataset.csv": bytes(3_000_000)}), UnsafeArchiveError, "at most 1,000,000"),
        (REVIEWS_ZIP[:-30], UnexpectedContentError, "it was cut short"),
        (REVIEWS_CSV, UnexpectedContentError, "neither a zip nor a tar.gz"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(server, store, content, expected, message):
    source = ArchiveSource(url=server.answer("/reviews.zip", file_server(content)))
    small = dataclasses.replace(REVIEWS, max_bytes=1_000_000)
    with pytest.raises(expected, match=message):
        get(source, store, small)
    assert leftovers(store) == []
    with pytest.raises(MissingInputError):
        fetched(source, small, store)


def test_a_download_above_the_cap_is_refused(server, store):
    source = ArchiveSource(url=server.answer("/reviews.zip", file_server(REVIEWS_ZIP)))
    with pytest.raises(UnsafeArchiveError, match="at most 50"):
        get(source, store, dataclasses.replace(REVIEWS, max_download_bytes=50))
    assert leftovers(store) == []


def test_a_broken_download_goes_on_at_the_next_fetch(server, store):
    archive = zip_of({"IMDB Dataset.csv": REVIEWS_CSV, "noise": os.urandom(900_000)})
    cut = file_server(archive, cut_after=600_000)
    source = ArchiveSource(url=server.answer("/reviews.zip", cut, Reply(503), file_server(archive)))
    with pytest.raises(ConnectionLostError):
        fetch(source, REVIEWS, store, retries=RetryPolicy(tries=1))
    assert get(source, store).key == SHA256[:24]
    assert "range" in server.requests[-1].headers
    assert not [path for path in leftovers(store) if "work" in path.parts]


@pytest.mark.parametrize("pin", [SHA256, "0" * 64])
def test_a_pinned_hash_is_that_of_the_file(server, store, pin):
    source = ArchiveSource(url=server.answer("/reviews.zip", file_server(REVIEWS_ZIP)), sha256=pin)
    if pin == SHA256:
        assert get(source, store).about["sha256"] == pin
        return
    with pytest.raises(UnexpectedContentError, match=f"expected a file with sha256 {pin}, found {SHA256}"):
        get(source, store)
    assert leftovers(store) == []


def test_a_pinned_kaggle_dataset_is_downloaded_once(kaggle, store):
    source = KaggleSource(dataset="owner/films", version=2)
    entry = get(source, store)
    assert (entry.about["origin"], entry.about["version"]) == ("kaggle:owner/films/2", 2)
    assert entry.key == SHA256[:24]
    asked = len(kaggle.requests)
    assert get(source, store) == entry
    assert len(kaggle.requests) == asked
    assert fetched_key(source, REVIEWS, store) == entry.key


def test_the_newest_version_is_asked_for_and_downloaded_only_if_it_changed(kaggle, store):
    source = KaggleSource(dataset="owner/films", version=None)
    assert get(source, store).about["version"] == 3
    assert get(source, store).about["version"] == 3
    assert len(kaggle.asked("GetDataset")) == 2
    assert [request.json["datasetVersionNumber"] for request in kaggle.asked("DownloadDataset")] == [3]

    kaggle.newest = 4
    kaggle.serve(Reply(200, zip_of({"IMDB Dataset.csv": REVIEWS_CSV * 2})))
    newer = get(source, store)
    assert newer.about["version"] == 4
    assert newer.key != SHA256[:24]
    assert fetched(source, REVIEWS, store) == newer


def test_a_page_in_place_of_a_kaggle_archive_leaves_nothing_behind(kaggle, store):
    kaggle.serve(Reply(200, b"<html>maintenance</html>"))
    with pytest.raises(
        UnexpectedContentError, match="Kaggle dataset owner/films/2: expected the data, found a web page"
    ):
        get(KaggleSource(dataset="owner/films", version=2), store)
    assert leftovers(store) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("IMDB Dataset.csv", REVIEWS_CSV),
        ("any name.csv", REVIEWS_CSV),
        ("imdb-dataset-of-50k-movie-reviews.zip", REVIEWS_ZIP),
        ("any name.zip", REVIEWS_ZIP),
    ],
)
def test_a_local_file_is_taken_plain_or_packed(store, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    entry = get(local(path), store)
    assert entry.file("IMDB Dataset.csv").read_bytes() == REVIEWS_CSV
    assert entry.about["origin"] == str(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", REVIEWS.archive_names)
def test_a_local_folder_is_searched_for_the_archives_people_have(store, tmp_path, name):
    tmp_path.joinpath(name).write_bytes(ACL_TAR if name.endswith("gz") else REVIEWS_ZIP)
    assert get(local(tmp_path), store).file("IMDB Dataset.csv").is_file()


@pytest.mark.parametrize("name", glove_vectors().archive_names)
def test_a_local_folder_is_searched_for_the_vectors_too(store, tmp_path, name):
    tmp_path.joinpath(name).write_bytes(GLOVE_ZIP)
    assert get(local(tmp_path), store, glove_vectors()).file("glove.6B.100d.txt").read_bytes() == VECTORS * 100


def test_a_file_comes_before_an_archive_in_a_folder(store, tmp_path):
    tmp_path.joinpath("IMDB Dataset.csv").write_bytes(REVIEWS_CSV)
    tmp_path.joinpath("reviews.zip").write_bytes(zip_of({"IMDB Dataset.csv": b"other"}))
    assert get(local(tmp_path), store).key == SHA256[:24]


def test_a_local_path_with_nothing_fitting_is_reported_with_what_was_looked_for(store, tmp_path):
    with pytest.raises(NotFoundError, match=r"none of 'IMDB Dataset.csv', .*'aclImdb_v1.tar.gz'"):
        get(local(tmp_path), store)
    with pytest.raises(NotFoundError, match="does not exist"):
        get(local(tmp_path / "nowhere.csv"), store)


@pytest.mark.parametrize(("name", "content"), [("reviews.zip", b"not a zip"), ("page.csv", b"<html>")])
def test_a_local_file_of_another_kind_is_refused(store, tmp_path, name, content):
    tmp_path.joinpath(name).write_bytes(content)
    with pytest.raises(UnexpectedContentError, match=r"neither a zip|web page"):
        get(local(tmp_path / name), store)


def test_a_large_local_file_is_refused(store, tmp_path):
    tmp_path.joinpath("IMDB Dataset.csv").write_bytes(bytes(2_000_000))
    with pytest.raises(UnsafeArchiveError, match="at most 1,000,000"):
        get(local(tmp_path), store, dataclasses.replace(REVIEWS, max_bytes=1_000_000))


def test_a_local_file_that_changed_is_read_again_by_the_next_fetch_and_not_before(store, tmp_path):
    path = tmp_path / "IMDB Dataset.csv"
    path.write_bytes(REVIEWS_CSV)
    first = get(local(path), store)
    path.write_bytes(REVIEWS_CSV * 2)
    assert fetched(local(path), REVIEWS, store) == first
    second = get(local(path), store)
    assert second.key != first.key
    assert fetched_key(local(path), REVIEWS, store) == second.key


def test_a_local_file_that_changed_back_is_found_again(store, tmp_path):
    path = tmp_path / "IMDB Dataset.csv"
    path.write_bytes(REVIEWS_CSV)
    stamp = path.stat()
    first = get(local(path), store)
    path.write_bytes(REVIEWS_CSV * 2)
    get(local(path), store)
    path.write_bytes(REVIEWS_CSV)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert get(local(path), store) == first
    assert fetched_key(local(path), REVIEWS, store) == first.key


def test_a_machine_that_cannot_see_the_local_file_finds_what_was_fetched(store, tmp_path):
    path = tmp_path / "IMDB Dataset.csv"
    path.write_bytes(REVIEWS_CSV)
    entry = get(local(path), store)
    path.unlink()
    assert fetched(local(path), REVIEWS, store) == entry
    assert fetched_key(local(path), REVIEWS, store) == entry.key


@pytest.mark.parametrize("find", [fetched, fetched_key])
@pytest.mark.parametrize(("wanted", "step"), [(REVIEWS, "fetch_reviews"), (glove_vectors(), "fetch_glove")])
def test_what_was_never_fetched_names_the_step_to_run(store, find, wanted, step):
    with pytest.raises(MissingInputError, match=f"run the step '{step}' first"):
        find(KaggleSource(dataset="owner/films"), wanted, store)


def test_importing_the_module_imports_nothing_heavy():
    script = (
        "import sys, imdb_tasks.sources.fetching; print({'kaggle', 'kagglesdk', 'httpx', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


KILLED_AT_ITS_END = """
import os, signal, sys
from imdb_tasks.sources import fetching
from imdb_tasks.store.store import Store
from imdb_tasks.study.grid import LocalSource
fetching._publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
fetching.fetch(LocalSource(path=sys.argv[2]), fetching.REVIEWS, Store(sys.argv[1]))
"""


def test_what_a_killed_fetch_left_is_cleared_by_the_next(store, tmp_path):
    tmp_path.joinpath("IMDB Dataset.csv").write_bytes(REVIEWS_CSV)
    subprocess.run([sys.executable, "-c", KILLED_AT_ITS_END, store.where, str(tmp_path)], check=False)
    [left] = leftovers_of_work(store)
    get(local(tmp_path), store)
    assert not left.exists()
    assert leftovers_of_work(store) == []


def leftovers_of_work(store):
    return [path for path in leftovers(store) if "work" in path.parts]
