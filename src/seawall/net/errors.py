"""Why a request to another host has no usable answer."""

from __future__ import annotations


class FetchError(Exception):
    """A request that was refused or failed: a code, and a text with the remedy.

    ``bad_url``, ``not_public``, ``does_not_resolve``, ``connect``, ``connect_timeout``, ``tls``, ``protocol``,
    ``status``, ``too_many_redirects``, ``compressed``, ``too_many_bytes``, ``time_limit``.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
