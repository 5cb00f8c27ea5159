"""Videos and audio files: frames of every image, channels of every track. PyAV (FFmpeg inside)."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from seawall.match.pdq import pdq_luma
from seawall.media.decoders import metadata_parts
from seawall.media.decoders.frames import FrameChooser, FrameThumbnail, to_jpeg
from seawall.media.decoders.media_metadata import metadata_of
from seawall.media.decoders.operation import Answer, DecodeRefused, Operation
from seawall.media.decoders.sound import RATE, decode_sound

StreamT = TypeVar("StreamT", VideoStream, AudioStream)
_CONTAINERS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,mp3,flac,wav,aiff,aac,amr,caf,asf"
"""Self-contained formats only: a playlist (HLS, DASH, concat) would name other files."""
_MOST_STREAMS: Final = 16
_MOST_PACKETS: Final = 2_000_000
_PIXELS_DECODED: Final = 12_000_000_000  # beyond, only key frames are decoded if they are close together
_KEY_FRAMES_APART: Final = 10.0  # seconds between key frames beyond which the frames between them are decoded as well
_OTHER_SOUND_BYTES: Final = 256 << 20  # of channels and tracks beside the mix: two hours of one
_DAMAGED_SHARE: Final = 0.1  # share of undecodable packets above which the file counts as damaged


def load() -> dict[str, Operation]:
    """All operations, tried on a small video with audio, so that nothing is loaded later."""
    av.logging.set_level(None)
    options = {"max_pixels": 1 << 20, "max_seconds": 60, "max_frames": 8, "longest": 64}
    clip(_sample_video(), options)
    sound(_sample_video(), options)
    metadata_parts.load()
    metadata(_sample_video(), {"covers": True})
    with contextlib.suppress(DecodeRefused):
        clip(b"nothing", options)
    return {"video": clip, "sound": sound, "metadata": metadata}


def clip(data: bytes, options: dict[str, Any]) -> Answer:
    """Frames and sound of a video. Options: ``max_pixels``, ``max_seconds``, ``max_frames``, ``longest``.

    Blobs: the channels of the sound, then the kept frames of the image that a player shows, then those of ``more``:
    other images of the file, and its cover pictures.
    """
    with opened(data) as container:
        images, tracks = ordered(container.streams.video), ordered(container.streams.audio)
        covers = [stream for stream in container.streams.video if is_cover(stream)]
        if not images and not tracks:
            raise DecodeRefused("not_media")
        image = first_readable(images)
        first_readable(tracks)
        if image is not None and image.codec_context.width * image.codec_context.height > options["max_pixels"]:
            raise DecodeRefused("too_many_pixels")
        packets = read_packets(container, [*images, *covers, *tracks], options["max_seconds"])
        shown = None if image is None else packets.of(image)
        start = shown.start if shown is not None and shown.packets else min(packets.of(each).start for each in tracks)
        samples: Sequence[object] = ()
        frames: list[FrameThumbnail] = []
        if image is not None and shown is not None and shown.packets:
            chooser = FrameChooser(packets.seconds, len(shown.packets), options["max_frames"])
            frames = list(kept_frames(image, shown.packets, chooser, start, options))
            samples = chooser.samples
            if not frames:
                raise DecodeRefused("damaged")
        more, others, gaps = other_images([*images[1:], *covers], packets, start, options)
        channels, unheard = sound_of(tracks, packets, start, options["max_seconds"])
        width, height = (0, 0) if image is None else (image.codec_context.width, image.codec_context.height)
        answer = {"seconds": max(0.0, packets.end - start), "width": width, "height": height, "more": more}
        kept = {"samples": samples, "sizes": [frame.size for frame in frames]}
        about = {"channels": len(channels), "gaps": [*gaps, *unheard]}
        return {**answer, **kept, **about}, (*channels, *(frame.jpeg for frame in (*frames, *others)))


def sound(data: bytes, options: dict[str, Any]) -> Answer:
    """The channels of a file's sound as blobs. Options: ``max_seconds``."""
    with opened(data) as container:
        tracks = ordered(container.streams.audio)
        first = first_readable(tracks)
        if first is None:
            raise DecodeRefused("no_sound")
        packets = read_packets(container, tracks, options["max_seconds"])
        channels, gaps = sound_of(tracks, packets, packets.of(first).start, options["max_seconds"])
        return {"gaps": gaps}, channels


