"""Extractors that make parts from images, audio files, videos and documents."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from seawall.content.links import extract_links
from seawall.media.blocks import blocks
from seawall.media.channels import is_made_up, seconds_of_speech
from seawall.media.documents import DocumentExtractor
from seawall.media.extractor import QUICK_CALLS, MediaExtractor
from seawall.media.kept_windows import KeptWindows, ReadWindow
from seawall.media.media import Media
from seawall.media.process import UnreadableMedia
from seawall.media.results import (
    RATE,
    AudioContent,
    Box,
    DecodedCode,
    ImageWords,
    MediaMetadata,
    MetadataText,
    SpeechSegments,
    TextLine,
    VideoContent,
    VideoFrame,
    from_wav,
    to_wav,
)
from seawall.media.tesseract import second_reader
from seawall.media.transcribe import (
    Transcriber,
    UnreadLanguageError,
    Utterance,
    WhisperTranscriber,
    packaged_transcriber,
)
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import (
    Cost,
    ExtractedParts,
    ExtractionGap,
    Extractor,
    ExtractorSpec,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)


def default_extractors(
    media: Media | None = None,
    transcriber: Transcriber | None = None,
    transcriber_model: Path | None = None,
    *,
    kept: Path | None = None,
) -> tuple[Extractor, ...]:
    """Extractors whose libraries are installed. They share the processes of ``media``; closing one closes it.

    ``transcript`` is included if a ``transcriber`` or the folder of a faster-whisper model is given, or the extra
    ``speech-en`` is installed. ``kept``: a folder for windows of speech that are read already
    (``kept_windows``); without it a long recording is read in one go.

    Raises ``TranscriberError`` when the transcriber cannot be used, ``TesseractError`` when a language of the limits'
    ``ocr_languages`` cannot.
    """
    media = media or Media()
    if transcriber is None:
        transcriber = packaged_transcriber() if transcriber_model is None else WhisperTranscriber(transcriber_model)
    extractors: list[Extractor] = [AnimationExtractor(media), DocumentExtractor(media), MetadataExtractor(media)]
    if media.can("images", "codes"):
        extractors.append(CodesExtractor(media))
    if media.can("images", "words"):
        extractors.append(WordsExtractor(media))
    if media.can("videos"):
        extractors.append(FramesExtractor(media))
    if media.can("videos", "speech"):
        extractors.append(VoiceExtractor(media))
        if transcriber is not None:
            windows = None if kept is None else KeptWindows(kept)
            extractors.append(TranscriptExtractor(media, transcriber, windows))
    return tuple(extractors)


class CodesExtractor(MediaExtractor):
    """QR codes and other barcodes: link parts for addresses, text parts otherwise."""

    spec = ExtractorSpec(
        name="codes",
        version="2",
        modalities=frozenset({Modality.IMAGE}),
        gives=frozenset({Modality.TEXT, Modality.LINK}),
        makes="code",
        cost=Cost.CPU,
    )
    calls_at_once = QUICK_CALLS

    def start(self) -> None:
        """Start the process for images before the first one comes."""
        self._media.start()

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        def make(found: tuple[DecodedCode, ...]) -> ExtractedParts:
            return ExtractedParts(tuple(_code_part(part, number, code) for number, code in enumerate(found)))

        return self._made(part, self._media.codes(part.data or b""), make)


class WordsExtractor(MediaExtractor):
    """Text in an image: a text part for each block of lines. Takes seconds.

    Lines in a script that is not read are a gap: unknown by their language, never "no words".
    """

    spec = ExtractorSpec(
        name="words",
        version="3",
        modalities=frozenset({Modality.IMAGE}),
        gives=frozenset({Modality.TEXT}),
        makes="words",
        cost=Cost.SLOW,
        scripts=("Latin", "Han", "Hiragana", "Katakana"),
    )

    def __init__(self, media: Media) -> None:
        """With the ``ocr_languages`` of ``media``, Tesseract reads what is left. Raises ``TesseractError``."""
        super().__init__(media)
        self._second = second_reader(media.limits.ocr_languages) if media.limits.ocr_languages else None
        if self._second is not None:
            version = f"{self.spec.version} {self._second.version}"
            self.spec = replace(self.spec, version=version, scripts=(*self.spec.scripts, *self._second.scripts))

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        def make(found: ImageWords) -> ExtractedParts | Unknown:
            if self._second is not None and found.doubted:
                again = self._media.words_again(part.data or b"", found.doubted)
                if isinstance(again, UnreadableMedia) and again.is_ours:
                    return again.about(part, self.spec.name)  # asking again may help
                found = found if isinstance(again, UnreadableMedia) else with_readings(found, again)
            return ExtractedParts(
                gaps=(ExtractionGap("script_unread", reason=UnknownReason.LANGUAGE),) if found.unread else (),
                parts=tuple(
                    Part(
                        path=f"{part.path}>words.{number}",
                        modality=Modality.TEXT,
                        field=part.field,
                        text=text,
                        parent=part.path,
                        span=_pixels(box),
                    )
                    for number, (text, box) in enumerate(blocks(found.lines))
                ),
            )

        return self._made(part, self._media.words(part.data or b""), make)


def with_readings(found: ImageWords, again: Mapping[Box, TextLine]) -> ImageWords:
    """With the second reader's lines in place of those that were doubted."""
    lines = [line for line in found.lines if line.box not in again]
    return ImageWords(
        tuple(sorted((*lines, *again.values()), key=lambda line: (line.box[1], line.box[0]))),
        tuple(line for line in found.doubted if line.box not in again),
    )


