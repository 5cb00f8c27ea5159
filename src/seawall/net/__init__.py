"""Speaking to other hosts: what every outgoing connection shares.

- ``addresses``: which network addresses are public, and resolving a name to those that may be connected to
- ``client``: ``fetch`` and ``post`` for URLs that somebody else wrote, safe against private addresses
- ``tls``: the TLS context, and recognising a failure of TLS
- ``breaker``: a circuit breaker for each host, service or endpoint
- ``backoff``: how long to wait before a retry, and the header Retry-After

``client`` and ``tls`` import httpx, the others the standard library alone.
"""
