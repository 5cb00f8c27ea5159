"""Detectors of abuse in titles and names of a catalogue: search-engine bait, messages in titles, impersonation.

>>> from seawall.detectors.names import TitleDetector
>>> from seawall.model import Modality, Part
>>> title = "sleep music, rain sounds, study, focus, lofi, chill, relax, spa, yoga, baby sleep"
>>> [answer] = TitleDetector().detect([Part(path="title", modality=Modality.TEXT, field="title", text=title)])
>>> [(signal.name, signal.value > 0.5) for signal in answer]
[('title_stuffing', True)]

They need no history: one item is enough. Rates (uploads per hour, title changes) are the task of counters.
"""

from seawall.detectors.names.impersonation import NameDetector
from seawall.detectors.names.messages import TitleMessageDetector
from seawall.detectors.names.titles import TitleDetector

__all__ = ["NameDetector", "TitleDetector", "TitleMessageDetector"]