class AnimationExtractor(MediaExtractor):
    """Frames of an animated image that differ from its first frame, which detectors read as the image itself."""

    spec = ExtractorSpec(
        name="animation",
        version="2",
        modalities=frozenset({Modality.IMAGE}),
        gives=frozenset({Modality.IMAGE}),
        makes="frame",
        cost=Cost.CPU,
    )
    calls_at_once = QUICK_CALLS

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        def make(found: tuple[VideoFrame, ...]) -> ExtractedParts:
            return ExtractedParts(_frame_parts(part, found))

        return self._made(part, self._media.animation(part.data or b""), make)


class MetadataExtractor(MediaExtractor):
    """What a file carries beside its pixels or samples: tags, captions, subtitles, covers, deviating thumbnails.

    ``song>metadata.title``, ``clip>subtitle.3`` with its seconds, ``song>cover.0``, ``photo>thumbnail.0``.
    """

    spec = ExtractorSpec(
        name="metadata",
        version="2",
        modalities=frozenset({Modality.IMAGE, Modality.AUDIO, Modality.VIDEO}),
        gives=frozenset({Modality.TEXT, Modality.IMAGE}),
        makes="metadata",
        cost=Cost.CPU,
    )

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        data = part.data or b""
        if part.pdq is not None or (part.parent is not None and part.modality is Modality.AUDIO):
            return ExtractedParts()  # a frame or a sound that was made here
        if part.modality is Modality.IMAGE:
            found = self._media.image_metadata(data)
        elif from_wav(data) is not None:
            return ExtractedParts()
        else:
            found = self._media.media_metadata(data, covers=part.modality is Modality.AUDIO)
        return self._made(part, found, lambda found: _metadata_parts(part, self._with_signer(data, found)))

    def _with_signer(self, data: bytes, found: MediaMetadata) -> MediaMetadata:
        """With the names in a C2PA manifest. Whether it can be read is the answer of the detector ``provenance``."""
        record = self._media.provenance(data)
        if isinstance(record, UnreadableMedia):
            return found
        names = {"signer": record.signer, "generator": record.generator}
        texts = tuple(MetadataText(name, text) for name, text in names.items() if text)
        return replace(found, texts=(*found.texts, *texts))


