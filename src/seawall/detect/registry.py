"""The detectors that come with Seawall: an explicit list."""

from __future__ import annotations

from pathlib import Path

from seawall.detect.bank import BankDetector
from seawall.detect.image import ImageDetector
from seawall.detect.links import LinkDetector
from seawall.detect.pii import PersonalDataDetector
from seawall.detect.text.lexicon import LexiconDetector
from seawall.model.signals import Detector


def default_detectors(banks: BankDetector | None = None, text_model_dir: Path | None = None) -> tuple[Detector, ...]:
    """Every detector that works offline on day one.

    ``banks`` is kept by whoever fills it: ``banks.replace(matcher)`` changes texts, links and pictures at once.
    ``text_model_dir`` holds weights to use instead of the shipped ones.
    """
    from seawall.detect.text.model import TextModel  # here: so that the inline detectors do without its numbers

    banks = banks or BankDetector()
    return (
        LexiconDetector(),
        LinkDetector(),
        PersonalDataDetector(),
        banks,
        TextModel(text_model_dir),
        ImageDetector(banks),
    )
