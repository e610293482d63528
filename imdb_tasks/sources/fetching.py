"""Where the bytes come from: Kaggle, a public archive, or a local path; all end as one verified file in the store.

The entry is named by the content; a ref says which entry a source led to, so that a source is fetched once. A pinned
``sha256`` is that of the file itself, not of the archive around it, because that is what every route shares.
The entry's ``about`` tells name, kind, origin, version, archive_sha256, sha256, bytes and fetched_at (UTC).

ROOT/sources/{first 24 digits of the file's sha256}/{member}
ROOT/refs/sources/{reviews|glove}-{fingerprint of the source}.json
"""

import contextlib
import dataclasses
import datetime
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imdb_tasks.errors import DataError, MissingInputError, NotFoundError, TransientError, UnexpectedContentError
from imdb_tasks.sources import acl_imdb, archives, kaggle
from imdb_tasks.sources.http import downloaded
from imdb_tasks.sources.inputs import REVIEWS, InputFile
from imdb_tasks.sources.kaggle import KaggleCredentials
from imdb_tasks.sources.responses import public_url
from imdb_tasks.sources.retry import RetryPolicy
from imdb_tasks.store import Entry, Store, sha256_of
from imdb_tasks.study import ArchiveSource, KaggleSource, LocalSource, fingerprint

log = logging.getLogger(__name__)

AnySource = KaggleSource | ArchiveSource | LocalSource
_KIND = "sources"


def fetch(
    source: AnySource,
    wanted: InputFile,
    store: Store,
    *,
    credentials: KaggleCredentials | None = None,
    retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
) -> Entry:
    """Return the entry that holds ``wanted``, fetching it first if this source has not led to it yet.

    A Kaggle source without a version is asked for its current one, and fetched if that is new. ``credentials=None``
    leaves it to the Kaggle client's own environment variables and files. Raises the subclasses of SourceError, once
    ``retries`` is spent ConnectionLostError or ServerBusyError, and TransientError if a local file is changed while it
    is read. No failed fetch is remembered.
    """
    if isinstance(source, KaggleSource) and source.version is None:
        newest = kaggle.newest_version(source.dataset, credentials, retries=retries)
        pinned = source.model_copy(update={"version": newest})
        entry = fetch(pinned, wanted, store, credentials=credentials, retries=retries)
        _remember(_refs(source, wanted), entry, store)
        return entry
    refs = _refs(source, wanted)
    known = _known(refs[0], store)
    if known is not None:
        log.info("%s: %s is in the store already; nothing is downloaded", wanted.name, _where_from(source))
        _remember(refs, known, store)  # a local file may be what it was before
        return known
    work = "fetching", refs[0].replace("/", "-")
    with store.exclusive(*work) as hold, store.draft(*work) as folder:
        # Whoever had the lock before may have brought it.
        entry = _known(refs[0], store) or _bring(source, wanted, store, folder, _Means(credentials, retries))
        hold.check()  # whoever took it over may have found something newer there
        if _refs(source, wanted) != refs:
            raise TransientError(
                f"{_where_from(source)}: the file for {wanted.name} was changed while it was read; run the step"
                f" '{wanted.step}' again when it is complete"
            )
        _remember(refs, entry, store)
    return entry


def fetched(source: AnySource, wanted: InputFile, store: Store) -> Entry:
    """Return the entry that `fetch` left for this source, verified, without any network; raises MissingInputError.

    A local source is assumed to be unchanged since it was last fetched; it is not read again during a run.
    """
    entry = _known(_plain_ref(source, wanted), store)
    if entry is None:
        raise _missing(source, wanted, store)
    return entry


def fetched_key(source: AnySource, wanted: InputFile, store: Store) -> str:
    """Return the key of that entry without reading its bytes; raises MissingInputError."""
    noted = store.read_ref(_plain_ref(source, wanted))
    if noted is None:
        raise _missing(source, wanted, store)
    return str(noted["key"])


def is_fetched(source: AnySource, wanted: InputFile, store: Store) -> bool:
    """Tell whether `fetch` has left an entry for this source; it is not verified."""
    return store.read_ref(_plain_ref(source, wanted)) is not None


@contextlib.contextmanager
def errors_name_their_source(*entries: Entry) -> Iterator[None]:
    """Add the origin of the files to a DataError raised in the block, because the message names copies in the store."""
    try:
        yield
    except DataError as error:
        origins = ", ".join(f"{entry.about['name']} from {entry.about['origin']}" for entry in entries)
        raise DataError(f"{error} ({origins})") from error


@dataclass(frozen=True)
class _Means:
    """Parameters of a download."""

    credentials: KaggleCredentials | None
    retries: RetryPolicy


def _bring(source: AnySource, wanted: InputFile, store: Store, folder: Path, means: _Means) -> Entry:
    """Fetch the file and publish it. A failed try leaves only the partial download, from which the next try resumes."""
    file = folder / wanted.member
    archive_sha256: str | None
    if isinstance(source, KaggleSource):
        archive_sha256 = _from_kaggle(source, wanted, file, means)
    elif isinstance(source, ArchiveSource):
        archive_sha256 = _from_url(source, wanted, file, store.work_folder("downloads"), means.retries)
    else:
        archive_sha256 = _from_path(source, wanted, file)
    about = _about(source, wanted, file, archive_sha256)
    _check_pin(source, about["sha256"])
    return _publish(file, wanted, about, store)


