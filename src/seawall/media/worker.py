"""Main loop of a decoding process: reads files from standard input, answers on standard output.

Run by ``process.py`` with a bare environment. It loads everything it needs, then gives up privileges (``confine.py``).
Its own timers end it when one file takes too long, even if its owner has died. It ends when its input does.
``protocol.py`` has the protocol; the first reply reports its confinement.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

import msgspec

from seawall.media.confine import confine, is_out_of_memory, leave_network
from seawall.media.decoders.operation import DecodeRefused, Operation
from seawall.media.protocol import LENGTH, WorkerReply, WorkerRequest, pack, reply

_CPU_SECONDS: Final = 1_200.0  # of the process's whole life; timers limit each file


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Options of this process."""

    family: str
    memory_bytes: int
    seconds: float
    languages: tuple[str, ...] = ()  # of the second reader of words


def main(config: WorkerConfig) -> None:
    """Serve until the input ends."""
    warnings.simplefilter("ignore")
    network = leave_network()
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    try:
        operations = load(config.family, config.languages)
    except ImportError:
        send(outgoing, pack(WorkerReply(error="not_installed")))
        return
    confinement = confine(config.memory_bytes, _CPU_SECONDS, network)
    send(outgoing, reply(confinement))
    while (received := receive(incoming)) is not None:
        request, data = received
        set_alarms(config.seconds)
        message, blobs, is_last = answer(operations, request, data)
        set_alarms(0)
        send(outgoing, message, *blobs)
        if is_last:
            return


def load(family: str, languages: Sequence[str] = ()) -> dict[str, Operation]:
    """The family's operations, fully loaded, because files cannot be opened later. Raises ``ImportError``."""
    if family == "images":
        from seawall.media.decoders import images

        return images.load()
    if family == "videos":
        from seawall.media.decoders import videos

        return videos.load()
    if family == "words":
        from seawall.media.decoders import text_recognition

        return text_recognition.load()
    if family == "second_reading":
        from seawall.media.decoders import second_reading

        return second_reading.load(languages)
    if family == "speech":
        from seawall.media.decoders import speech

        return speech.load()
    if family == "documents":
        from seawall.media.decoders import documents

        return documents.load()
    if family == "provenance":
        from seawall.media.decoders import provenance

        return provenance.load()
    raise ValueError(f"unknown family of decoders {family!r}")


def answer(
    operations: dict[str, Operation], request: WorkerRequest, data: bytes
) -> tuple[bytes, Sequence[bytes], bool]:
    """The reply's start and blobs, and whether the process should end after it."""
    try:
        found, blobs = operations[request.op](data, request.options)
        return reply(found, blobs), blobs, False
    except DecodeRefused as refused:
        return pack(WorkerReply(error=refused.code)), (), False
    except Exception as error:  # decoders read hostile bytes: any exception means a damaged file
        if is_out_of_memory(error):
            return pack(WorkerReply(error="memory_limit")), (), True  # the heap may be corrupt
        return pack(WorkerReply(error="damaged")), (), False


def receive(incoming: BinaryIO) -> tuple[WorkerRequest, bytes] | None:
    """The next request and its file, or None at the end of input."""
    size = incoming.read(LENGTH.size)
    if len(size) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(size)
    head = incoming.read(length)
    if len(head) < length:
        return None
    request = msgspec.json.decode(head, type=WorkerRequest)
    data = incoming.read(sum(request.blobs))
    return (request, data) if len(data) == sum(request.blobs) else None


def send(outgoing: BinaryIO, *pieces: bytes) -> None:
    """Write one message."""
    for piece in pieces:
        outgoing.write(piece)
    outgoing.flush()


def set_alarms(seconds: float) -> None:
    """End this process after this many seconds of wall or CPU time; 0 for never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=WorkerConfig))
