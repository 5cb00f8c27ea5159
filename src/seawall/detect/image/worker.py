"""The process that decodes pictures: reads one from standard input, answers on standard output, again and again.

Run by ``sandbox.py`` with a bare environment. It loads everything it needs, then gives up what it will not need:
it can open no file and no socket, write no file, use no more memory than granted, and its own alarm ends it when
one picture takes too long, whether or not the parent still lives. It ends when its input does.

Protocol, big-endian: the request is a length (4 bytes) and that many bytes of picture; the reply is a length
(4 bytes) and a JSON object: ``{"hash", "quality", "width", "height", "format"}`` or ``{"error": code}``.
An empty object comes first, when the process is ready.
"""

from __future__ import annotations

import io
import json
import signal
import struct
import sys
import warnings
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from seawall.match.pdq import pdq

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")


def main(memory_bytes: int, max_pixels: int, seconds: float) -> None:
    """Serve until the input ends."""
    warm_up()
    confine(memory_bytes, seconds)
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    send_reply(outgoing, {})  # ready
    while (data := read_request(incoming)) is not None:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        reply = read_picture(data, max_pixels)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send_reply(outgoing, reply)
        if reply.get("error") == "memory_limit":
            return  # what is left of the heap is not to be trusted


def read_picture(data: bytes, max_pixels: int) -> dict[str, Any]:
    """Hash and measures of the first frame, or why there are none. The size is checked before anything is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
                if width * height > max_pixels:
                    return {"error": "too_many_pixels"}
                kind = image.format
                pixels = np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        return {"error": "not_an_image"}
    except MemoryError:
        return {"error": "memory_limit"}
    except Exception:  # decoders meet hostile bytes: whatever they raise means the same
        return {"error": "damaged"}
    found = pdq(pixels)
    return {"hash": found.hash.hex(), "quality": found.quality, "width": width, "height": height, "format": kind}


def read_request(incoming: BinaryIO) -> bytes | None:
    """The next picture, or None at the end of input."""
    header = incoming.read(4)
    if len(header) < 4:
        return None
    (length,) = struct.unpack(">I", header)
    data = incoming.read(length)
    return data if len(data) == length else None


def send_reply(outgoing: BinaryIO, reply: dict[str, Any]) -> None:
    """Write one reply."""
    encoded = json.dumps(reply).encode()
    outgoing.write(struct.pack(">I", len(encoded)) + encoded)
    outgoing.flush()


def warm_up() -> None:
    """Decode one picture of every format, so that nothing is loaded once files cannot be opened."""
    for name in FORMATS:
        encoded = io.BytesIO()
        Image.new("RGB", (8, 8)).save(encoded, name)
        read_picture(encoded.getvalue(), 64)
    read_picture(b"nothing", 64)
    Image.MAX_IMAGE_PIXELS = None  # the limit here is stricter


def confine(memory_bytes: int, seconds: float) -> None:
    """Give up what decoding does not need. On systems without resource limits only time is limited."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))  # of the whole life; the alarm limits each picture
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # the three it has: no files, no sockets


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
