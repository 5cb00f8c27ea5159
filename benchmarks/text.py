"""Texts per CPU-second and milliseconds for one: the n-gram model, the encoder, and both as they are served.

    ./run bench text

One process, one thread; CPU time of the process, best and median of several windows. The texts are sentences of our own
(short: median about nine words), and the same sentences joined to the length of a long post. Encoder windows run one
by one, whatever the batch: see ``seawall.detectors.text.model.encoder``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seawall.detectors.text.model import TextModel, read
from seawall.detectors.text.model.artefact import ENCODER
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.encoder_input import encoder_text
from seawall.detectors.text.model.linear import Linear
from seawall.learn.augment import sentences
from seawall.model import Modality, Part

WINDOWS = 5  # measurements of each figure
BATCH = 512


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
    print(json.dumps({"model": model.spec.version, "figures": figures}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
