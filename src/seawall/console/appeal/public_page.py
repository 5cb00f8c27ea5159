"""What the pages for strangers share: they need no script, and the product's own pages may show them in a frame."""

from __future__ import annotations

from starlette.responses import Response

from seawall.access import FormThrottle
from seawall.appeal import AppealSettings
from seawall.console.request import PageRequest
from seawall.console.templates import render


def public_page(request: PageRequest, template: str, *, status: int = 200, **context: object) -> Response:
    """A page that the pages of the settings' origins may show in a frame, and that no search engine keeps."""
    response = render(request, template, status=status, **context)
    frames = request.app.context.get(AppealSettings).report_form_frames
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {' '.join(frames) or chr(39) + 'none' + chr(39)}"
    )
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def wait_of(request: PageRequest, form: str) -> float:
    """Count one form that this address sends; 0: take it, else the seconds to wait."""
    settings = request.app.context.get(AppealSettings)
    throttle = FormThrottle(
        request.app.database,
        form,
        per_address=settings.report_form_per_address,
        total=settings.report_form_total,
    )
    return throttle.take(request.http.client.host if request.http.client else "")
