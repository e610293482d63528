import os
import signal
import threading
import time

import httpx
import pytest

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    NotFoundError,
    ServerBusyError,
    SourceError,
    StudyError,
    UnexpectedContentError,
    UnsafeArchiveError,
)
from imdb_tasks.sources.http import _refuse_downgrade, downloaded
from imdb_tasks.sources.responses import public_url
from imdb_tasks.sources.retry import RetryPolicy
from tests.support.stand_ins import Reply, StandIn, file_server

CONTENT = bytes(range(256)) * 8_000  # 2 MB, more than one chunk
QUICK = RetryPolicy(tries=3, first_pause=0.01, longest_pause=2)
ONCE = RetryPolicy(tries=1)


@pytest.fixture
def server():
    with StandIn() as stand_in:
        yield stand_in


def get(url, folder, *, max_bytes=10_000_000, retries=QUICK):
    with downloaded(url, folder, max_bytes=max_bytes, retries=retries) as path:
        return path.read_bytes()


def test_a_file_arrives_whole_and_nothing_is_left_behind(server, tmp_path):
    url = server.answer("/file.zip", file_server(CONTENT))
    assert get(url, tmp_path) == CONTENT
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_is_followed(server, tmp_path):
    server.answer("/there", file_server(CONTENT))
    url = server.answer("/here", Reply(302, headers={"Location": "/there"}))
    assert get(url, tmp_path) == CONTENT


def test_a_circle_of_redirects_is_given_up(server, tmp_path):
    url = server.answer("/here", Reply(302, headers={"Location": "/here"}))
    with pytest.raises(SourceError, match="redirects"):
        get(url, tmp_path)


