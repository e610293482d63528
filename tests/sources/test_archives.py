import gzip
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imdb_tasks.errors import StudyError, UnexpectedContentError, UnsafeArchiveError
from imdb_tasks.sources import acl_imdb
from imdb_tasks.sources.archives import extract
from tests.support.examples import examples
from tests.support.stand_ins import tar_of, zip_of

PACKERS = pytest.mark.parametrize("pack", [zip_of, tar_of])
NAME = "glove.6B.100d.txt"
TEXT = b"the 0.1 0.2\n" * 1_000


def unpack(folder, archive, *, max_bytes=1_000_000):
    path, out = folder / "archive", folder / "out"
    path.write_bytes(archive)
    extract(path, NAME, out, max_bytes=max_bytes, where="https://host/archive")
    return out.read_bytes()


@PACKERS
@pytest.mark.parametrize("place", [NAME, f"./{NAME}", f"some/folder/{NAME}"])
def test_the_expected_member_is_found_wherever_it_sits(tmp_path, pack, place):
    assert unpack(tmp_path, pack({"other.txt": b"no", place: TEXT, f"not{NAME}": b"no"})) == TEXT


@PACKERS
@pytest.mark.parametrize("place", [f"../{NAME}", f"a/../../{NAME}", f"/etc/{NAME}", f"..\\{NAME}", f"C:/{NAME}"])
def test_a_member_whose_name_leads_outside_is_written_where_the_caller_says(tmp_path, pack, place):
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    assert unpack(inner, pack({place: TEXT})) == TEXT
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["archive", "one", "out", "two"]
    assert not Path("/etc", NAME).exists()


@PACKERS
def test_a_stranger_that_leads_outside_is_never_written(tmp_path, pack):
    assert unpack(tmp_path, pack({"../../stranger.txt": b"no", NAME: TEXT})) == TEXT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_device_under_the_expected_name_is_refused(tmp_path, kind):
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, "/etc/passwd"
    with pytest.raises(UnsafeArchiveError, match="link or a device"):
        unpack(tmp_path, tar_of({NAME: info}))


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo(NAME)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UnsafeArchiveError, match="link or a device"):
        unpack(tmp_path, zip_of({info: b"/etc/passwd"}))


@PACKERS
def test_two_members_of_the_expected_name_are_refused(tmp_path, pack):
    with pytest.raises(UnexpectedContentError, match="2 files named"):
        unpack(tmp_path, pack({NAME: TEXT, f"again/{NAME}": TEXT}))


@PACKERS
def test_a_missing_member_is_reported_with_what_was_found_instead(tmp_path, pack):
    with pytest.raises(UnexpectedContentError, match="found 'file0', 'file1', 'file2', 'file3', 'file4', and more"):
        unpack(tmp_path, pack({f"file{number}": b"" for number in range(9)}))


@PACKERS
def test_a_bomb_is_stopped_while_it_unpacks(tmp_path, pack):
    with pytest.raises(UnsafeArchiveError, match="at most"):
        unpack(tmp_path, pack({NAME: bytes(50_000_000)}))
    out = tmp_path / "out"
    assert not out.exists() or out.stat().st_size <= 1_000_000


def test_a_bomb_beside_the_expected_member_is_not_read_to_its_end(tmp_path):
    with pytest.raises(UnsafeArchiveError, match="at most"):
        unpack(tmp_path, tar_of({"bomb": bytes(50_000_000), NAME: TEXT}))


@pytest.mark.parametrize("claimed", [10, 4_000_000_000])
def test_a_size_that_lies_in_the_headers_changes_nothing(tmp_path, claimed):
    archive = bytearray(zip_of({NAME: bytes(50_000_000)}))
    directory = archive.index(b"PK\x01\x02")
    archive[22:26] = archive[directory + 24 : directory + 28] = struct.pack("<I", claimed)
    with pytest.raises((UnsafeArchiveError, UnexpectedContentError)):
        unpack(tmp_path, bytes(archive))
    assert (tmp_path / "out").stat().st_size <= 1_000_000


def test_a_huge_header_is_not_read_into_memory(tmp_path):
    info = tarfile.TarInfo("huge")
    info.type, info.size = tarfile.XHDTYPE, 200_000_000
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeArchiveError, match="header"):
            unpack(tmp_path, tar_of({"long": info}), max_bytes=1_000_000_000)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_memory_stays_flat_while_a_large_member_is_written(tmp_path):
    archive = zip_of({NAME: bytes(60_000_000)})
    tracemalloc.start()
    try:
        unpacked = tmp_path / "out"
        (tmp_path / "archive").write_bytes(archive)
        extract(tmp_path / "archive", NAME, unpacked, max_bytes=100_000_000, where="there")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert unpacked.stat().st_size == 60_000_000


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>", b"\xef\xbb\xbf\n <HTML>sign in", b"<?xml version='1.0'?><Error/>"]
)
def test_a_page_of_html_instead_of_an_archive_is_refused(tmp_path, page):
    with pytest.raises(UnexpectedContentError, match="web page"):
        unpack(tmp_path, page)


@pytest.mark.parametrize("content", [b"", b"review,sentiment\n", b'{"code": 403}'])
def test_something_else_than_an_archive_is_refused(tmp_path, content):
    with pytest.raises(UnexpectedContentError, match="neither a zip nor a tar"):
        unpack(tmp_path, content)


def test_a_gzip_file_without_a_tar_archive_is_told_from_a_damaged_one(tmp_path):
    with pytest.raises(UnexpectedContentError, match="a gzip file without a tar archive in it.* unpack it with gunzip"):
        unpack(tmp_path, gzip.compress(TEXT))


