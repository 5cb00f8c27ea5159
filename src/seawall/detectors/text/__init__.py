"""Text detectors, and normalised views of a text that resist evasion.

>>> from seawall.content.normalise import normalise
>>> normalise("k 1 l l").text
'kill'
"""
