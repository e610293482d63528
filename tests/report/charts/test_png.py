import struct
import zlib
from pathlib import Path

import psutil
import pytest

from imdb_tasks.report.charts import png


def test_shrinking_keeps_the_colours_of_a_picture():
    red, white = (0xD5, 0x5E, 0x00, 255), (255, 255, 255, 255)
    rows = [red * 3, white * 3]
    filtered, above = b"", bytes(12)
    for row in rows:
        filtered += b"\x02" + bytes((a - b) % 256 for a, b in zip(row, above, strict=True))
        above = bytes(row)
    header = struct.pack(">IIBBBBB", 3, 2, 8, 6, 0, 0, 0)
    small = png._chunks(png.shrink(png._png({b"IHDR": header, b"IDAT": zlib.compress(filtered)})))
    colours = [tuple(small[b"PLTE"][i : i + 3]) for i in range(0, len(small[b"PLTE"]), 3)]
    drawn = [
        [colours[i] for i in row[1:]]
        for row in (zlib.decompress(small[b"IDAT"])[:4], zlib.decompress(small[b"IDAT"])[4:])
    ]
    assert drawn[1] == [(255, 255, 255)] * 3
    assert all(abs(a - b) <= 8 for a, b in zip(drawn[0][0], red, strict=False))


def test_a_picture_of_another_kind_is_left_as_it_is():
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    picture = png._png({b"IHDR": header, b"IDAT": zlib.compress(b"\0abc"), b"IEND": b""})
    assert png.shrink(picture) == picture


def test_a_browser_that_never_answers_costs_the_pictures_and_not_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import plotly.graph_objects as go

    silent = tmp_path / "browser"
    silent.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec sleep 3600\n")
    silent.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(silent))
    monkeypatch.setattr(png, "_PATIENCE", 1.0)
    monkeypatch.setattr(png, "_PATIENCE_FOR_EACH", 1.0)
    reason = png.save_pictures({"one": go.Figure(layout={"height": 100})}, tmp_path / "charts")
    left = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert left
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in left)
    assert "the browser on the worker failed" in reason
    assert not (tmp_path / "charts").exists()
