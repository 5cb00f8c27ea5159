"""Texts per CPU-second and milliseconds for one: the n-gram model, the encoder, and both as they are served.

    ./run bench text

One process, one thread; CPU time of the process, best and median of several windows. The texts are sentences of our own
(short: median about nine words), and the same sentences joined to the length of a long post. Encoder windows run one
by one, whatever the batch: see ``seawall.detectors.text.model.encoder``. Then, language by language, all detectors of
harms together, as a screening asks them, and their cost beside that of English in the same run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from seawall.detectors.text.model import TextModel, read
from seawall.detectors.text.model.artefact import ENCODER
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.encoder_input import encoder_text
from seawall.detectors.text.model.linear import Linear
from seawall.detectors.text.model.multilingual import LanguageDetector, MultilingualModel, language_detectors
from seawall.learn.augment import sentences
from seawall.learn.sentences_by_language import sentences_by_language
from seawall.model import Modality, Part

WINDOWS = 5  # measurements of each figure
BATCH = 512
BATCH_OF_LANGUAGE = 200


@dataclass(frozen=True)
class Subject:
    """Something that reads texts."""

    name: str
    run: Callable[[Sequence[str]], object]


def subjects(model: TextModel) -> list[Subject]:
    """The two models alone, and the detector with evidence."""
    linear = Linear(model.artefact)
    found = [Subject("n-gram model", lambda texts: linear.judge([read(text) for text in texts]))]
    if model.artefact.encoder is not None:
        encoder = OnnxEncoder(model.folder / ENCODER, model.artefact.encoder)
        found.append(
            Subject(
                "encoder", lambda texts: encoder.run([w for text in texts for w in encoder.cut(encoder_text(text))])
            )
        )

    def detect(texts: Sequence[str]) -> object:
        return model.detect(
            [Part(path="body", modality=Modality.TEXT, field="body", language="en", text=text) for text in texts]
        )

    return [*found, Subject("as served (detect)", detect)]


def per_second(subject: Subject, texts: Sequence[str]) -> tuple[float, float]:
    """Texts per CPU-second in one batch: best and median window."""
    rates = []
    for _ in range(WINDOWS):
        started = time.process_time()
        subject.run(texts)
        rates.append(len(texts) / (time.process_time() - started))
    return max(rates), statistics.median(rates)


def alone_ms(subject: Subject, texts: Sequence[str]) -> tuple[float, float]:
    """CPU milliseconds of one text by itself: median and 95th percentile."""
    spent = []
    for text in texts:
        started = time.process_time()
        subject.run([text])
        spent.append((time.process_time() - started) * 1000)
    middle, high = np.quantile(spent, (0.5, 0.95))
    return float(middle), float(high)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and one line of JSON."""
    del arguments
    model = TextModel()
    model.start()
    short = [example.text for example in sentences(1, rounds=60)][:BATCH]
    long = [" ".join(short[at : at + 12]) for at in range(0, len(short) - 12, 12)]
    figures: dict[str, dict[str, float]] = {}
    for kind, texts in (("short", short), ("long", long)):
        words = statistics.median(len(text.split()) for text in texts)
        print(f"\n{len(texts)} {kind} texts, median {words:.0f} words, one core")
        print(f"  {'':<20} {'texts/s, best':>14} {'median':>8} {'alone ms':>9} {'p95':>7} {'of n-gram':>10}")
        first = 0.0
        for subject in subjects(model):
            subject.run(texts[:8])
            best, middle = per_second(subject, texts)
            one, high = alone_ms(subject, texts[:200])
            first = first or best
            print(f"  {subject.name:<20} {best:>14,.0f} {middle:>8,.0f} {one:>9.2f} {high:>7.2f} {best / first:>9.1%}")
            figures[f"{kind}: {subject.name}"] = {
                "per_cpu_s_best": round(best),
                "per_cpu_s_median": round(middle),
                "alone_ms_p50": round(one, 3),
                "alone_ms_p95": round(high, 3),
                "of_ngram": round(best / first, 4),
            }
    languages = by_language(model, short)
    print(json.dumps({"model": model.spec.version, "figures": figures, "languages": languages}))
    return 0


def by_language(model: TextModel, english: Sequence[str]) -> dict[str, dict[str, float]]:
    """Texts per CPU-second by language: sentences of our own, every second one with a harm, so with evidence."""
    readers: dict[str, list[TextModel | LanguageDetector]] = {"en": [model]}
    for one in language_detectors(MultilingualModel()):
        for language in sorted(one.spec.languages or ()):
            readers.setdefault(language, []).append(one)
    texts: dict[str, list[str]] = {"en": list(english)}
    for each in sentences_by_language(1):
        texts.setdefault(each.language, []).append(each.text)
    print(f"\nby language, {BATCH_OF_LANGUAGE} short texts each, all detectors of harms that read it")
    print(f"  {'':<4} {'characters':>10} {'texts/s':>8} {'ms':>6} {'of English':>11}")
    figures: dict[str, dict[str, float]] = {}
    for language in [each for each in readers if each in texts]:
        chosen = texts[language][:: max(1, len(texts[language]) // BATCH_OF_LANGUAGE)][:BATCH_OF_LANGUAGE]
        rate, _ = per_second(Subject(language, partial(_ask, readers[language], language)), chosen)
        figures[language] = {"per_cpu_s": round(rate), "ms": round(1000 / rate, 3)}
        ratio = figures[language]["of_english_cost"] = round(figures["en"]["per_cpu_s"] / rate, 3)
        length = statistics.median(map(len, chosen))
        print(f"  {language:<4} {length:>10.0f} {rate:>8,.0f} {1000 / rate:>6.2f} {ratio:>10.2f}x")
    return figures


def _ask(detectors: Sequence[TextModel | LanguageDetector], language: str, texts: Sequence[str]) -> object:
    parts = [Part(path="b", modality=Modality.TEXT, field="b", language=language, text=text) for text in texts]
    return [detector.detect(parts) for detector in detectors]


if __name__ == "__main__":
    raise SystemExit(main())
