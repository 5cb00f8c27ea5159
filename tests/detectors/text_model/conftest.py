import numpy as np
import pytest

from seawall.detectors.text.model import TextModel, artefact
from seawall.detectors.text.model.artefact import LinearHead, quantise_idf, quantise_weights
from seawall.detectors.text.model.features import BUCKETS, occurrences
from seawall.measure import Platt
from seawall.model import OperatingPoint


def bucket_of(word):
    """The bucket of a single word: the one that a text of this word has below the characters' half."""
    found = occurrences([[word]])
    return int(found.bucket[0])


@pytest.fixture
def tiny(tmp_path):
    """A model of two heads, each of which knows one word: "grue" is hate, "zorb" is spam."""
    idf = quantise_idf(np.ones(BUCKETS, dtype=np.float32))
    point = OperatingPoint(threshold=0.5, fpr=0.01, fpr_upper=0.02, recall=0.8, recall_lower=0.7)
    heads = []
    for name, word in (("hate", "grue"), ("spam", "zorb")):
        weights = np.zeros(BUCKETS)
        weights[bucket_of(word)] = 20.0
        small, scale = quantise_weights(weights)
        heads.append(LinearHead(name, small, scale, -3.0, Platt(1.0, 0.0), (point,)))
    artefact.save(tmp_path, idf, tuple(heads), {"heads": ["hate", "spam"], "title": "tiny"})
    return TextModel(tmp_path)
