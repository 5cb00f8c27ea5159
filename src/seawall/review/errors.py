"""Exceptions raised by reviews."""

from __future__ import annotations


class ReviewError(Exception):
    """The review is not accepted; the message gives cause and remedy."""


class NoSuchCase(ReviewError):
    """No case has that id."""

    def __init__(self) -> None:
        super().__init__("There is no case with this id.")


class CaseTaken(ReviewError):
    """Another reviewer holds the case, or this reviewer's lease expired."""


class OwnDecision(ReviewError):
    """The person decided what is appealed: somebody else must answer."""

    def __init__(self) -> None:
        super().__init__("You decided what is appealed in this case. Another reviewer must answer the appeal.")


class CaseRestricted(ReviewError):
    """The case is of child safety, and this person is no specialist for it."""

    def __init__(self) -> None:
        super().__init__(
            "This case is about the safety of children: only people with the role child_safety see it. "
            "Ask an administrator if that is your work."
        )


class CannotAssign(ReviewError):
    """The case cannot be given to this person, or there is no such assignment."""


class CaseMoved(ReviewError):
    """The case is already closed, or the item changed since the reviewer opened it."""


class CannotUndo(ReviewError):
    """The review cannot be taken back any more, or not by this person."""


class BadAnswer(ReviewError):
    """The answer is incomplete or not allowed."""
