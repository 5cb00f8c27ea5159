"""The HTTP API under ``/v1``; its OpenAPI document is at ``/v1/openapi.json``.

asgi = build(app)          # an ASGI application; the console is mounted beside it
"""

from seawall.api.build import build

__all__ = ["build"]
