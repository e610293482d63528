"""The store in a bucket: a real S3 server on loopback, and the same promises as in a folder."""

import email.utils
import http.client
import http.server
import shutil
import subprocess
import sys
import threading
import time

import pytest

from imdb_tasks.errors import ConnectionLostError, SettingsError, StoreError
from imdb_tasks.pipeline import NOTES
from imdb_tasks.store import PrunePolicy, maintenance, prune_store
from imdb_tasks.store.bucket import BucketFiles
from imdb_tasks.store.manifest import MANIFEST
from imdb_tasks.store.store import Store
from imdb_tasks.study import Study
from imdb_tasks.training import Checkpoints, remove_checkpoint
from tests.support.buckets import bucket, server
from tests.support.refs import latest_ref
from tests.support.stepping import evaluated
from tests.training.test_checkpoints import CHECKPOINT

__all__ = ["bucket", "server"]


def publish(store: Store, key: str = "k1", text: str = "hello") -> None:
    with store.publish("models", key, {"note": "x"}) as folder:
        folder.joinpath("a.txt").write_text(text)
        folder.joinpath("sub").mkdir()
        folder.joinpath("sub", "b.txt").write_text("more")


def files_of(store: Store) -> BucketFiles:
    assert isinstance(store.files, BucketFiles)
    return store.files


def test_what_one_machine_publishes_another_finds_whole(bucket, tmp_path, monkeypatch) -> None:
    publish(Store(bucket))
    monkeypatch.setenv("IMDB_CACHE", str(tmp_path / "another"))
    entry = Store(bucket).find("models", "k1")
    assert entry is not None
    assert (entry.key, entry.about) == ("k1", {"note": "x"})
    assert (entry.file("a.txt").read_text(), entry.file("sub/b.txt").read_text()) == ("hello", "more")
    assert entry.path.is_relative_to(tmp_path / "another")


def test_the_first_of_two_publishers_wins(bucket) -> None:
    store = Store(bucket)
    publish(store, text="first")
    publish(store, text="second")
    entry = store.find("models", "k1")
    assert entry is not None
    assert entry.file("a.txt").read_text() == "first"


def test_of_two_publishers_that_saw_no_entry_the_first_wins(bucket) -> None:
    """The second one looked before the first one's manifest was there, and uploads after it."""
    first, second = Store(bucket), Store(bucket)
    upload = files_of(second)._fs.put_file

    def publish_first(*arguments: object) -> None:
        if first.find("models", "k1") is None:
            publish(first, text="first")
        upload(*arguments)

    files_of(second)._fs.put_file = publish_first
    publish(second, text="second")
    for store in (first, second):
        entry = store.find("models", "k1")
        assert entry is not None
        assert entry.file("a.txt").read_text() == "first"
    assert len(files_of(first)._objects("models/k1")) == 3  # nothing of the second one is left


def test_a_publisher_whose_manifest_was_written_before_its_answer_was_lost_keeps_its_files(bucket) -> None:
    store = Store(bucket)
    create = files_of(store)._fs.pipe_file

    def create_twice(*arguments: object, **options: object) -> None:
        create(*arguments, **options)
        create(*arguments, **options)

    files_of(store)._fs.pipe_file = create_twice
    publish(store)
    entry = store.find("models", "k1")
    assert entry is not None
    assert entry.file("a.txt").read_text() == "hello"


def test_a_manifest_that_cannot_be_written_is_an_error(bucket) -> None:
    store = Store(bucket)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "no")

    files_of(store)._fs.pipe_file = refuse
    with pytest.raises(ConnectionLostError, match=rf"{bucket}: the server of the bucket did not .* no\); try again"):
        publish(store)
    assert store.find("models", "k1") is None


def test_what_changed_places_in_a_bucket_is_refused(bucket, caplog) -> None:
    store = Store(bucket)
    places = ("models/k{}", "refs/runs/r{}.json", "checkpoints/c{}.npz")
    for number in (1, 2):
        publish(store, f"k{number}")
        store.write_ref(f"runs/r{number}", {"number": number})
        store.write_sealed(f"checkpoints/c{number}.npz", b"state")
    for place in places:
        for here, there in (("1", "x"), ("2", "1"), ("x", "2")):
            store.files.move_entry(place.format(here), place.format(there))
    assert store.find("models", "k1") is None
    assert store.read_ref("runs/r1") is None
    assert store.read_sealed("checkpoints/c1.npz") is None
    assert "its manifest.json is that of models/k2" in caplog.text
    assert maintenance.verify_store(store) == (0, [place.format(2) for place in places])


