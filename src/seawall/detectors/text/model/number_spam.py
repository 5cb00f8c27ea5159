"""Numbers by themselves are no spam, though the texts that the spam model learnt from say so.

Every second spam message of the training data has a telephone number and hardly a harmless one has; so the model takes
an order number for a sign of spam. Where the words without their numbers are less likely spam than not, only the
numbers spoke for it, and the words decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"(?<![^\W_])[+#]?\(?\d[\d .,/()-]{2,40}\d(?![^\W_])")
_DOUBTFUL: Final = 0.5
_Judge = Callable[[Sequence[str]], NDArray[np.float64]]


def settle_numbers(texts: Sequence[str], spam: NDArray[np.float64], judge: _Judge) -> None:
    """Lower ``spam`` (one probability per text) in place where numbers alone make it; ``judge`` gives it for texts."""
    asked = [n for n, text in enumerate(texts) if spam[n] >= _DOUBTFUL and _NUMBER.search(text)]
    if asked:
        wordings = judge([_NUMBER.sub("", texts[n]) for n in asked])
        for n, wording in zip(asked, wordings, strict=True):
            if wording < _DOUBTFUL:
                spam[n] = min(spam[n], wording)
