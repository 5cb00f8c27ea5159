"""TLS of outgoing connections."""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Created once, because loading root certificates takes 20 ms. ``SSL_CERT_FILE`` names an organisation's own."""
    return httpx.create_ssl_context()


def failed_on_tls(error: BaseException) -> bool:
    """Whether TLS is the cause of a failed connection: a certificate, a version, a name."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