def test_the_order_of_refs_outlasts_a_sync_that_writes_them_in_another_order(bucket) -> None:
    store, copy = Store(bucket), Store(f"{bucket}-copy")
    assert store.ref_times("runs") == {}
    for name in ("c", "a", "b"):
        store.write_ref(f"runs/{name}", {"run": name})
    contents = store.files.read_all([f"refs/runs/{name}.json" for name in ("a", "b", "c", "d")])
    assert len(contents) == 3
    for name, content in contents.items():
        copy.files.write(name, content)
    assert copy.ref_times("runs") == store.ref_times("runs")
    assert list(copy.ref_times("runs")) == ["c", "a", "b"]
    assert latest_ref(copy, "runs") == {"run": "b"}


def test_files_without_a_manifest_are_no_entry(bucket) -> None:
    store = Store(bucket)
    publish(store)
    store.files.delete(f"models/k1/{MANIFEST}")  # what a process that was killed while uploading leaves
    assert store.find("models", "k1") is None
    publish(store)
    assert store.find("models", "k1") is not None


def test_a_damaged_object_is_set_aside_and_said(bucket, caplog, tmp_path) -> None:
    store = Store(bucket)
    publish(store)
    files = files_of(store)
    [name] = [name for name in files._objects("models/k1") if name.endswith("a.txt")]
    files._fs.pipe_file(name, b"hellO")
    assert store.find("models", "k1") is None
    assert "a.txt: its sha256 differs" in caplog.text
    assert len(files.folders("aside")) == 1
    publish(store)
    assert store.find("models", "k1") is not None


def test_a_damaged_copy_in_the_cache_is_fetched_again(bucket) -> None:
    store = Store(bucket)
    publish(store)
    entry = store.find("models", "k1")
    assert entry is not None
    entry.file("a.txt").write_text("hellO")
    again = store.find("models", "k1")
    assert again is not None
    assert again.file("a.txt").read_text() == "hello"
    assert files_of(store).folders("aside") == []


def test_refs_and_checkpoints_come_back_and_go(bucket) -> None:
    store = Store(bucket)
    assert latest_ref(store, "runs") is None
    store.write_ref("runs/r1", {"report": "a"})
    store.write_ref("runs/r1", {"report": "b"})
    assert store.refs("runs") == {"r1": {"report": "b"}}
    store.remove_ref("runs/r1")
    assert store.read_ref("runs/r1") is None
    with store.exclusive("models", "k1") as hold:
        checkpoints = Checkpoints(store, "k1", hold)
        checkpoints.save(CHECKPOINT)
        found = checkpoints.load()
        assert found is not None
        assert found.history == CHECKPOINT.history
        remove_checkpoint(store, "k1")
        assert checkpoints.load() is None


def test_one_at_a_time_holds_in_a_bucket_too(bucket) -> None:
    script = (
        "import sys; from imdb_tasks.store import locks; from imdb_tasks.store.store import Store;"
        "locks.PAUSE = 0.1; store = Store(sys.argv[1]); seen = [];\n"
        "for _ in range(5):\n"
        " with store.exclusive('models', 'k1'):\n"
        "  number = (store.read_ref('counter') or {'n': 0})['n']; store.write_ref('counter', {'n': number + 1})"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, bucket]) for _ in range(3)]
    assert [process.wait() for process in running] == [0] * 3
    store = Store(bucket)
    assert store.read_ref("counter") == {"n": 15}
    assert store.files.names("locks") == {}


@pytest.mark.slow
def test_a_study_runs_in_a_bucket_from_the_fetch_to_the_report(bucket, tiny_study: Study, tmp_path) -> None:
    steps = evaluated(tiny_study, Store(bucket))
    report = steps.report()
    shutil.rmtree(tmp_path / "cache")  # as another machine would see it
    assert evaluated(tiny_study, Store(bucket)).reported().key == report.key
    assert maintenance.verify_store(steps.store) == (11, [])
    assert prune_store(steps.store, PrunePolicy(runs=0, days=0), NOTES, dry_run=False).entries != []
    assert list(maintenance.list_entries(steps.store)) == []


