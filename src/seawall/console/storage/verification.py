"""Verification of the whole ledger in the background, one at a time in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import structlog

from seawall.model import now_ms
from seawall.storage import Ledger, StorageError, Verification

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationState:
    """The last verification: how far it is, and its result or error once it has ended."""

    started_at: int
    done: int = 0  # events checked so far
    total: int = 0
    ended_at: int | None = None
    result: Verification | None = None
    error: str = ""


class LedgerVerifier:
    """Runs verifications in a thread of its own: reading every event takes minutes, and requests do not wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: VerificationState | None = None

    @property
    def state(self) -> VerificationState | None:
        """The running or last verification; None when there was none."""
        return self._state

    def start(self, ledger: Ledger) -> None:
        """Begin to verify; no effect while one is running."""
        with self._lock:
            if self._state is not None and self._state.ended_at is None:
                return
            self._state = VerificationState(started_at=now_ms())
        threading.Thread(target=self._run, args=(ledger,), name="seawall-verify", daemon=True).start()

    def _run(self, ledger: Ledger) -> None:
        try:
            self._change(result=ledger.verify(progress=self._progress))
        except StorageError as error:
            self._change(error=str(error))
        except Exception:
            _log.exception("the verification of the ledger failed")
            self._change(error="The verification failed; the error was logged.")
        finally:
            self._change(ended_at=now_ms())

    def _progress(self, done: int, total: int) -> None:
        self._change(done=done, total=total)

    def _change(self, **values: object) -> None:
        assert self._state is not None, "started"
        self._state = replace(self._state, **values)  # type: ignore[arg-type]
