"""What goes wrong when people review."""

from __future__ import annotations


class ReviewError(Exception):
    """The review cannot be taken; the message says why and what to do."""


class NoSuchCase(ReviewError):
    """There is no case with that id."""

    def __init__(self) -> None:
        super().__init__("There is no such case.")


class CaseTaken(ReviewError):
    """Another reviewer holds the case, or this one's hold ran out."""


class CaseMoved(ReviewError):
    """The case is closed already, or the item changed since the reviewer saw it."""


class BadAnswer(ReviewError):
    """The answer itself is not complete or not allowed."""