class FramesExtractor(MediaExtractor):
    """The frames of a video, and its audio."""

    spec = ExtractorSpec(
        name="frames",
        version="2",
        modalities=frozenset({Modality.VIDEO}),
        gives=frozenset({Modality.IMAGE, Modality.AUDIO}),
        makes="frame",
        cost=Cost.SLOW,
    )

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        def make(video: VideoContent) -> ExtractedParts:
            sound = (
                ()
                if video.sound is None
                else (_sound_part(part, "audio", video.sound.channels, 0.0, video.sound.seconds),)
            )
            return ExtractedParts((*_frame_parts(part, video.frames), *sound), gaps=_gaps(video.gaps))

        return self._made(part, self._media.video(part.data or b""), make)


class VoiceExtractor(MediaExtractor):
    """Segments of speech, as audio parts, and the total seconds of speech."""

    spec = ExtractorSpec(
        name="voice",
        version="3",
        modalities=frozenset({Modality.AUDIO}),
        gives=frozenset({Modality.AUDIO}),
        makes="speech",
        signals=(SignalSpec(name="speech_seconds", kind=SignalKind.COUNT, description="Whole seconds of speech"),),
        cost=Cost.SLOW,
    )

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        data = part.data or b""
        sound = self._media.sound(data)

        def make(found: tuple[SpeechSegments, ...]) -> ExtractedParts:
            seconds = Signal(
                name="speech_seconds",
                value=math.ceil(seconds_of_speech(found)),
                part=part.path,
                detector=self.spec.name,
                version=self.spec.version,
            )
            if isinstance(sound, UnreadableMedia):
                return ExtractedParts((), (seconds,))
            pieces = tuple(
                _sound_part(part, f"speech.{number}", [_cut(sound, each)], each.start, each.end)
                for number, each in enumerate(stretches(found))
            )
            return ExtractedParts(pieces, (seconds,), _gaps(sound.gaps))

        return self._made(part, sound if isinstance(sound, UnreadableMedia) else self._media.speech(data), make)


class TranscriptExtractor(MediaExtractor):
    """Speech of an audio file as text: one text part per utterance. Only segments with speech are transcribed.

    With ``kept``, windows that were read before are not read again, and one call reads no further after ``call_s`` of
    ``TranscriptLimits``: what is left is unknown as ``deadline``, so that the next evaluation reads on. What is past
    ``cpu_s`` stays unread.
    """

    def __init__(
        self,
        media: Media,
        transcriber: Transcriber,
        kept: KeptWindows | None = None,
        limits: TranscriptLimits | None = None,
    ) -> None:
        super().__init__(media)
        self._transcriber = transcriber
        self._kept = kept
        self._limits = limits or TranscriptLimits()
        self.spec = ExtractorSpec(
            name="transcript",
            version=f"4 {transcriber.version}",
            modalities=frozenset({Modality.AUDIO}),
            gives=frozenset({Modality.TEXT}),
            makes="transcript",
            cost=Cost.SLOW,
        )

    def _process(self, part: Part) -> ExtractedParts | Unknown:
        data = part.data or b""
        sound = self._media.sound(data)
        if isinstance(sound, UnreadableMedia):
            return self._made(part, sound, lambda _: ExtractedParts())
        return self._made(part, self._media.speech(data), lambda found: self._read(part, sound, found))

    def _read(self, part: Part, sound: AudioContent, found: tuple[SpeechSegments, ...]) -> ExtractedParts:
        parts: list[Part] = []
        read: list[SpeechSegments] = []
        unread: list[SpeechSegments] = []
        left: list[ExtractionGap] = []
        cpu_s = 0.0
        clock = _Clock(math.inf if self._kept is None else self._limits.call_s)
        for stretch in _joined(found, _PAUSE_S, math.inf):
            start = stretch.start
            while start < stretch.end and not left:
                window = _window(stretch, start)
                if cpu_s >= self._limits.cpu_s:
                    left.append(ExtractionGap(TOO_MUCH_SPEECH, inside=_after(start)))
                    break
                made = self._window(_cut(sound, window), part.language, clock)
                if made is None:
                    left.append(ExtractionGap(SPEECH_LEFT, inside=_after(start), reason=UnknownReason.DEADLINE))
                    break
                cpu_s += made.cpu_s
                (unread if made.heard is None else read).append(window)
                said, start = _whole(made.heard or (), window, stretch.end)
                parts += [_said(part, len(parts) + number, each, window) for number, each in enumerate(said)]
        gaps = (*_gaps(sound.gaps), *left)
        if not all(is_made_up(each, read, found, sound.channels) for each in unread):
            gaps += (ExtractionGap(UNREAD_LANGUAGE, reason=UnknownReason.LANGUAGE),)
        return ExtractedParts(tuple(parts), gaps=gaps)

    def _window(self, pcm: bytes, language: str | None, clock: _Clock) -> ReadWindow | None:
        """What is said in a window, from before or now; None: not before, and not to be read now."""
        version = self.spec.version
        made = None if self._kept is None else self._kept.get(version, language, pcm)
        if made is not None or clock.is_over:
            return made
        clock.windows += 1
        wall, cpu = time.monotonic(), time.process_time()
        try:
            heard: tuple[Utterance, ...] | None = tuple(self._transcriber.transcribe(pcm, language))
        except UnreadLanguageError:
            heard = None
        # The processor seconds of one thread are not more than the time that passed; others compute beside it.
        made = ReadWindow(heard, min(time.monotonic() - wall, time.process_time() - cpu))
        if self._kept is not None:
            self._kept.put(version, language, pcm, made)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLimits:
    """Limits for one audio file: processor seconds in all, and seconds of one call."""

    cpu_s: float = 3_600.0
    call_s: float = 240.0  # a call is given up as hung after 600, and decoding comes before