def metadata(data: bytes, options: dict[str, Any]) -> Answer:
    """Tags, titles of chapters, subtitles and, with the option ``covers``, cover pictures (the blobs)."""
    with opened(data) as container:
        covers = [stream for stream in container.streams.video if is_cover(stream)]
        return metadata_of(data, container, covers if options["covers"] else [])


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[InputContainer]:
    """The file, not yet decoded. Raises ``DecodeRefused``."""
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none", "max_streams": "64"}
    try:
        container = av.open(io.BytesIO(data), "r", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise DecodeRefused("not_media") from None
    with container:
        if len(container.streams) > _MOST_STREAMS:
            raise DecodeRefused("too_many_streams")
        with_one_thread(container)
        yield container


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture beside the media, such as an album's cover."""
    return bool(stream.disposition & Disposition.attached_pic)


def ordered(streams: Sequence[StreamT]) -> list[StreamT]:
    """The streams without covers; first the one a player would choose: marked as default, otherwise the first."""
    real = [stream for stream in streams if not is_cover(stream)]
    return sorted(real, key=lambda stream: not stream.disposition & Disposition.default)


def with_one_thread(container: InputContainer) -> None:
    """Keep every decoder of the file to this thread."""
    for stream in (*container.streams.video, *container.streams.audio):
        if stream.codec_context is not None:
            stream.codec_context.thread_count = 1


def first_readable(streams: Sequence[StreamT]) -> StreamT | None:
    """The first stream, if there is any. Raises ``DecodeRefused`` when nothing here decodes it."""
    if not streams:
        return None
    if streams[0].codec_context is None:
        raise DecodeRefused("unknown_codec")
    return streams[0]


@dataclass(slots=True)
class StreamPackets:
    """Packets of one stream, and its first time stamp in seconds."""

    packets: list[Packet[Any]] = field(default_factory=list)
    start: float = math.inf


@dataclass(slots=True)
class Packets:
    """Packets of a file by stream, regardless of its header. Seconds from the first time stamp."""

    streams: dict[int, StreamPackets] = field(default_factory=dict)
    end: float = -math.inf

    def of(self, stream: VideoStream | AudioStream) -> StreamPackets:
        """Those of one stream."""
        return self.streams.get(stream.index) or StreamPackets()

    @property
    def seconds(self) -> float:
        """Seconds from the first time stamp to the last."""
        start = min((each.start for each in self.streams.values()), default=math.inf)
        return max(0.0, self.end - start) if math.isfinite(start) and math.isfinite(self.end) else 0.0


def read_packets(
    container: InputContainer, streams: Sequence[VideoStream | AudioStream], max_seconds: float
) -> Packets:
    """All packets of these streams. Raises ``DecodeRefused`` when there are too many, or the duration is too long."""
    packets = Packets()
    count = 0
    for packet in container.demux(streams):
        if packet.size == 0:  # the flush at the end
            continue
        count += 1
        if count > _MOST_PACKETS:
            raise DecodeRefused("too_long")
        mine = packets.streams.setdefault(packet.stream.index, StreamPackets())
        mine.packets.append(packet)
        moment = seconds_of(packet)
        if moment is not None and not is_cover(packet.stream):
            mine.start = min(mine.start, moment)
            packets.end = max(packets.end, moment + float((packet.duration or 0) * (packet.time_base or 0)))
            if packets.seconds > max_seconds:
                raise DecodeRefused("too_long")
    return packets


def seconds_of(packet: Packet[Any]) -> float | None:
    """Presentation time of a packet."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)


def other_images(
    streams: Sequence[VideoStream], packets: Packets, start: float, options: dict[str, Any]
) -> tuple[list[object], list[FrameThumbnail], list[str]]:
    """Of each image but the one that a player shows: samples and sizes, its kept frames, and codes of what failed."""
    found: list[object] = []
    frames: list[FrameThumbnail] = []
    gaps: set[str] = set()
    decoding = 0
    for stream in streams:
        mine, codec = packets.of(stream).packets, stream.codec_context
        pixels = 0 if codec is None else codec.width * codec.height
        decoding += pixels * len(mine)
        if codec is None or pixels > options["max_pixels"] or decoding > _PIXELS_DECODED:
            gaps.add("image_unread")
            continue
        chooser = FrameChooser(packets.seconds, len(mine), options["max_frames"])
        try:
            kept = list(kept_frames(stream, mine, chooser, start, options))
        except DecodeRefused:
            kept = []
        if mine and not kept:
            gaps.add("image_unread")
            continue
        frames += kept
        found.append({"samples": chooser.samples, "sizes": [frame.size for frame in kept]})
    return found, frames, sorted(gaps)


def kept_frames(
    stream: VideoStream,
    packets: Sequence[Packet[VideoStream]],
    chooser: FrameChooser,
    start: float,
    options: dict[str, Any],
) -> Iterator[FrameThumbnail]:
    """The kept frames as JPEG; the chooser records their times. Raises ``DecodeRefused``."""
    last = 0.0
    wanted = to_decode(packets, stream.codec_context.width * stream.codec_context.height)
    for count, frame in enumerate(decoded(stream, wanted)):
        if frame.width * frame.height > options["max_pixels"]:  # a stream may change its size
            raise DecodeRefused("too_many_pixels")
        last = max(last, frame.time - start if frame.time is not None else last)
        luma, is_limited = luma_of(frame)
        if not chooser.wants(last, count, frame.key_frame, luma):
            continue
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        luma = np.ascontiguousarray(np.rot90(_STRETCHED[luma] if is_limited else luma, turns))
        if chooser.add(last, pdq_luma(luma), Image.fromarray(luma)):
            yield jpeg_of(frame, turns, options["longest"])


def to_decode(packets: Sequence[Packet[VideoStream]], pixels: int) -> Sequence[Packet[VideoStream]]:
    """All packets; for a long video its key frames, and everything between key frames that are far apart."""
    if pixels * len(packets) <= _PIXELS_DECODED:
        return packets
    groups: list[list[Packet[VideoStream]]] = [[]]
    for packet in packets:
        if packet.is_keyframe and groups[-1]:
            groups.append([])
        groups[-1].append(packet)
    wanted = []
    for group in groups:
        moments = [moment for moment in map(seconds_of, group) if moment is not None]
        near = len(moments) == len(group) and max(moments) - min(moments) <= _KEY_FRAMES_APART
        wanted += group[:1] if near else group
    return wanted


def decoded(stream: StreamT, packets: Sequence[Packet[StreamT]]) -> Iterator[Any]:
    """The frames of these packets. Raises ``DecodeRefused`` when too many of them are damaged."""
    faults = 0
    for packet in (*packets, None):
        try:
            yield from stream.codec_context.decode(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            faults += 1
    if faults > max(1, _DAMAGED_SHARE * len(packets)):
        raise DecodeRefused("damaged")


def luma_of(frame: VideoFrame) -> tuple[NDArray[np.uint8], bool]:
    """Brightness of a frame, of shape (height, width), and whether its range is 16 to 235.

    It is the frame's own Y plane, if it has one of 8 bits.
    """
    if frame.format.name not in _PLANAR:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    is_full = frame.format.name.startswith(("yuvj", "gray")) or frame.color_range == _FULL_RANGE
    return luma, not is_full


_PLANAR: Final = (
    *("yuv420p", "yuv422p", "yuv444p", "yuv410p", "yuv411p", "yuv440p", "yuva420p", "nv12", "nv21"),
    *("yuvj420p", "yuvj422p", "yuvj444p", "gray"),
)
_FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
_STRETCHED: Final = np.clip((np.arange(256) - 16) * (255 / 219), 0, 255).round().astype(np.uint8)  # from 16 … 235


def jpeg_of(frame: VideoFrame, turns: int, longest: int) -> FrameThumbnail:
    """A frame as displayed, scaled down."""
    scale = min(1.0, longest / max(frame.width, frame.height))
    small = frame.reformat(
        width=max(2, round(frame.width * scale)),
        height=max(2, round(frame.height * scale)),
        format="rgb24",
        interpolation=Interpolation.AREA,
    )
    return to_jpeg(Image.fromarray(np.ascontiguousarray(np.rot90(small.to_ndarray(), turns))), longest)


def sound_of(
    tracks: Sequence[AudioStream], packets: Packets, start: float, max_seconds: float
) -> tuple[list[bytes], list[str]]:
    """The mix of the first track, then its other channels and the other tracks; and codes of what was not heard."""
    channels: list[bytes] = []
    gaps: set[str] = set()
    for track in tracks:
        mine = packets.of(track)
        if track.codec_context is None:
            gaps.add("track_unread")
            continue

        def frames(track: AudioStream = track, mine: StreamPackets = mine) -> Iterator[AudioFrame]:
            track.codec_context.flush_buffers()  # decoded twice where channels differ
            yield from decoded(track, mine.packets)

        free = _OTHER_SOUND_BYTES - sum(map(len, channels[1:]))
        found = decode_sound(frames, mine.start - start, max_seconds, free)
        if mine.packets and not found.channels[0]:
            raise DecodeRefused("damaged")
        if channels and len(found.channels[0]) > free:
            gaps.add("track_unread")
            continue
        channels += found.channels
        if found.unheard:
            gaps.add("channel_unheard")
    length = len(channels[0]) if channels else 0
    return [each[:length] + bytes(max(0, length - len(each))) for each in channels], sorted(gaps)


def _sample_video() -> bytes:
    """A video of one second with audio."""
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="matroska") as container:
        image, track = container.add_stream("mpeg4", rate=5), container.add_stream("flac", rate=RATE, layout="mono")
        image.width, image.height, image.pix_fmt = 64, 64, "yuv420p"
        for number in range(5):
            frame = VideoFrame.from_ndarray(np.full((64, 64, 3), number * 50, np.uint8), format="rgb24")
            frame.pts = number
            container.mux(image.encode(frame))
        container.mux(image.encode(None))
        silence = AudioFrame.from_ndarray(np.zeros((1, RATE), np.int16), format="s16", layout="mono")
        silence.sample_rate, silence.pts = RATE, 0
        container.mux(track.encode(silence))
        container.mux(track.encode(None))
    return encoded.getvalue()