def test_a_cut_download_goes_on_where_it_stood(server, tmp_path):
    url = server.answer("/file.zip", file_server(CONTENT, cut_after=700_000), file_server(CONTENT))
    assert get(url, tmp_path) == CONTENT
    first, second = server.requests
    assert "range" not in first.headers
    start = int(second.headers["range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 700_000
    assert second.headers["if-range"] == '"one"'


def test_a_later_call_goes_on_where_a_failed_one_stood(server, tmp_path):
    url = server.answer("/file.zip", file_server(CONTENT, cut_after=700_000), file_server(CONTENT))
    with pytest.raises(ConnectionLostError, match=r"/file\.zip"):
        get(url, tmp_path, retries=ONCE)
    assert get(url, tmp_path, retries=ONCE) == CONTENT
    assert "range" in server.requests[1].headers
    assert list(tmp_path.iterdir()) == []


def test_last_modified_serves_where_there_is_no_strong_etag(server, tmp_path):
    modified = "Mon, 01 Jan 2024 00:00:00 GMT"
    begun = Reply(200, CONTENT, {"ETag": 'W/"weak"', "Last-Modified": modified}, cut_after=700_000)
    url = server.answer("/file.zip", begun, file_server(CONTENT, etag=modified))
    assert get(url, tmp_path) == CONTENT
    assert server.requests[1].headers["if-range"] == modified


def test_without_etag_and_date_a_cut_download_starts_over(server, tmp_path):
    url = server.answer("/file.zip", Reply(200, CONTENT, cut_after=700_000), file_server(CONTENT))
    assert get(url, tmp_path) == CONTENT
    assert "range" not in server.requests[1].headers


def test_a_file_that_changed_meanwhile_is_downloaded_from_its_beginning(server, tmp_path):
    changed = CONTENT[::-1]
    url = server.answer("/file.zip", file_server(CONTENT, cut_after=700_000), file_server(changed, etag='"two"'))
    assert get(url, tmp_path) == changed


def test_a_part_of_another_file_is_never_appended(server, tmp_path):
    changed = CONTENT[::-1]

    def ignores_if_range(request):
        return file_server(changed, etag='"two"')(
            type(request)(request.method, request.path, {**request.headers, "if-range": '"two"'}, b"")
        )

    url = server.answer("/file.zip", file_server(CONTENT, cut_after=700_000), ignores_if_range)
    assert get(url, tmp_path) == changed


def test_a_part_that_starts_elsewhere_is_never_appended(server, tmp_path):
    odd = Reply(206, CONTENT[5:], {"Content-Range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"})
    url = server.answer("/file.zip", file_server(CONTENT, cut_after=700_000), odd, file_server(CONTENT))
    assert get(url, tmp_path) == CONTENT


def test_a_server_without_ranges_is_read_from_the_beginning(server, tmp_path):
    whole = Reply(200, CONTENT, {"ETag": '"one"'})
    url = server.answer("/file.zip", Reply(200, CONTENT, {"ETag": '"one"'}, cut_after=700_000), whole)
    assert get(url, tmp_path) == CONTENT


def test_an_interrupted_download_goes_on_later(server, tmp_path, request):
    # A shell lets what it starts in the background ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupted(asked):
        main = threading.main_thread().ident
        # In the pause, which is longer: between two instructions of the client, Python might drop the interruption.
        threading.Timer(2, signal.pthread_kill, [main, signal.SIGINT]).start()
        return file_server(CONTENT, cut_after=700_000)(asked)

    url = server.answer("/file.zip", interrupted, file_server(CONTENT))
    with pytest.raises(KeyboardInterrupt):
        get(url, tmp_path, retries=RetryPolicy(tries=2, first_pause=8))
    assert get(url, tmp_path) == CONTENT
    assert "range" in server.requests[1].headers


def test_a_complete_partial_file_of_a_killed_process_is_downloaded_again(server, tmp_path):
    url = server.answer("/file.zip", file_server(CONTENT, cut_after=700_000), file_server(CONTENT[:1_000]))
    with pytest.raises(ConnectionLostError):
        get(url, tmp_path, retries=ONCE)
    assert get(url, tmp_path) == CONTENT[:1_000]  # the answer to the first request is 416


def test_two_processes_do_not_write_into_one_partial_file(server, tmp_path):
    url = server.answer("/file.zip", file_server(CONTENT))
    with downloaded(url, tmp_path, max_bytes=10_000_000, retries=QUICK) as first:
        with downloaded(url, tmp_path, max_bytes=10_000_000, retries=QUICK) as second:
            assert first != second
            assert second.read_bytes() == CONTENT
        assert first.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == []


def test_a_page_of_html_is_refused_and_not_kept(server, tmp_path):
    page = Reply(200, b"<html>sign in</html>", {"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(UnexpectedContentError, match="web page"):
        get(server.answer("/file.zip", page), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, AccessRefusedError),
        (403, AccessRefusedError),
        (404, NotFoundError),
        (410, NotFoundError),
        (400, SourceError),
    ],
)
def test_a_permanent_refusal_is_not_tried_again(server, tmp_path, status, expected):
    url = server.answer("/file.zip", Reply(status))
    with pytest.raises(expected, match=str(status)):
        get(url, tmp_path)
    assert len(server.requests) == 1


def test_a_server_that_fails_once_is_asked_again(server, tmp_path):
    url = server.answer("/file.zip", Reply(500), file_server(CONTENT))
    assert get(url, tmp_path) == CONTENT


def test_the_pause_that_a_busy_server_asks_for_is_kept(server, tmp_path):
    url = server.answer("/file.zip", Reply(429, headers={"Retry-After": "1"}), file_server(CONTENT))
    began = time.monotonic()
    assert get(url, tmp_path) == CONTENT
    assert time.monotonic() - began >= 1


def test_a_server_that_asks_for_a_pause_too_long_to_sleep_through_is_left_to_the_scheduler(server, tmp_path):
    url = server.answer("/file.zip", Reply(429, headers={"Retry-After": "120"}))
    with pytest.raises(ServerBusyError, match="wait 120 s") as caught:
        get(url, tmp_path, retries=RetryPolicy(tries=3, longest_pause=0.01))
    assert caught.value.retry_after == 120
    assert len(server.requests) == 1


def test_a_redirect_from_https_to_http_is_refused():
    asked = httpx.Request("GET", "https://example.org/file.zip")
    answer = httpx.Response(302, headers={"Location": "http://example.org/file.zip?secret=1"}, request=asked)
    with pytest.raises(SourceError, match=r"file.zip redirects from https to http://example.org/file.zip;"):
        _refuse_downgrade(answer)
    _refuse_downgrade(httpx.Response(302, headers={"Location": "/elsewhere.zip"}, request=asked))


def test_no_server_at_all_is_a_lost_connection(tmp_path):
    with StandIn() as stand_in:
        url = stand_in.url
    with pytest.raises(ConnectionLostError, match="try again later"):
        get(url, tmp_path)


@pytest.mark.parametrize("announced", [True, False])
def test_more_than_the_cap_is_refused_and_not_kept(server, tmp_path, announced):
    headers = {"ETag": '"one"'} if announced else {"ETag": '"one"', "Content-Length": ""}
    url = server.answer("/file.zip", Reply(200, CONTENT, headers))
    with pytest.raises(UnsafeArchiveError, match="at most 1,000"):
        get(url, tmp_path, max_bytes=1_000)
    assert list(tmp_path.iterdir()) == []


def test_what_a_url_hides_is_in_no_message_and_no_log(server, tmp_path, caplog):
    caplog.set_level("INFO")
    server.answer("/file.zip", Reply(403))
    url = server.url.replace("//", "//user:password1@") + "/file.zip?token=secret2"
    with pytest.raises(StudyError) as caught:
        get(url, tmp_path)
    server.answer("/file.zip", file_server(CONTENT))
    get(url, tmp_path)
    said = caplog.text + str(caught.value)
    assert "/file.zip" in said
    assert "password1" not in said
    assert "secret2" not in said
    assert public_url(url) == f"{server.url}/file.zip"


def test_progress_is_a_handful_of_lines(server, tmp_path, caplog):
    caplog.set_level("INFO")
    get(server.answer("/file.zip", file_server(os.urandom(9_000_000))), tmp_path)
    lines = [record for record in caplog.records if "MB" in record.message]
    assert 5 <= len(lines) <= 11