class _Clock:
    """The time of one call; a first window is read in any case, so that every call gets further."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.windows = 0  # read in this call

    @property
    def is_over(self) -> bool:
        return self.windows > 0 and time.monotonic() >= self._until


TOO_MUCH_SPEECH: Final = "too_much_speech"
"""Code of speech beyond the processor seconds for one file."""
SPEECH_LEFT: Final = "speech_left"
"""Code of speech that the next evaluation reads."""
UNREAD_LANGUAGE: Final = "speech_not_read"
"""Code of speech in a language that the transcriber does not read."""
_WINDOW_S: Final = 28.0  # Whisper's is 30; a call costs the same for a second as for half a minute
_PAUSE_S: Final = 3.0  # up to which speech is read together


def _window(stretch: SpeechSegments, start: float) -> SpeechSegments:
    """The next window of a stretch: what is left is shared out evenly."""
    left = stretch.end - start
    end = stretch.end if left <= _WINDOW_S else start + left / math.ceil(left / _WINDOW_S)
    return replace(stretch, start=start, end=end)


def _after(start: float) -> str:
    """The step of a path that says from where on: whole seconds."""
    return f"after.{math.floor(start)}"


def _said(part: Part, number: int, each: Utterance, window: SpeechSegments) -> Part:
    return Part(
        path=f"{part.path}>transcript.{number}",
        modality=Modality.TEXT,
        field=part.field,
        text=each.text,
        language=each.language,
        parent=part.path,
        span=_seconds(window.start + each.start, min(window.start + each.end, window.end)),
    )


def _whole(heard: Sequence[Utterance], window: SpeechSegments, end: float) -> tuple[Sequence[Utterance], float]:
    """The utterances to keep, and where to read on: at the last one, if the window's end may have cut it."""
    if window.end >= end:
        return heard, end
    if len(heard) > 1 and heard[-1].start > (window.end - window.start) / 2:
        return heard[:-1], window.start + heard[-1].start
    return heard, window.end


_WIDER: Final = ((0.5, 30.0), (2.0, 60.0), (10.0, 120.0), (math.inf, 600.0))
"""Seconds: maximum pause inside a segment and maximum length; the first pair that gives few enough segments is used."""
_MOST_STRETCHES: Final = 150


