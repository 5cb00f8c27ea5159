"""HTTP for programs: ``/v1``, with OpenAPI at ``/v1/openapi.json``.

asgi = build(app)          # an ASGI application; faces that serve people are mounted beside it
"""

from seawall.api.build import build

__all__ = ["build"]
