"""A decoding process: reads a file from standard input, answers on standard output, again and again.

Run by ``process.py`` with a bare environment. It loads everything it needs, then gives up what it will not need
(``confine.py``), and its own alarms end it when one file takes too long, whether or not its owner still lives. It ends
when its input does. ``wire.py`` has the protocol; the first reply says how it is confined.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

import msgspec

from seawall.detect.media.confine import confine, is_out_of_memory, leave_network
from seawall.detect.media.decoders.operation import Operation, Refused
from seawall.detect.media.wire import LENGTH, Reply, Request, pack, reply

_CPU_SECONDS: Final = 1_200.0  # of the process's whole life; the alarms limit each file


@dataclass(frozen=True, slots=True)
class Config:
    """How this process was asked to be."""

    family: str
    memory_bytes: int
    seconds: float


def main(config: Config) -> None:
    """Serve until the input ends."""
    warnings.simplefilter("ignore")
    network = leave_network()
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    try:
        operations = load(config.family)
    except ImportError:
        send(outgoing, pack(Reply(error="not_installed")))
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


def load(family: str) -> dict[str, Operation]:
    """The family's operations, ready: nothing is loaded later, when files cannot be opened. Raises ``ImportError``."""
    if family == "pictures":
        from seawall.detect.media.decoders import pictures

        return pictures.load()
    if family == "films":
        from seawall.detect.media.decoders import films

        return films.load()
    if family == "words":
        from seawall.detect.media.decoders import words

        return words.load()
    if family == "speech":
        from seawall.detect.media.decoders import speech

        return speech.load()
    if family == "documents":
        from seawall.detect.media.decoders import documents

        return documents.load()
    raise ValueError(f"no family of decoders is called {family!r}")


def answer(operations: dict[str, Operation], request: Request, data: bytes) -> tuple[bytes, Sequence[bytes], bool]:
    """The reply's start and blobs, and whether the process had better end after it."""
    try:
        found, blobs = operations[request.op](data, request.options)
        return reply(found, blobs), blobs, False
    except Refused as refused:
        return pack(Reply(error=refused.code)), (), False
    except Exception as error:  # decoders meet hostile bytes: whatever they raise means the same
        if is_out_of_memory(error):
            return pack(Reply(error="memory_limit")), (), True  # what is left of the heap is not to be trusted
        return pack(Reply(error="damaged")), (), False


def receive(incoming: BinaryIO) -> tuple[Request, bytes] | None:
    """The next request and its file, or None at the end of input."""
    size = incoming.read(LENGTH.size)
    if len(size) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(size)
    head = incoming.read(length)
    if len(head) < length:
        return None
    request = msgspec.json.decode(head, type=Request)
    data = incoming.read(sum(request.blobs))
    return (request, data) if len(data) == sum(request.blobs) else None


def send(outgoing: BinaryIO, *pieces: bytes) -> None:
    """Write one message."""
    for piece in pieces:
        outgoing.write(piece)
    outgoing.flush()


def set_alarms(seconds: float) -> None:
    """End this process after so many seconds of wall or processor time; 0 for never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Config))
