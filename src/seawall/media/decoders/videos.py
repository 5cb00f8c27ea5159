"""Videos and audio files: frames, and audio as 16 kHz mono. PyAV (FFmpeg inside)."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard, TypeVar

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from seawall.match.pdq import pdq_luma
from seawall.media.decoders.frames import FrameChooser, FrameThumbnail, to_jpeg
from seawall.media.decoders.operation import Answer, DecodeRefused, Operation

StreamT = TypeVar("StreamT", VideoStream, AudioStream)
RATE: Final = 16_000  # samples a second, mono, 16 bits
_CONTAINERS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,mp3,flac,wav,aiff,aac,amr,caf,asf"
"""Self-contained formats only: a playlist (HLS, DASH, concat) would name other files."""
_MOST_STREAMS: Final = 16
_MOST_PACKETS: Final = 2_000_000
_PIXELS_DECODED: Final = 12_000_000_000  # beyond, only key frames are decoded if they are close together
_KEY_FRAMES_APART: Final = 10.0  # seconds between key frames beyond which the frames between them are decoded as well
_DAMAGED_SHARE: Final = 0.1  # share of undecodable packets above which the file counts as damaged


def load() -> dict[str, Operation]:
    """All operations, tried on a small video with audio, so that nothing is loaded later."""
    av.logging.set_level(None)
    options = {"max_pixels": 1 << 20, "max_seconds": 60, "max_frames": 8, "longest": 64}
    clip(_sample_video(), options)
    sound(_sample_video(), options)
    with contextlib.suppress(DecodeRefused):
        clip(b"nothing", options)
    return {"video": clip, "sound": sound}


def clip(data: bytes, options: dict[str, Any]) -> Answer:
    """Frames and audio of a video. Options: ``max_pixels``, ``max_seconds``, ``max_frames``, ``longest``.

    Blobs: the audio (empty if none), then the kept frames.
    """
    with opened(data) as container:
        image, track = chosen(container.streams.video), chosen(container.streams.audio)
        if image is None and track is None:
            raise DecodeRefused("not_media")
        if image is not None and image.codec_context.width * image.codec_context.height > options["max_pixels"]:
            raise DecodeRefused("too_many_pixels")
        packets = read_packets(container, image, track, options["max_seconds"])
        start = packets.image_start if packets.image else packets.sound_start
        samples: Sequence[object] = ()
        frames: list[FrameThumbnail] = []
        if image is not None and packets.image:
            chooser = FrameChooser(packets.seconds, len(packets.image), options["max_frames"])
            frames = list(kept_frames(image, packets, chooser, start, options))
            samples = chooser.samples
            if not frames:
                raise DecodeRefused("damaged")
        pcm = b"" if track is None else decode_sound(track, packets, start, options["max_seconds"])
        width, height = (0, 0) if image is None else (image.codec_context.width, image.codec_context.height)
        answer = {"seconds": max(0.0, packets.end - start), "width": width, "height": height}
        kept = {"samples": samples, "sizes": [frame.size for frame in frames]}
        return {**answer, **kept}, (pcm, *(frame.jpeg for frame in frames))


def sound(data: bytes, options: dict[str, Any]) -> Answer:
    """The decoded audio of a file, as the only blob. Options: ``max_seconds``."""
    with opened(data) as container:
        track = chosen(container.streams.audio)
        if track is None:
            raise DecodeRefused("no_sound")
        packets = read_packets(container, None, track, options["max_seconds"])
        return {"seconds": packets.seconds}, (
            decode_sound(track, packets, packets.sound_start, options["max_seconds"]),
        )


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
        yield container


def chosen(streams: Sequence[StreamT]) -> StreamT | None:
    """The stream a player would choose: the one marked as default, otherwise the first. No cover images."""
    real = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    if not real:
        return None
    stream = next((stream for stream in real if stream.disposition & Disposition.default), real[0])
    if stream.codec_context is None:
        raise DecodeRefused("unknown_codec")
    stream.codec_context.thread_count = 1
    return stream


@dataclass(slots=True)
class Packets:
    """Packets of a file, regardless of its header. Seconds from the first time stamp."""

    image: list[Packet[VideoStream]] = field(default_factory=list)
    sound: list[Packet[AudioStream]] = field(default_factory=list)
    image_start: float = math.inf
    sound_start: float = math.inf
    end: float = -math.inf

    @property
    def seconds(self) -> float:
        """Seconds from the first time stamp to the last."""
        start = min(self.image_start, self.sound_start)
        return max(0.0, self.end - start) if math.isfinite(start) and math.isfinite(self.end) else 0.0


def read_packets(
    container: InputContainer, image: VideoStream | None, track: AudioStream | None, max_seconds: float
) -> Packets:
    """All packets of both streams. Raises ``DecodeRefused`` when there are too many, or the duration is too long."""
    packets = Packets()
    streams = [stream for stream in (image, track) if stream is not None]
    count = 0
    for packet in container.demux(streams):
        if packet.size == 0:  # the flush at the end
            continue
        count += 1
        if count > _MOST_PACKETS:
            raise DecodeRefused("too_long")
        moment = seconds_of(packet)
        if is_of(packet, image):
            packets.image.append(packet)
            packets.image_start = min(packets.image_start, math.inf if moment is None else moment)
        elif is_of(packet, track):
            packets.sound.append(packet)
            packets.sound_start = min(packets.sound_start, math.inf if moment is None else moment)
        if moment is not None:
            packets.end = max(packets.end, moment + float((packet.duration or 0) * (packet.time_base or 0)))
            if packets.seconds > max_seconds:
                raise DecodeRefused("too_long")
    return packets


def is_of(packet: Packet[Any], stream: StreamT | None) -> TypeGuard[Packet[StreamT]]:
    """Whether a packet belongs to the stream."""
    return packet.stream is stream


def seconds_of(packet: Packet[Any]) -> float | None:
    """Presentation time of a packet."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)


def kept_frames(
    stream: VideoStream, packets: Packets, chooser: FrameChooser, start: float, options: dict[str, Any]
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


def to_decode(packets: Packets, pixels: int) -> list[Packet[VideoStream]]:
    """All packets; for a long video its key frames, and everything between key frames that are far apart."""
    if pixels * len(packets.image) <= _PIXELS_DECODED:
        return packets.image
    groups: list[list[Packet[VideoStream]]] = [[]]
    for packet in packets.image:
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


def decode_sound(track: AudioStream, packets: Packets, start: float, max_seconds: float) -> bytes:
    """16 kHz mono, 16 bits little-endian, from ``start`` on. Raises ``DecodeRefused``."""
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    delay = packets.sound_start - start
    delay = max(-max_seconds, min(delay, max_seconds)) if math.isfinite(delay) else 0.0
    pcm = bytearray(2 * round(max(0.0, delay) * RATE))
    before = 2 * round(max(0.0, -delay) * RATE)  # encoders add a short silence before time zero
    most = int(2 * RATE * max_seconds) + 2 * RATE
    for frame in decoded(track, packets.sound):
        for piece in resampler.resample(frame):
            pcm += bytes(piece.planes[0])[: 2 * piece.samples]
        if len(pcm) > most:
            raise DecodeRefused("too_long")
    for piece in resampler.resample(None):
        pcm += bytes(piece.planes[0])[: 2 * piece.samples]
    if packets.sound and not pcm:
        raise DecodeRefused("damaged")
    return bytes(pcm[before:])


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
