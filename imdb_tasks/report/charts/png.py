"""Figures as PNG files for the mail: drawn by one headless browser, then reduced to a palette."""

import asyncio
import concurrent.futures
import contextlib
import logging
import struct
import threading
import time
import zlib
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil

log = logging.getLogger(__name__)

WIDTH = 420  # CSS pixels: on a phone the words shrink by a fifth; drawn at more than twice that for dense screens
_SCALE = 2.5
_LEVELS = 31  # steps of each colour channel: five bits
_PATIENCE, _PATIENCE_FOR_EACH = 60.0, 20.0  # seconds; four pictures take three on a quiet machine
_LOOK, _AFTER_THE_KILL = 0.2, 5.0  # seconds
_OPAQUE_RGBA = (8, 6, 0, 0, 0)
_UP = 2  # the PNG filter that holds differences to the row above

NO_BROWSER = (
    "no browser was found on the worker; install Chromium or Chrome there (`apt-get install chromium`, or"
    " `kaleido_get_chrome`), or point BROWSER_PATH to one"
)


def save_pictures(figures: Mapping[str, Any], folder: Path) -> str | None:
    """Write ``figures`` as ``folder/NAME.png``: all of them, or, where the browser fails, none.

    Returns None, or in words why there are no pictures; a report without pictures is still a report.
    """
    from choreographer.errors import (
        BrowserClosedError,
        BrowserDepsError,
        BrowserFailedError,
        ChannelClosedError,
        ChromeNotFoundError,
    )

    for chatty in ("kaleido", "choreographer"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        pictures = _drawn(figures)
    except ChromeNotFoundError:
        reason = NO_BROWSER
    except (BrowserClosedError, BrowserDepsError, BrowserFailedError, ChannelClosedError, TimeoutError) as error:
        reason = f"the browser on the worker failed ({type(error).__name__}); see the worker's log"
        log.warning("the browser failed", exc_info=True)
    else:
        folder.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            (folder / f"{name}.png").write_bytes(shrink(picture))
        return None
    log.warning("the report has no pictures: %s", reason)
    return reason


def _drawn(figures: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw in a thread of its own: whoever calls, such as a notebook, may have an event loop already.

    A browser may start and never answer, and its own time-out does not cover that. The thread is a daemon, so that one
    which does not even stop then holds up neither the report nor the end of the process.
    """
    limit = _PATIENCE + _PATIENCE_FOR_EACH * len(figures)
    answer: Future[dict[str, bytes]] = Future()

    async def draw() -> dict[str, bytes]:
        async with asyncio.timeout(limit):
            return await _draw(figures)

    def work() -> None:
        try:
            answer.set_result(asyncio.run(draw()))
        except BaseException as error:
            answer.set_exception(error)

    before, started, end = _children(), set[psutil.Process](), time.monotonic() + limit + _PATIENCE
    threading.Thread(target=work, name="pictures", daemon=True).start()
    try:
        # A browser whose wrapper has ended is no child of this process any more: so look while it is.
        while not answer.done() and time.monotonic() < end:
            started |= _children() - before
            concurrent.futures.wait([answer], timeout=_LOOK)
        return answer.result(timeout=0)
    except BaseException:
        for left in started:  # what did not close; killed, it cannot refuse
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        psutil.wait_procs(started, timeout=_AFTER_THE_KILL)
        raise


def _children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


async def _draw(figures: Mapping[str, Any]) -> dict[str, bytes]:
    from kaleido import Kaleido

    pictures = {}
    # Without mathjax=False the page asks a content delivery network for MathJax.
    async with Kaleido(n=1, mathjax=False) as browser:
        for name, figure in figures.items():
            spec = figure.to_plotly_json()
            spec["layout"] = {**spec["layout"], "paper_bgcolor": "#FFFFFF"}
            size = {"width": WIDTH, "height": figure.layout.height, "scale": _SCALE, "format": "png"}
            pictures[name] = await browser.calc_fig(spec, opts=size)
    return pictures


def shrink(png: bytes) -> bytes:
    """Return ``png`` with a palette of at most 256 colours, a quarter of the size; as it is, if it is of another kind.

    It reads what Chromium writes: opaque RGBA, every row stored as its difference to the row above.
    """
    import numpy as np

    chunks = _chunks(png)
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if tuple(kind) != _OPAQUE_RGBA:
        return png
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width * 4 + 1)
    if (rows[:, 0] != _UP).any():
        return png
    pixels = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(-1, 4)
    steps = (pixels[:, :3].astype(np.uint32) * _LEVELS + 127) // 255
    codes, which, counts = np.unique(steps @ np.array([1024, 32, 1]), return_inverse=True, return_counts=True)
    colours = np.stack([codes // 1024, codes // 32 % 32, codes % 32], axis=1).astype(np.int64)
    palette = colours[np.argsort(-counts)[:256]]
    nearest = np.abs(colours[:, None] - palette).sum(axis=2).argmin(axis=1).astype(np.uint8)
    image = np.zeros((height, width + 1), np.uint8)  # each row starts with its filter, 0 for none
    image[:, 1:] = nearest[which].reshape(height, width)
    return _png(
        {
            b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0),
            b"PLTE": (palette * 255 // _LEVELS).astype(np.uint8).tobytes(),
            b"IDAT": zlib.compress(image.tobytes(), 9),
            b"IEND": b"",
        }
    )


def _chunks(png: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    position = 8
    while position < len(png):
        size, kind = struct.unpack(">I4s", png[position : position + 8])
        found[kind] = found.get(kind, b"") + png[position + 8 : position + 8 + size]
        position += size + 12
    return found


def _png(chunks: Mapping[bytes, bytes]) -> bytes:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in chunks.items():
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)
