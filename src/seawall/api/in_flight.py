"""Limit on the bytes of large requests in progress in this process, bodies and fetched media together."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from seawall.api.errors import ApiProblem


class InFlight:
    """The bytes of all requests in progress. Event loop only: takes no lock."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self) -> HeldBytes:
        """Context manager for the bytes of one request; releases them at its end."""
        return HeldBytes(self)


class HeldBytes:
    """Bytes held by one request. Exceeding the limit is refused while other requests hold any."""

    __slots__ = ("_total", "size")

    def __init__(self, total: InFlight) -> None:
        self._total = total
        self.size = 0

    def add(self, size: int) -> None:
        """Hold ``size`` more bytes. Raises Problem 503."""
        self.refuse_if_full(size)
        self.size += size
        self._total.held += size

    def refuse_if_full(self, size: int) -> None:
        """Raises Problem 503 when ``size`` more bytes would be too many; holds nothing."""
        total = self._total
        if total.held > self.size and total.held + size > total.limit:
            raise ApiProblem(
                status=503,
                title="Too much media at once",
                detail="Other large requests are being screened; this one was not taken.",
                remedy="Nothing was recorded. Send the request again, with the same idempotency key.",
                retry_after_s=1,
            )

    def raise_to(self, size: int) -> None:
        """Hold at least ``size`` bytes. Raises Problem 503."""
        if size > self.size:
            self.add(size - self.size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._total.held -= self.size
        self.size = 0