def test_a_zip_that_was_cut_short_is_called_so(tmp_path):
    with pytest.raises(UnexpectedContentError, match="has no end record: it was cut short; fetch it again"):
        unpack(tmp_path, zip_of({NAME: TEXT})[:-30])


@PACKERS
def test_a_name_of_sixty_thousand_letters_does_not_fill_a_message(tmp_path, pack):
    with pytest.raises(UnexpectedContentError, match="holds no") as caught:
        unpack(tmp_path, pack({"x" * 60_000: b""}))
    assert len(str(caught.value)) < 300


@PACKERS
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_a_truncated_archive_is_refused(tmp_path, pack, share):
    archive = pack({"first.txt": bytes(range(256)) * 40, NAME: TEXT, "last.txt": bytes(range(255)) * 40})
    with pytest.raises(UnexpectedContentError, match=r"fetch it again|neither"):
        unpack(tmp_path, archive[: int(len(archive) * share)])


def test_a_flipped_byte_is_noticed(tmp_path):
    archive = bytearray(zip_of({NAME: TEXT}, zipfile.ZIP_STORED))
    archive[archive.index(TEXT[:20])] ^= 1
    with pytest.raises(UnexpectedContentError, match="damaged"):
        unpack(tmp_path, bytes(archive))


def test_an_encrypted_member_is_refused(tmp_path):
    archive = bytearray(zip_of({NAME: TEXT}))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnexpectedContentError, match="encrypted"):
        unpack(tmp_path, bytes(archive))


def test_a_zip_whose_damage_emptied_a_name_holds_nothing_of_the_expected_name(tmp_path):
    archive = bytearray(zip_of({NAME: TEXT}))
    archive[archive.index(b"PK\x01\x02") + 46] = 0  # zipfile ends a name at its first zero byte
    with pytest.raises(StudyError):
        unpack(tmp_path, bytes(archive))


@PACKERS
@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_gives_the_right_bytes_or_an_error_of_this_project(tmp_path, pack, data):
    archive = bytearray(pack({"first.txt": b"first" * 50, NAME: TEXT}))
    for _ in range(data.draw(st.integers(1, 4))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    try:
        content = unpack(tmp_path, bytes(archive))
    except StudyError:
        return
    assert content == TEXT


TEXTS = {
    "aclImdb/train/pos/10_9.txt": 'A "fine" film,<br /><br />truly',
    "aclImdb/train/pos/9_10.txt": "Über naïve café ☕ \x85 \u2028 end",
    "aclImdb/train/neg/0_1.txt": "two\nlines, and\rmore\r\n",
    "aclImdb/test/pos/0_7.txt": "'quoted', and \\escaped\\",
    "aclImdb/test/neg/5_2.txt": " spaces ",
}


def acl_archive(**more):
    others = {"aclImdb/imdb.vocab": "the\n", "aclImdb/train/unsup/0_0.txt": "no", "aclImdb/train/pos/notes.txt": "no"}
    return tar_of({name: text.encode() for name, text in {**others, **TEXTS, **more}.items()})


def to_csv(folder, archive):
    path, out = folder / "aclImdb_v1.tar.gz", folder / "IMDB Dataset.csv"
    path.write_bytes(archive)
    acl_imdb.write_csv(path, out, max_bytes=1_000_000, where="there")
    return out


def test_the_original_text_files_become_the_two_column_csv(tmp_path):
    import pandas

    out = to_csv(tmp_path, acl_archive())
    order = ["test/neg/5_2", "test/pos/0_7", "train/neg/0_1", "train/pos/9_10", "train/pos/10_9"]
    expected = [TEXTS[f"aclImdb/{place}.txt"] for place in order]
    table = pandas.read_csv(out)
    assert list(table.columns) == ["review", "sentiment"]
    assert list(table.review) == expected
    assert list(table.sentiment) == ["negative", "positive", "negative", "positive", "positive"]


def test_the_order_of_the_archive_does_not_matter(tmp_path):
    straight = to_csv(tmp_path, acl_archive()).read_bytes()
    turned = tar_of({name: text.encode() for name, text in reversed(TEXTS.items())})
    assert to_csv(tmp_path, turned).read_bytes() == straight


def test_only_an_archive_with_labelled_reviews_is_taken_for_the_original(tmp_path):
    path = tmp_path / "archive.tar.gz"
    for content, expected in ((acl_archive(), True), (tar_of({"IMDB Dataset.csv": b"review,sentiment\n"}), False)):
        path.write_bytes(content)
        assert acl_imdb.holds_reviews(path, max_bytes=1_000_000, where="there") is expected


def test_a_link_in_place_of_a_review_is_refused(tmp_path):
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(UnsafeArchiveError, match="not a text file"):
        to_csv(tmp_path, tar_of({"aclImdb/train/pos/1_9.txt": info}))


def test_a_review_that_is_not_utf8_is_named(tmp_path):
    with pytest.raises(UnexpectedContentError, match=r"1_9\.txt' is not UTF-8"):
        to_csv(tmp_path, tar_of({"aclImdb/train/pos/1_9.txt": b"caf\xe9"}))


def test_an_original_with_more_reviews_than_memory_should_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(acl_imdb, "_MOST_REVIEWS", 4)
    with pytest.raises(UnsafeArchiveError, match="has more than 4 reviews"):
        to_csv(tmp_path, acl_archive())


def test_a_truncated_original_is_refused_instead_of_read_short(tmp_path):
    archive = acl_archive(**{f"aclImdb/train/pos/{number}_9.txt": str(number) * 50 for number in range(100, 400)})
    for share in (0.5, 0.9, 0.999):
        with pytest.raises(UnexpectedContentError, match="damaged"):
            to_csv(tmp_path, archive[: int(len(archive) * share)])
