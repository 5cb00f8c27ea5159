"""The detectors that come with Seawall: text, image, audio, video, names, personal data, links, banks.

>>> from seawall.detectors import default_detectors
>>> [detector.spec.name for detector in default_detectors()][:3]
['lexicon', 'links', 'pii']
"""

from seawall.detectors.registry import default_detectors, default_extractors

__all__ = ["default_detectors", "default_extractors"]
