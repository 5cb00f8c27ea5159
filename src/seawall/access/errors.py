"""What goes wrong at the gate."""

from __future__ import annotations


class AccessError(Exception):
    """A person, session or key could not be made or used; the message says why and what to do."""


class SignInFailed(AccessError):
    """Email and password do not fit. The message is the same whatever was wrong."""

    def __init__(self) -> None:
        super().__init__("That email and password do not fit together.")


class SignInThrottled(AccessError):
    """Too many failures; ``retry_after_s`` says for how long the door stays closed."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        minutes = max(1, round(retry_after_s / 60))
        super().__init__(f"Too many attempts. Try again in {minutes} min.")
