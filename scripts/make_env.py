"""Write .env from .env.example, every secret that is empty there filled in at random. ``make env``.

A file that is there keeps its values: they may be those of a database that exists. What is new in the example is added
to it, and the revision of the code, which marks results, is set anew.
"""

import base64
import re
import secrets
from collections.abc import Callable

from imdb_tasks.revision import source_revision
from scripts.files import PROJECT, write_private

SECRET_BYTES = 24
REVISION = "IMDB_CODE_REVISION"
SETTING = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)


def password() -> str:
    """Return a random text that can stand in a URL as it is: hexadecimal digits."""
    return secrets.token_hex(SECRET_BYTES)


def fernet_key() -> str:
    """Return 32 random bytes as the cryptography package wants them."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": password,
    "REDIS_PASSWORD": password,
    "FERNET_KEY": fernet_key,
    "API_SECRET_KEY": password,
    "JWT_SECRET": lambda: secrets.token_hex(2 * SECRET_BYTES),
    "ADMIN_PASSWORD": password,
    "FLOWER_PASSWORD": password,
}


def filled_in(example: str, revision: str) -> str:
    """Return the text of .env for that of .env.example."""

    def fill(line: str) -> str:
        name, _, value = line.partition("=")
        if name in MAKERS and not value:
            return f"{name}={MAKERS[name]()}"
        return f"{name}={revision}" if name == REVISION else line

    return "\n".join(map(fill, example.splitlines())) + "\n"


def brought_up_to_date(kept: str, example: str, revision: str) -> tuple[str, list[str]]:
    """Return the text of .env for an older one, and the names that were added."""
    kept = re.sub(rf"(?m)^{REVISION}=.*$", f"{REVISION}={revision}", kept)
    made, there = (dict(SETTING.findall(text)) for text in (filled_in(example, revision), kept))
    added = [name for name in made if name not in there]
    lines = [*kept.splitlines(), *(f"{name}={made[name]}" for name in added)]
    return "\n".join(lines) + "\n", added


def main() -> None:
    """Write the file, or bring it up to date."""
    place, revision = PROJECT / ".env", source_revision()
    example = PROJECT.joinpath(".env.example").read_text("utf8")
    if place.exists():
        text, added = brought_up_to_date(place.read_text("utf8"), example, revision)
        write_private(place, text)
        print(
            f"{place} updated: existing values kept; code revision {revision}; added: {', '.join(added) or 'nothing'}"
        )
    else:
        write_private(place, filled_in(example, revision))
        print(f"{place} written, readable by its owner only; it contains the administrator's password")


if __name__ == "__main__":
    main()
