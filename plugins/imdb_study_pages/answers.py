"""What every answer carries, and the files that the pages load."""

from __future__ import annotations

import logging

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.base import RequestResponseEndpoint
from starlette.staticfiles import StaticFiles

from imdb_tasks.resources import PLOTLY_JS, STATIC
from imdb_tasks.ui import message_page

log = logging.getLogger(__name__)

FAILED = "This page cannot be shown. The log of the API server says why."

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
# The report is one file. Its own policy, in its head, goes further: it names the hashes of its scripts.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
ASK_WHETHER_CHANGED = "private, no-cache"
KEEP_A_DAY = "private, max-age=86400"


async def harden(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Add to every answer, errors included, what keeps a page from doing more than it should."""
    try:
        answer = await call_next(request)
    except Exception:  # else the answer would be made beyond this function, without the headers
        log.exception("%s could not be shown", request.url.path)
        answer = HTMLResponse(message_page(FAILED, str(request.scope.get("root_path", ""))), status_code=500)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


async def serve_asset(name: str, request: Request) -> Response:
    """Serve a file of the pages, or plotly's script; with an ETag, so that it is sent once."""
    own = {file.name for file in STATIC.iterdir()}
    if name not in {*own, PLOTLY_JS.name}:
        raise HTTPException(404, "not found")
    folder = STATIC if name in own else PLOTLY_JS.parent
    answer = await StaticFiles(directory=folder).get_response(name, request.scope)
    answer.headers["Cache-Control"] = ASK_WHETHER_CHANGED if name in own else KEEP_A_DAY
    return answer
