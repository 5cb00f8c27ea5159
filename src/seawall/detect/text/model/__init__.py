"""The text classifier that comes with Seawall: hate, harassment, sexism, spam and sexual content in English.

    >>> from seawall.detect.text.model import TextModel
    >>> model = TextModel()
    >>> [signal.name for signal in model.spec.signals]
    ['hate', 'harassment', 'sexism', 'spam', 'sexual']

A linear model per harm over hashed words, word pairs and character n-grams (``features``), read from text freed of
evasion (``seawall.detect.text.normalise``) in which names of groups of people are read as their class
(``identity``). Weights are data in this package (``artefact``), trained by ``seawall.learn``; what they are worth is
in ``docs/model-card-text.md`` and in ``data/card.json``.
"""

from seawall.detect.text.model.artefact import Artefact, ArtefactError, load
from seawall.detect.text.model.classifier import TextModel, read, shipped

__all__ = ["Artefact", "ArtefactError", "TextModel", "load", "read", "shipped"]
