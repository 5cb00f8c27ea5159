"""What an audio file or video says beside its samples: tags, chapter titles, subtitles, and covers of audio files."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.subtitles.codeccontext import SubtitleCodecContext  # loaded now: PyAV would at the first film with subtitles
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle
from av.video.stream import VideoStream
from PIL import Image

from seawall.media.decoders.frames import to_jpeg
from seawall.media.decoders.id3 import read_id3
from seawall.media.decoders.metadata_parts import MetadataParts, as_words
from seawall.media.decoders.operation import Answer
from seawall.media.signatures import media_type

_READABLE: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
_TEXTS: Final = frozenset(
    (
        *("ass", "ssa", "srt", "subrip", "mov_text", "webvtt", "text", "cc_dec", "jacosub", "microdvd", "mpl2"),
        *("pjs", "realtext", "sami", "stl", "subviewer", "subviewer1", "vplayer"),
    )
)
"""Kinds of subtitles that are texts; the others are images."""
_MOST_CUES: Final = 50_000
_PIECES: Final = 150  # of a track's subtitles, at most
_PAUSE: Final = 2.0  # seconds between subtitles of one piece
_LONGEST: Final = 15.0  # seconds of a piece, unless there would be too many
_STYLE: Final = re.compile(r"\{[^{}]*\}|<[^<>]{1,100}>")
_LINE_ENDS: Final = re.compile(r"\\[Nnh]|\s+")


@dataclass(slots=True)
class SubtitlePiece:
    """Subtitles that follow each other, and their time in seconds."""

    start: float
    end: float
    texts: list[str] = field(default_factory=list)


def read_tags(data: bytes, container: InputContainer, found: MetadataParts) -> None:
    """Tags of the file and its tracks, and titles of chapters."""
    for key, value in container.metadata.items():
        found.tag(key, value)
    for stream in container.streams:
        for key, value in stream.metadata.items():
            if key.lower() == "title" or not stream.disposition & Disposition.attached_pic:  # else the kind of cover
                found.tag(key, value)
    for chapter in container.chapters():
        base = float(chapter["time_base"] or 0)
        start, end = (max(0.0, base * chapter[edge]) for edge in ("start", "end"))
        for key, value in chapter["metadata"].items():
            if key.lower() == "title":
                found.text("chapter", value, start, max(start, end))
    read_id3(data, found)
    read_tail(data, found)


_ID3_FIELDS: Final = (("title", 3, 33), ("artist", 33, 63), ("album", 63, 93), ("comment", 97, 127))
_APE_MARK: Final = b"APETAGEX"
_MOST_TAGS: Final = 1_000


def read_tail(data: bytes, found: MetadataParts) -> None:
    """Tags at the end of a file that FFmpeg leaves out beside others: ID3v1 and APEv2."""
    if data[-128:-125] == b"TAG":
        for name, start, end in _ID3_FIELDS:
            found.tag(name, as_words(data[len(data) - 128 + start : len(data) - 128 + end].partition(b"\0")[0]))
        data = data[:-128]
    if data[-32:-24] != _APE_MARK:
        return
    size, count = struct.unpack_from("<II", data, len(data) - 20)
    at = max(0, len(data) - size)
    for _ in range(min(count, _MOST_TAGS)):
        if at + 8 >= len(data) - 32:
            return
        length, flags = struct.unpack_from("<II", data, at)
        end = data.find(b"\0", at + 8)
        if end < 0:
            return
        if flags & 6 == 0:  # a text
            found.tag(as_words(data[at + 8 : end]), as_words(data[end + 1 : end + 1 + length]).replace("\0", "\n"))
        at = end + 1 + length


def read_covers(streams: Sequence[VideoStream], packets: Sequence[Packet[Any]], found: MetadataParts) -> None:
    """The covers of an audio file, as they are or, in a format that nothing else here reads, as JPEG."""
    for packet in packets:
        data = bytes(packet)
        if media_type(data) in _READABLE:
            found.image("cover", data)
            continue
        try:
            [frame] = next(stream for stream in streams if stream.index == packet.stream.index).decode(packet)[:1]
            image = Image.fromarray(frame.to_ndarray(format="rgb24"))
        except (av.error.FFmpegError, ValueError, StopIteration) as error:
            if isinstance(error, MemoryError):
                raise
            found.gap("image_unread")
        else:
            found.image("cover", to_jpeg(image, 960).jpeg)


def read_subtitles(tracks: Sequence[SubtitleStream], packets: Sequence[Packet[Any]], found: MetadataParts) -> None:
    """Subtitles that are texts, joined where they follow each other: a sentence goes on in the next one."""
    for track in tracks:
        mine = [packet for packet in packets if packet.stream.index == track.index and packet.size]
        if len(mine) > _MOST_CUES:
            found.gap("too_much_metadata")
        cues: list[SubtitlePiece] = []
        for packet in mine[:_MOST_CUES]:
            said = cue_of(track, packet)
            if said is None:
                found.gap("subtitles_unread")
            elif said:
                base = float(packet.time_base or 0)
                start = max(0.0, base * (packet.pts or 0))
                cues.append(SubtitlePiece(start, start + max(0.0, base * (packet.duration or 0)), [said]))
        for piece in joined(cues):
            found.text("subtitle", "\n".join(piece.texts), piece.start, piece.end)


def cue_of(track: SubtitleStream, packet: Packet[Any]) -> str | None:
    """The text of one subtitle; None when it is a image, damaged, or of an unknown kind."""
    try:
        codec = track.codec_context
        if not isinstance(codec, SubtitleCodecContext) or codec.name not in _TEXTS:
            return None
        decoded = codec.decode2(packet)
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        return None
    rects = [] if decoded is None else list(decoded.rects)
    texts = [rect for rect in rects if isinstance(rect, AssSubtitle)]
    if len(texts) < len(rects):
        return None
    lines = (_LINE_ENDS.sub(" ", _STYLE.sub("", words_of(text))).strip() for text in texts)
    return " ".join(filter(None, lines))


def words_of(rect: AssSubtitle) -> str:
    """The last of an ASS line's fields, of which all others are technical."""
    fields = rect.ass.decode(errors="replace").split(",", 8)
    return fields[8] if len(fields) == 9 else rect.dialogue.decode(errors="replace")


def joined(cues: Sequence[SubtitlePiece]) -> list[SubtitlePiece]:
    """Pieces of subtitles that follow each other; of a long film each piece is longer, and pauses are as well."""
    pieces: list[SubtitlePiece] = []
    for factor in (1, 4, 16, 64, 1_000_000):
        pieces = []
        for cue in sorted(cues, key=lambda cue: cue.start):
            last = pieces[-1] if pieces else None
            near = last is not None and cue.start - last.end <= _PAUSE * factor
            if last is not None and near and cue.end - last.start <= _LONGEST * factor:
                last.texts += cue.texts
                last.end = max(last.end, cue.end)
            else:
                pieces.append(SubtitlePiece(cue.start, cue.end, list(cue.texts)))
        if len(pieces) <= _PIECES:
            break
    return pieces


def metadata_of(data: bytes, container: InputContainer, covers: Sequence[VideoStream]) -> Answer:
    """All of it. ``covers``: the streams of images beside an audio file; a video's are among its frames."""
    found = MetadataParts()
    read_tags(data, container, found)
    tracks = list(container.streams.subtitles)
    if covers or tracks:
        packets = [packet for packet in container.demux([*covers, *tracks]) if packet.size]
        read_covers(covers, [packet for packet in packets if isinstance(packet.stream, VideoStream)], found)
        read_subtitles(tracks, packets, found)
    return found.answer()
