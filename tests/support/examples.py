"""How many examples a property-based test takes."""

from __future__ import annotations

from hypothesis import settings

_USUAL = 100  # what Hypothesis takes by default


def examples(usual: int) -> int:
    """``usual`` in a normal run, ten times as many in the nightly one: as many as the profile in force says."""
    return usual * settings().max_examples // _USUAL
