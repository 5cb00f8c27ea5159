"""The order in which cases are worked: by the harm to be expected until somebody looks. Pure: no database, no clock."""

from __future__ import annotations

from math import log2
from typing import Final

from seawall.model import HARMS

UNKNOWN_SEVERITY: Final = 3
"""Severity of a case whose harm nobody has named: in the middle, neither first nor last."""

DOUBLING_MS: Final = 24 * 60 * 60 * 1000
"""Waiting this long doubles the expected harm, so that no case waits for ever: after ten days even a nuisance of
probability 0.1 comes before a new and certain case of the greatest severity. With 8 hours the order comes near to first
in first out when there are too few reviewers (``./run bench queue_order``)."""

_PER_SEVERITY: Final = 3.0  # a step of severity weighs as much as three times the probability
_WITHHELD: Final = 0.5  # of what nobody can see the author suffers at most, if it is fine
_LEAST: Final = 0.001  # so that a probability of 0 still has a place in the order


def severity_of(harm: str | None) -> int:
    """The severity of a harm, 1 to 5; of an unknown one, the middle."""
    return HARMS[harm].severity if harm in HARMS else UNKNOWN_SEVERITY


def expected_harm(severity: int, probability: float) -> float:
    """Severity x probability."""
    return float(_PER_SEVERITY ** (severity - 1) * max(probability, _LEAST))


def urgency(severity: int, probability: float, reports: int, *, visible: bool, opened_at: int) -> float:
    """The place of a case in the order; higher is sooner.

    The expected harm is *severity x probability x reach x age*:

    - severity 1 to 5 weighs ``3 ** (severity - 1)``;
    - probability is the priority that the rule gave, which rules take from a calibrated signal
      (``review(queue="hate", priority=hate)``), or that of the kind of reporter;
    - reach is 1 + the number of people who reported it; half of that while it is withheld from visitors;
    - age doubles it every day: ``2 ** (waiting time / 24 h)``.

    Of this the logarithm to base 2 is taken, less what the present time adds to all cases alike. What remains does not
    change while a case waits, so that it can be stored, and an index has the order at any time:

        log2(3 ** (severity - 1) x probability x reach) - opened_at / 24 h
    """
    reach = (1 + reports) * (1 if visible else _WITHHELD)
    return round(log2(expected_harm(severity, probability) * reach) - opened_at / DOUBLING_MS, 6)