def stretches(found: Sequence[SpeechSegments]) -> list[SpeechSegments]:
    """Speech segments merged across short pauses, and cut where they are long."""
    joined: list[SpeechSegments] = []
    for pause, longest in _WIDER:
        joined = _joined(found, pause, longest)
        if len(joined) <= _MOST_STRETCHES:
            break
    return joined


def _joined(found: Sequence[SpeechSegments], pause: float, longest: float) -> list[SpeechSegments]:
    joined: list[SpeechSegments] = []
    for each in sorted(found, key=lambda each: each.channel):  # by channel, then by time
        last = joined[-1] if joined and joined[-1].channel == each.channel else None
        if last is not None and each.start - last.end <= pause and each.end - last.start <= longest:
            joined[-1] = replace(last, end=each.end)
            continue
        start = each.start
        while each.end - start > longest:
            joined.append(replace(each, start=start, end=start + longest))
            start += longest
        joined.append(replace(each, start=start))
    return joined


def _code_part(part: Part, number: int, code: DecodedCode) -> Part:
    text = code.text.strip()
    links = extract_links(text)
    is_link = len(links) == 1 and (links[0].start, links[0].end) == (0, len(text))
    return Part(
        path=f"{part.path}>code.{number}",
        modality=Modality.LINK if is_link else Modality.TEXT,  # links within a text become parts of that text
        field=part.field,
        text=text,
        parent=part.path,
        span=_pixels(code.box),
    )


def _metadata_parts(part: Part, found: MediaMetadata) -> ExtractedParts:
    seen: dict[str, int] = {}

    def path(name: str, *, is_numbered: bool) -> str:
        number = seen[name] = seen.get(name, -1) + 1
        if is_numbered:
            return f"{part.path}>{name}.{number}"
        return f"{part.path}>metadata.{name}" + (f".{number}" if number else "")

    def text(each: MetadataText) -> Part:
        return Part(
            path=path(each.name, is_numbered=each.start is not None),
            modality=Modality.TEXT,
            field=part.field,
            text=each.text,
            parent=part.path,
            span=None if each.start is None else _seconds(each.start, each.end or each.start),
        )

    images = [
        Part(
            path=path(name, is_numbered=True),
            modality=Modality.IMAGE,
            field=part.field,
            data=data,
            parent=part.path,
        )
        for name, data in found.images
    ]
    return ExtractedParts((*map(text, found.texts), *images), gaps=_gaps(found.gaps))


def _frame_parts(part: Part, frames: Sequence[VideoFrame]) -> tuple[Part, ...]:
    return tuple(
        Part(
            path=f"{part.path}>frame.{number}",
            modality=Modality.IMAGE,
            field=part.field,
            data=frame.jpeg,
            parent=part.path,
            span=_seconds(frame.start, frame.end),
            pdq=(frame.hash, frame.quality),
            size=frame.size,
        )
        for number, frame in enumerate(frames)
    )


def _sound_part(part: Part, step: str, channels: Sequence[bytes], start: float, end: float) -> Part:
    return Part(
        path=f"{part.path}>{step}",
        modality=Modality.AUDIO,
        field=part.field,
        data=to_wav(*channels),
        parent=part.path,
        span=_seconds(start, end),
    )


def _cut(sound: AudioContent, speech: SpeechSegments) -> bytes:
    pcm = sound.channels[speech.channel]
    return pcm[2 * round(speech.start * RATE) : 2 * round(speech.end * RATE)]


def _gaps(codes: Sequence[str]) -> tuple[ExtractionGap, ...]:
    return tuple(map(ExtractionGap, codes))


def _pixels(box: Box) -> Span:
    return Span(SpanUnit.PIXELS, box=box)


def _seconds(start: float, end: float) -> Span:
    return Span(SpanUnit.SECONDS, round(start, 3), round(end, 3))