def test_verify_reads_the_bucket_and_not_the_copy_of_it(bucket) -> None:
    store = Store(bucket)
    publish(store)
    assert store.find("models", "k1") is not None
    files = files_of(store)
    [name] = [name for name in files._objects("models/k1") if name.endswith("a.txt")]
    files._fs.pipe_file(name, b"hellO")
    assert maintenance.verify_store(store) == (0, ["models/k1"])
    assert len(files.folders("aside")) == 1


def test_prune_leaves_a_source_alone_in_the_middle_of_its_upload(bucket) -> None:
    store = Store(bucket)
    store.files.write("sources/k1/0123/IMDB Dataset.csv", b"first half")
    assert prune_store(store, PrunePolicy(runs=0), NOTES, dry_run=False).entries == []  # it is young
    at_once = PrunePolicy(runs=0, days=0)
    with store.exclusive("fetching", "sources-reviews-0123"):
        time.sleep(1)  # the times of objects are whole seconds
        assert prune_store(store, at_once, NOTES, dry_run=False).entries == []
    assert [entry.name for entry in prune_store(store, at_once, NOTES, dry_run=False).entries] == ["sources/k1"]


@pytest.mark.parametrize("url", ["ftp://host/folder", "s3://", "memory://x"])
def test_a_url_that_leads_to_no_bucket_is_refused(url) -> None:
    with pytest.raises(SettingsError, match="s3://bucket/prefix"):
        Store(url)


class Busy:
    """A server in front of the real one, which answers 503 to every DELETE while it is ``busy``."""

    def __init__(self, real: str) -> None:
        self.busy = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if outer.busy and (self.command == "DELETE" or "delete" in self.path):
                    status, headers, answer = 503, {}, b"<Error><Code>SlowDown</Code><Message>wait</Message></Error>"
                else:
                    connection = http.client.HTTPConnection(real.removeprefix("http://"))
                    connection.request(self.command, self.path, body, dict(self.headers))
                    response = connection.getresponse()
                    status, headers, answer = response.status, dict(response.headers), response.read()
                    connection.close()
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(answer))
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_finished_work_counts_even_if_the_server_is_too_busy_to_release_its_lock(
    server, bucket, monkeypatch, caplog
) -> None:
    busy = Busy(server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", busy.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = Store(bucket)
    files_of(store)._fs.retries = 1
    with store.exclusive("models", "k1") as hold:
        with store.publish("models", "k1", {}, hold=hold) as folder:
            folder.joinpath("a.txt").write_text("hello")
        busy.busy = True
    assert "the lock models-k1 could not be tidied up (ConnectionLostError: " in caplog.text
    store.release_stale("models", "k1")
    entry = store.find("models", "k1")
    assert entry is not None
    assert entry.file("a.txt").read_text() == "hello"
    busy.close()


@pytest.mark.parametrize(
    ("variables", "error", "message"),
    [
        ({}, StoreError, "expected a bucket that is there and credentials for it"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ConnectionLostError, "EndpointConnectionError"),
    ],
    ids=["no such bucket", "no server"],
)
def test_a_bucket_that_cannot_be_reached_is_named_in_one_line(
    bucket, monkeypatch, variables: dict[str, str], error: type[Exception], message: str
) -> None:
    for name, value in {"AWS_MAX_ATTEMPTS": "1", **variables}.items():
        monkeypatch.setenv(name, value)
    store = Store("s3://no-such-bucket/one")
    files_of(store)._fs.retries = 1
    with pytest.raises(error, match=message) as caught:
        publish(store)
    assert str(caught.value).startswith("s3://no-such-bucket/one: ")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("behind", "next_step"),
    [
        (20 * 60, "minutes apart, and such a server takes no more than 15: set this machine's clock"),
        (0, "expected a bucket that is there and credentials for it"),
    ],
    ids=["clocks apart", "the same clock"],
)
def test_a_refusal_is_put_down_to_the_clock_only_where_the_clocks_are_apart(
    bucket, monkeypatch, behind: int, next_step: str
) -> None:
    class Refusing(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response_only(403)
            self.send_header("Date", email.utils.formatdate(time.time() - behind, usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = refuse  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        server.daemon_threads = True  # a client keeps its connection
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for look in (lambda store: store.find("models", "k1"), lambda store: store.write_ref("runs/one", {})):
            with pytest.raises(StoreError, match=next_step):
                look(Store(bucket))
        server.shutdown()
