"""Detectors, and the runner that gives them batches, deadlines and budgets.

    >>> from seawall.detect import Runner, default_detectors
    >>> from seawall.model import Modality, Part
    >>> runner = Runner(default_detectors())
    >>> part = Part(path="body", modality=Modality.TEXT, field="body", text="call me: +44 20 7946 0018")
    >>> findings = runner.start([part], wanted={"pii"}, deadline_ms=100).wait()
    >>> [signal.name for signal in findings.signals]
    ['pii_count', 'pii_contact']
    >>> runner.close()
"""

from seawall.detect.lane import LaneState, Limits
from seawall.detect.pending import Findings, Pending
from seawall.detect.runner import Runner

__all__ = ["Findings", "LaneState", "Limits", "Pending", "Runner"]
