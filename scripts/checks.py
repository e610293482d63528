"""What a finished run must have delivered: a report page that names every variant, and a complete message."""

import re
from collections.abc import Iterable
from pathlib import Path

from imdb_tasks.study import Study
from scripts.mail_catcher import read_mail

NO_PICTURES = "There are no pictures in this mail"  # a worker may lack a browser
LARGEST_MESSAGE = 25 * 2**20  # bytes on the wire; what common mail servers take


def faults_of_report(page: Path, variants: Iterable[str]) -> list[str]:
    """Return what is wrong with the report page; nothing if nothing is."""
    text = page.read_text("utf8")
    missing = [name for name in variants if not re.search(rf"{re.escape(name)}(?!\d)", text)]
    return [f"{page} does not name the variants {', '.join(missing)}"] if missing else []


def faults_of_message(path: Path) -> list[str]:
    """Return what is wrong with the received message; nothing if nothing is."""
    message = read_mail(path)
    parts = [part for part in message.walk() if not part.is_multipart()]
    html = message.get_body(("html",))
    page = html.get_content() if html else ""
    pictures = [str(part["Content-ID"]).strip("<> ") for part in parts if part.get_content_maintype() == "image"]
    unused = [name for name in pictures if f"cid:{name}" not in page]
    found = {
        "a text part": bool(message.get_body(("plain",))),
        "an HTML part": bool(page),
        "inline pictures, or a word on why there are none": bool(pictures) or NO_PICTURES in page,
        f"every picture shown in its HTML part (not {', '.join(unused)})": not unused,
        "an attachment": any(part.get_content_disposition() == "attachment" for part in parts),
        f"less than {LARGEST_MESSAGE:,} bytes": path.stat().st_size < LARGEST_MESSAGE,
        "a subject": bool(message["Subject"]),
        "no defects": not any(part.defects for part in message.walk()),
    }
    return [f"{path} lacks {what}" for what, there in found.items() if not there]


def variants_of(study: Study) -> list[str]:
    """Return what the report calls the variants of a study."""
    return [variant.label for variant in study.variants]
