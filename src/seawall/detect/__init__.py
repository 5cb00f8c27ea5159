"""Detectors, and the runner that calls them in batches within deadlines and budgets.

>>> from seawall.detect import Runner
>>> from seawall.detectors import default_detectors
>>> from seawall.model import Modality, Part
>>> part = Part(path="body", modality=Modality.TEXT, field="body", text="call me: +44 20 7946 0018")
>>> with Runner(default_detectors()) as runner:
...     findings = runner.start([part], wanted={"pii"}, deadline_ms=100).wait()
>>> [(signal.name, signal.value) for signal in findings.signals]
[('pii_count', 1), ('pii_contact', 1)]
"""

from seawall.detect.asks import Findings
from seawall.detect.deriving import Wishes
from seawall.detect.lane import LaneState, Limits
from seawall.detect.pending import Pending
from seawall.detect.remembered import Made, Memory
from seawall.detect.runner import Runner

__all__ = [
    "Findings",
    "LaneState",
    "Limits",
    "Made",
    "Memory",
    "Pending",
    "Runner",
    "Wishes",
]
