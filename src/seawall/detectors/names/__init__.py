"""Abuse of a catalogue's titles and names: what search engines are baited with, what playlists say, who is imitated.

>>> from seawall.detectors.names import TitleDetector
>>> from seawall.model import Modality, Part
>>> title = "sleep music, rain sounds, study, focus, lofi, chill, relax, spa, yoga, baby sleep"
>>> [answer] = TitleDetector().detect([Part(path="title", modality=Modality.TEXT, field="title", text=title)])
>>> [(signal.name, signal.value > 0.5) for signal in answer]
[('title_stuffing', True)]

They need no history: one item is enough. What needs counting (how many uploads an hour, how often a title changed)
belongs to counters.
"""

from seawall.detectors.names.impersonation import NameDetector
from seawall.detectors.names.messages import TitleMessageDetector
from seawall.detectors.names.titles import TitleDetector

__all__ = ["NameDetector", "TitleDetector", "TitleMessageDetector"]
