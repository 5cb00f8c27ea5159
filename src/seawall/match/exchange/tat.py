"""Tech Against Terrorism's hash list, through the client of ``threatexchange``. It accepts no feedback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from threatexchange.exchanges.clients.techagainstterrorism import api

from seawall.match.exchange._package import explained, quiet, usable
from seawall.match.exchange.base import ExchangeDelta, ExchangeFeedback, ExchangeRecord, NotSupported
from seawall.match.exchange.config import ExchangeConfig

_NAME: Final = "Tech Against Terrorism"
_KINDS: Final = {"PDQ": "image", "MD5": "digest", "SHA1": "digest", "SHA256": "digest"}


class TechAgainstTerrorism:
    """Hashes of terrorist content. A record's key is its algorithm and digest."""

    feedback: frozenset[ExchangeFeedback] = frozenset()

    def __init__(self, config: ExchangeConfig) -> None:
        quiet()
        client: Any = api.TATHashListAPI(config.settings["user"], config.settings["password"])
        if url := config.settings.get("url"):
            client.BASE_URL = url.rstrip("/") + "/"
        self._client = client

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """Entries in order of change."""
        reached = checkpoint or ""
        with explained(_NAME):
            for page in self._client.fetch_hashes_iter(reached):
                reached = page.checkpoint or reached
                yield ExchangeDelta(
                    updates={f"{one.algorithm} {one.hash_digest}": _record(one) for one in page.results},
                    checkpoint=reached or None,
                    restart=checkpoint is None,
                    progress_at=int(float(reached.partition(",")[0]) * 1000) if reached else None,
                )

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """Not supported. Raises NotSupported."""
        raise NotSupported(f"{_NAME} accepts no feedback")


def _record(entry: api.TATHashListEntry) -> ExchangeRecord | None:
    if entry.deleted:
        return None
    kind = _KINDS.get(entry.algorithm)
    found = None if kind is None else usable(kind, entry.hash_digest)
    return ExchangeRecord(
        known=() if found is None else (found,),
        skipped=int(found is None),
        raw={
            "id": entry.id,
            "algorithm": entry.algorithm,
            "hash_digest": entry.hash_digest,
            "ideology": str(entry.ideology),
            "file_type": entry.file_type,
        },
    )
