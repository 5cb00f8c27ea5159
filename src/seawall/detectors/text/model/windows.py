"""Windows over long texts, so that a harmful sentence in a long description is not averaged out.

A text of up to ``LONGEST`` tokens is one window. A longer one is cut into overlapping windows, each scored like a short
text; the text's score is that of its worst window. Every token is in a window with at least ``OVERLAP`` / 2 tokens of
context, except at the ends.
"""

from __future__ import annotations

LONGEST = 64
SIZE = 32
OVERLAP = 12


def windows(tokens: int) -> list[tuple[int, int]]:
    """Slices ``[start, stop)`` over a text of that many tokens, in order; one, possibly empty, for a short text."""
    if tokens <= LONGEST:
        return [(0, tokens)]
    step = SIZE - OVERLAP
    starts = list(range(0, tokens - SIZE, step))
    return [*((start, start + SIZE) for start in starts), (tokens - SIZE, tokens)]
