"""Settings of the server that the whole process does not need, each read from ``SEAWALL_<NAME>``."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from seawall.settings import PREFIX, Settings, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """``trusted_proxies``: addresses and networks whose ``X-Forwarded-For`` is believed; none by default.

    ``metrics_token``: the bearer token that ``/metrics`` asks for; by default it is open.
    """

    trusted_proxies: tuple[str, ...] = ()
    metrics_token: str | None = None


def proxies(settings: Settings) -> tuple[str, ...]:
    """The trusted proxies. Raises SettingsError for what is neither an address nor a network."""
    chosen = settings.section(ServerSettings).trusted_proxies
    for text in chosen:
        try:
            ip_network(text)
        except ValueError as error:
            raise SettingsError(
                f"SEAWALL_TRUSTED_PROXIES: {text!r} is neither an address nor a network ({error}); "
                "write for example 10.0.0.5, 10.0.0.0/24"
            ) from error
    return chosen


def metrics_token(settings: Settings) -> str | None:
    """The token of ``/metrics``; None when none is asked for. Raises SettingsError for one that is easily guessed."""
    token = settings.section(ServerSettings).metrics_token
    if token is None and f"{PREFIX}METRICS_TOKEN" not in settings.environment:
        return None
    token = token or ""  # set, but empty: a variable that was lost must not open the door
    if len(token.strip()) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise SettingsError(
            f"SEAWALL_METRICS_TOKEN: use at least {_SHORTEST_TOKEN} printable ASCII characters, "
            "for example of 'openssl rand -hex 24'"
        )
    return token


_SHORTEST_TOKEN = 16
