"""Who may see the plugin's pages, and what a hostile address gets: every route of the plugin's app."""

import importlib.util
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from tests.support.airflow_home import ROOT
from tests.support.whole_airflow import WholeAirflow

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/imdb-study"
ROUTES = [  # the first test tells when one is missing here
    f"{PREFIX}/",
    f"{PREFIX}/report",
    f"{PREFIX}/runs/{{run_id}}/report",
    f"{PREFIX}/compare",
    f"{PREFIX}/dags/{{dag_id}}/runs/{{run_id}}/report",
    f"{PREFIX}/dags/{{dag_id}}/runs/{{run_id}}/tasks/{{task_id}}/{{map_index}}/curves",
    f"{PREFIX}/runs/{{run_id}}/trainings/{{map_index}}",
    f"{PREFIX}/static/{{name}}",
]
SECRET = "root:"  # how /etc/passwd begins
MARK = "marked-7c1"  # in each hostile value: a page that repeats it has echoed what it was given
HOSTILE = (
    "../../../../../etc/passwd",
    f"..%2f..%2f..%2f..%2f..%2fetc%2fpasswd%3f{MARK}",
    f"%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd{MARK}",
    f"..%252f..%252fetc%252fpasswd{MARK}",
    f"..%5c..%5cwindows%5cwin.ini{MARK}",
    f"%2fetc%2fpasswd{MARK}",
    f"{MARK}%00.html",
    f"{MARK}%0d%0aSet-Cookie:%20stolen=1",
    quote(f"<img src=x onerror=alert('{MARK}')>", safe=""),
    quote(f"{{{{7*7}}}}{MARK}", safe=""),
    f".{MARK}",
    MARK * 400,
)


def plugin() -> ModuleType:
    """Import the plugin from its file, as Airflow does."""
    spec = importlib.util.spec_from_file_location("plugin_under_test", ROOT / "plugins" / "imdb_study_plugin.py")
    assert spec
    assert spec.loader
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Airflow's own modules use is not deprecated by us
        patch.setattr(sys, "path", [*sys.path, str(ROOT / "plugins")])
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def routes(app: "FastAPI", prefix: str = PREFIX) -> Iterator[str]:
    """Yield the address of every route, its parameters in braces; a mounted app is one that must be looked into."""
    from fastapi import FastAPI
    from fastapi.routing import APIRoute
    from starlette.routing import Mount

    for route in app.routes:
        if isinstance(route, Mount):
            assert isinstance(route.app, FastAPI), f"{route.path} is not an app whose routes can be told"
            yield from routes(route.app, prefix + route.path)
        else:
            assert isinstance(route, APIRoute), f"{route} has no dependencies that could ask who is there"
            yield prefix + route.path


def filled(address: str, value: str) -> str:
    return re.sub(r"\{[^}]+\}", lambda _: value, address)


def attacks(address: str) -> Iterator[str]:
    """Yield the address with a hostile value for each parameter, one at a time, and with something hostile after it."""
    for value in HOSTILE:
        yield f"{filled(address, 'x')}/{value}"
        for parameter in re.findall(r"\{[^}]+\}", address):
            yield filled(address.replace(parameter, value), "x")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


def ask(whole: WholeAirflow, path: str, user: str | None = None, method: str = "GET") -> Answer:
    """Send the path to the letter: httpx would tidy it up before anybody can be attacked."""
    headers = {"Authorization": f"Bearer {whole.token(user)}"} if user else {}
    connection = HTTPConnection(urlsplit(whole.url).netloc, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode("utf8", "replace"))
    finally:
        connection.close()


def test_every_route_of_the_plugin_is_tested() -> None:
    apps = plugin().ImdbStudyPlugin.fastapi_apps
    found = [address for app in apps for address in routes(app["app"], app["url_prefix"])]
    assert sorted(found) == sorted(ROUTES)


@pytest.fixture(scope="module")
def pages(whole: WholeAirflow, small_form: dict[str, Any]) -> dict[str, str]:
    """Return for each route the address of a page that is there, of a run that has ended."""
    run = whole.finished(small_form).run_id
    parts = {"dag_id": "imdb_study", "run_id": quote(run), "task_id": "train", "map_index": "0", "name": "pages.css"}
    query = {f"{PREFIX}/compare": f"?before={quote(run)}&after={quote(run)}"}
    return {address: address.format(**parts) + query.get(address, "") for address in ROUTES}


@pytest.mark.parametrize("address", ROUTES)
def test_a_stranger_gets_401_and_a_user_without_the_right_403(
    whole: WholeAirflow, pages: dict[str, str], address: str
) -> None:
    for path in (pages[address], filled(address, "x"), filled(address, "unknown-run")):
        assert ask(whole, path).status == 401
        for user in ("nobody", "second"):  # who may read nothing, or another DAG only
            assert ask(whole, path, user).status == 403


@pytest.mark.parametrize("address", ROUTES)
@pytest.mark.parametrize("user", ["reader", "admin"])
def test_a_user_who_may_read_the_dag_gets_the_page(
    whole: WholeAirflow, pages: dict[str, str], address: str, user: str
) -> None:
    assert ask(whole, pages[address], user).status == 200


@pytest.mark.parametrize("address", ROUTES)
def test_a_hostile_address_gets_nothing(whole: WholeAirflow, address: str) -> None:
    for path in attacks(address):
        answer = ask(whole, path, "reader")
        assert answer.status in (400, 404, 422), (path, answer.status)
        assert MARK not in answer.text, path
        assert SECRET not in answer.text, path
        assert "stolen" not in str(answer.headers), path


@pytest.mark.parametrize("address", ROUTES)
@pytest.mark.parametrize("user", [None, "nobody", "reader"])
def test_every_answer_says_what_a_page_may_do(whole: WholeAirflow, address: str, user: str | None) -> None:
    for path in (filled(address, "x"), f"{filled(address, 'x')}/more"):
        answer = ask(whole, path, user)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_but_reading_is_offered(whole: WholeAirflow) -> None:
    for address in ROUTES:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert ask(whole, filled(address, "x"), "admin", method).status == 405, (method, address)