def _from_kaggle(source: KaggleSource, wanted: InputFile, file: Path, means: _Means) -> str:
    pinned = f"{source.dataset}/{source.version}"
    archive = kaggle.download(
        pinned, file.parent, means.credentials, max_bytes=wanted.max_download_bytes, retries=means.retries
    )
    return _unpack(archive, wanted, file, f"Kaggle dataset {pinned}")


def _from_url(source: ArchiveSource, wanted: InputFile, file: Path, partials: Path, retries: RetryPolicy) -> str:
    with downloaded(source.url, partials, max_bytes=wanted.max_download_bytes, retries=retries) as archive:
        return _unpack(archive, wanted, file, public_url(source.url))


def _from_path(source: LocalSource, wanted: InputFile, file: Path) -> str | None:
    path = _local_file(source, wanted)
    if archives.kind_of(path) is not None:
        return _unpack(path, wanted, file, str(path))
    archives.reject_web_page_file(path, str(path))
    if path.suffix != file.suffix:
        raise UnexpectedContentError(
            f"{path} is neither a zip nor a tar.gz archive nor a {file.suffix} file; check where it comes from"
        )
    with path.open("rb") as content:
        archives.copy(content, file, max_bytes=wanted.max_bytes, where=str(path))
    return None


def _unpack(archive: Path, wanted: InputFile, file: Path, where: str) -> str:
    """Write the wanted file; return the SHA-256 of the archive that held it."""
    cap = wanted.max_bytes
    original = wanted.member == REVIEWS.member and archives.kind_of(archive) == "tar.gz"
    if original and acl_imdb.holds_reviews(archive, max_bytes=cap, where=where):
        acl_imdb.write_csv(archive, file, max_bytes=cap, where=where)
    else:
        archives.extract(archive, wanted.member, file, max_bytes=cap, where=where)
    return sha256_of(archive)


def _local_file(source: LocalSource, wanted: InputFile) -> Path:
    path = Path(source.path)
    names = (wanted.member, *wanted.archive_names)
    candidates = [path / name for name in names] if path.is_dir() else [path]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked_for = f"{path} has none of {', '.join(map(repr, names))}" if path.is_dir() else f"{path} does not exist"
    raise NotFoundError(f"{looked_for}; put the file there, or choose another source for {wanted.name}")


def _about(source: AnySource, wanted: InputFile, file: Path, archive_sha256: str | None) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "kind": source.kind,
        "origin": _where_from(source),
        "version": source.version if isinstance(source, KaggleSource) else None,
        "archive_sha256": archive_sha256,
        "sha256": sha256_of(file),
        "bytes": file.stat().st_size,
        "fetched_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _check_pin(source: AnySource, found: str) -> None:
    if source.sha256 not in (None, found):
        raise UnexpectedContentError(
            f"{_where_from(source)}: expected a file with sha256 {source.sha256}, found {found};"
            " either the content changed or the pin is wrong; check the file before you change the pin"
        )


def _publish(file: Path, wanted: InputFile, about: dict[str, Any], store: Store) -> Entry:
    key = about["sha256"][:24]
    if store.find(_KIND, key) is None:  # sets a damaged one aside, which would be in the way
        with store.publish(_KIND, key, about) as draft:
            file.rename(draft / wanted.member)
    entry = store.need(_KIND, key, step=wanted.step)
    # Another source may have brought the same bytes before; say what this one was.
    return dataclasses.replace(entry, about=about)


def _known(ref: str, store: Store) -> Entry | None:
    noted = store.read_ref(ref)
    if noted:
        store.note_use(_KIND, noted["key"])
    entry = store.find(_KIND, noted["key"]) if noted else None
    return dataclasses.replace(entry, about=noted["about"]) if entry and noted else None


def _remember(refs: list[str], entry: Entry, store: Store) -> None:
    for ref in refs:
        store.write_ref(ref, {"key": entry.key, "about": dict(entry.about)})


def _refs(source: AnySource, wanted: InputFile) -> list[str]:
    """Return the names of the refs of this source, the one to be trusted first; NotFoundError for a missing path."""
    plain = _plain_ref(source, wanted)
    if not isinstance(source, LocalSource):
        return [plain]
    file = _local_file(source, wanted).stat()
    return [f"{plain}-{fingerprint(file.st_size, file.st_mtime_ns)}", plain]


def _missing(source: AnySource, wanted: InputFile, store: Store) -> MissingInputError:
    return MissingInputError(
        f"{store.where} has no {wanted.member!r} from {_where_from(source)};"
        f" run the step '{wanted.step}' first, then repeat this step"
    )


def _plain_ref(source: AnySource, wanted: InputFile) -> str:
    return f"sources/{wanted.name}-{fingerprint(source.model_dump(mode='json'), wanted.member)}"


def _where_from(source: AnySource) -> str:
    """Where the bytes come from, for people: nothing secret in it."""
    if isinstance(source, KaggleSource):
        return f"kaggle:{source.dataset}" + (f"/{source.version}" if source.version else "")
    return public_url(source.url) if isinstance(source, ArchiveSource) else source.path
