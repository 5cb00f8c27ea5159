"""Common parts of all outgoing connections to other hosts.

- ``addresses``: checks whether a network address is public, and resolves names to permitted addresses
- ``client``: ``fetch`` and ``post`` for untrusted URLs, safe against private addresses (SSRF)
- ``tls``: the TLS context, and detection of TLS failures
- ``breaker``: a circuit breaker for each host, service or endpoint
- ``backoff``: delay before a retry, and the header Retry-After

``client`` and ``tls`` import httpx, the others only the standard library.
"""
