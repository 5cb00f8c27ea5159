"""StopNCII.org, through the client of ``threatexchange``; accepts feedback on hashes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from threatexchange.exchanges.clients.stopncii import api

from seawall.match.exchange._package import explained, quiet, usable
from seawall.match.exchange.base import ExchangeDelta, ExchangeFeedback, ExchangeRecord, NotSupported
from seawall.match.exchange.config import ExchangeConfig

_NAME: Final = "StopNCII"
_KINDS: Final = {
    api.StopNCIISignalType.ImagePDQ: "image",
    api.StopNCIISignalType.VideoMD5: "digest",
    api.StopNCIISignalType.Text: "text",
}
_TAKEN_BACK: Final = (api.StopNCIICaseStatus.Withdrawn, api.StopNCIICaseStatus.Deleted)
_STALE_S: Final = 30 * 86_400  # withdrawals are listed this long; after that, fetch the whole list
_FEEDBACK: Final = {
    ExchangeFeedback.SEEN: api.StopNCIICSPFeedbackValue.PendingReview,
    ExchangeFeedback.TRUE_POSITIVE: api.StopNCIICSPFeedbackValue.Blocked,
    ExchangeFeedback.FALSE_POSITIVE: api.StopNCIICSPFeedbackValue.NotBlocked,
}


class _Checkpoint(msgspec.Struct, frozen=True):
    update_time: int
    fetched_at: int


class StopNcii:
    """Hashes that people made of their own images. A record's key is its type and hash."""

    def __init__(self, config: ExchangeConfig) -> None:
        quiet()
        settings = config.settings
        feedback_key = settings.get("feedback_key")
        self._client = api.StopNCIIAPI(
            settings["subscription_key"],
            settings["fetch_key"],
            additional_function_keys={api.StopNCIIEndpoint.SubmitFeedback: feedback_key} if feedback_key else None,
            base_url_override=settings.get("url"),
        )
        self.feedback = frozenset(_FEEDBACK) if feedback_key else frozenset[ExchangeFeedback]()

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """Records in their current state, by time of last change."""
        known = None if checkpoint is None else msgspec.json.decode(checkpoint, type=_Checkpoint)
        if known is not None and time.time() - known.fetched_at > _STALE_S:
            known = None
        start = api.StopNCIIAPI.DEFAULT_START_TIME if known is None else known.update_time
        with explained(_NAME):
            for page in self._client.fetch_hashes_iter(start_timestamp=start):
                made = _Checkpoint(page.nextSetTimestamp, int(time.time()))
                yield ExchangeDelta(
                    updates={f"{one.signalType.value} {one.hashValue}": _record(one) for one in page.hashRecords},
                    checkpoint=msgspec.json.encode(made).decode(),
                    restart=known is None,
                    progress_at=page.nextSetTimestamp * 1000,
                )

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """Send feedback on the hash: seen and under review, blocked, or not blocked."""
        if feedback not in self.feedback:
            raise NotSupported(f"{_NAME} only accepts feedback with a feedback_key")
        with explained(_NAME):
            self._client.submit_feedback(
                api.StopNCIISignalType(raw["signalType"]), raw["hashValue"], _FEEDBACK[feedback]
            )


def _record(record: api.StopNCIIHashRecord) -> ExchangeRecord | None:
    # the package's adapter compares the hash instead of the status, and so never removes withdrawn hashes
    if record.hashStatus in _TAKEN_BACK:
        return None
    kind = _KINDS.get(record.signalType)
    found = None if kind is None else usable(kind, record.hashValue)
    return ExchangeRecord(
        known=() if found is None else (found,),
        skipped=int(found is None),
        raw={
            "signalType": record.signalType.value,
            "hashValue": record.hashValue,
            "hashStatus": record.hashStatus.value,
            "cases": len(record.caseNumbers),
            "feedback": [
                {"source": one.source, "value": one.feedbackValue.value, "tags": sorted(one.tags)}
                for one in record.CSPFeedbacks
            ],
        },
    )
