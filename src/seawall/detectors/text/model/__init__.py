"""The shipped text classifier: hate, harassment, sexism, spam, sexual content and toxicity in English.

    >>> from seawall.detectors.text.model import TextModel
    >>> model = TextModel()
    >>> [signal.name for signal in model.spec.signals]
    ['hate', 'harassment', 'sexism', 'spam', 'sexual', 'toxic']
    >>> model.embed(["what is this about?"]).shape  # for comparing texts
    (1, 384)

The probabilities of two models are averaged, both on text freed of evasion (``seawall.content.normalise``): a
linear model per harm over hashed words, word pairs and character n-grams (``linear``, ``features``), in which names of
groups of people are replaced by their class (``identity``), and a small transformer (``encoder``), loaded by
onnxruntime at first use. Weights are data in this package (``artefact``), trained by ``seawall.learn``; their
performance is in ``docs/model-card-text.md`` and in ``data/card.json``.
"""

from seawall.detectors.text.model.artefact import Artefact, ArtefactError, load
from seawall.detectors.text.model.classifier import TextModel, shipped
from seawall.detectors.text.model.linear import read

__all__ = ["Artefact", "ArtefactError", "TextModel", "load", "read", "shipped"]
