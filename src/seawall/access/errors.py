"""Exceptions raised by authentication and authorization."""

from __future__ import annotations


class AccessError(Exception):
    """A person, session or key could not be created or used; the message gives cause and remedy."""


class SignInFailed(AccessError):
    """Wrong email or password. The message never says which of them."""

    def __init__(self) -> None:
        super().__init__("The email or the password is incorrect.")


class PasswordLinkEnded(AccessError):
    """A link to choose a password that is unknown, used, replaced, or too old. The message never says which."""

    def __init__(self) -> None:
        super().__init__("This link was used already, or has ended. Ask an administrator for a new one.")


class SignInThrottled(AccessError):
    """Too many failed attempts; ``retry_after_s``: seconds until the next one is allowed."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        minutes = max(1, round(retry_after_s / 60))
        super().__init__(f"Too many attempts. Try again in {minutes} min.")


class SignInBusy(AccessError):
    """Too many passwords are being checked; this one was not."""

    retry_after_s = 5.0

    def __init__(self) -> None:
        super().__init__("Too many people are signing in. Try again in a few seconds.")
