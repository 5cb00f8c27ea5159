"""Scheduler that calls detectors in batches within deadlines and budgets.

>>> from seawall.detect import Runner
>>> from seawall.detectors import default_detectors
>>> from seawall.model import Modality, Part
>>> part = Part(path="body", modality=Modality.TEXT, field="body", text="call me: +44 20 7946 0018")
>>> with Runner(default_detectors()) as runner:
...     findings = runner.start([part], wanted={"pii"}, deadline_ms=100).wait()
>>> [(signal.name, signal.value) for signal in findings.signals]
[('pii_count', 1), ('pii_contact', 1)]
"""

from seawall.detect.detector_queue import QueueLimits, QueueState
from seawall.detect.detector_run import DetectorRun
from seawall.detect.extraction import ExtractorsByField
from seawall.detect.extraction_cache import CachedExtraction, ExtractionCache
from seawall.detect.findings import Findings
from seawall.detect.scheduler import Runner

__all__ = [
    "CachedExtraction",
    "DetectorRun",
    "ExtractionCache",
    "ExtractorsByField",
    "Findings",
    "QueueLimits",
    "QueueState",
    "Runner",
]
