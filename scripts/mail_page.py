"""A mail server that keeps every message, and a page that shows them: ``python -m scripts.mail_page``.

For development: whoever reaches the page reads every mail. A message is shown as its sender made it, but without
scripts and without anything from elsewhere.
"""

import argparse
import email.policy
import itertools
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment

from scripts.home import LOOPBACK
from scripts.mail_catcher import PREFERRED_PORT, MailCatcher, mail_as_page, read_mail

PAGE_PORT = 8025
LISTED = 100  # mails; the health check of compose asks for the list all the time
MOST_HEADER_LINES = 1_000
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'"
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
PAGE = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>{{ title }}</title>
<style>
 body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
 table { border-collapse: collapse; width: 100% }
 td, th { text-align: left; padding: .35rem .8rem .35rem 0; vertical-align: top }
 tr + tr { border-top: 1px solid #ddd } th { font-weight: 600; white-space: nowrap } pre { white-space: pre-wrap }
 iframe { width: 100%; height: 70vh; border: 1px solid #ccc; margin: 1rem 0 }
</style>
{% if mail is defined %}
<p><a href="/">All mails</a></p>
<table>{% for name in ("Date", "From", "To", "Subject") %}<tr><th>{{ name }}<td>{{ mail[name] }}{% endfor %}
{% for number, part in attachments %}<tr><th>Attachment<td><a href="/mails/{{ key }}/parts/{{ number }}">
{{- part.get_filename() or part.get_content_type() }}</a>{% endfor %}</table>
<p><a href="/mails/{{ key }}/source">The whole message, as a file</a></p>
{% if html %}<iframe sandbox title="The message" src="/mails/{{ key }}/html"></iframe>{% endif %}
{% if text %}<details{{ " open" if not html }}><summary>As plain text</summary>
<pre>{{ text.get_content() }}</pre></details>{% endif %}
{% else %}
<h1>{{ title }}</h1>
{% if not mails %}<p>None yet. What this page's mail server receives, it keeps.</p>{% endif %}
<table>{% for key, mail in mails %}<tr><td>{{ mail["Date"] }}<td>{{ mail["To"] }}
<td><a href="/mails/{{ key }}">{{ mail["Subject"] or "(no subject)" }}</a>{% endfor %}</table>
{% if hidden %}<p>The newest {{ mails | length }}; {{ hidden }} older ones are in the folder.</p>{% endif %}
{% endif %}
"""
TEMPLATE = Environment(autoescape=True).from_string(PAGE)


def main() -> None:
    """Serve mail and page until a signal."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--folder", type=Path, required=True, help="where the messages are kept")
    reader.add_argument("--host", default=LOOPBACK, help="the address of both servers (default: %(default)s)")
    options = reader.parse_args()
    with MailCatcher(options.folder, options.host, PREFERRED_PORT) as mail:
        uvicorn.run(pages_of(mail.folder), host=options.host, port=PAGE_PORT, log_level="warning")


def pages_of(folder: Path) -> FastAPI:
    """Return the pages that show the messages of a folder."""
    app = FastAPI(title="Mail", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/")
    def index() -> Response:
        found = sorted(folder.glob("*.eml"), reverse=True)
        mails = [(path.stem, _read_head(path)) for path in found[:LISTED]]
        return _page(title=f"Mail ({len(found)})", mails=mails, hidden=len(found) - len(mails))

    @app.get("/mails/{key}")
    def one(key: str) -> Response:
        mail = _find(folder, key)
        attachments = [(n, part) for n, part in enumerate(mail.walk()) if part.is_attachment()]
        html, text = mail.get_body(("html",)), mail.get_body(("plain",))
        title = mail["Subject"] or "Mail"
        return _page(title=title, key=key, mail=mail, html=html, text=text, attachments=attachments)

    @app.get("/mails/{key}/source")
    def source(key: str) -> Response:
        return Response(
            _find(folder, key).as_bytes(), media_type="application/octet-stream", headers=_saved_as(f"{key}.eml")
        )

    @app.get("/mails/{key}/html")
    def html(key: str) -> Response:
        return HTMLResponse(_html_of(_find(folder, key)), headers={"Content-Security-Policy": MAIL_POLICY})

    @app.get("/mails/{key}/parts/{number}")
    def part(key: str, number: int) -> Response:
        parts = dict(enumerate(_find(folder, key).walk()))
        if number not in parts or not parts[number].is_attachment():
            raise HTTPException(404)
        content = parts[number].get_payload(decode=True)
        # Always to keep, never to show: an attached page would run in this one's name.
        return Response(content, media_type="application/octet-stream", headers=_saved_as(parts[number].get_filename()))

    return app


def _page(**values: object) -> HTMLResponse:
    return HTMLResponse(TEMPLATE.render(**values), headers={"Content-Security-Policy": PAGE_POLICY})


def _find(folder: Path, key: str) -> EmailMessage:
    for path in folder.glob("*.eml"):
        if path.stem == key:
            return read_mail(path)
    raise HTTPException(404)


def _html_of(mail: EmailMessage) -> str:
    if page := mail_as_page(mail):
        return page
    raise HTTPException(404)


def _read_head(path: Path) -> EmailMessage:
    """Return a message without its body. The parser for headers would read that too, with all its pictures."""
    with path.open("rb") as file:
        head = itertools.takewhile(bytes.strip, itertools.islice(file, MOST_HEADER_LINES))
        return BytesHeaderParser(policy=email.policy.default).parsebytes(b"".join(head))


def _saved_as(name: str | None) -> dict[str, str]:
    safe = "".join(c for c in name or "" if c.isascii() and (c.isalnum() or c in "._-")) or "attachment"
    return {"Content-Disposition": f'attachment; filename="{safe}"'}


if __name__ == "__main__":
    main()
