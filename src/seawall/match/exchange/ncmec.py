"""NCMEC's hash sharing API, through the client of ``threatexchange``; feedback is sent as votes on fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from threatexchange.exchanges.clients.ncmec import hash_api as api
from threatexchange.exchanges.impl import ncmec_api as impl

from seawall.match.exchange._package import explained, quiet, usable
from seawall.match.exchange.base import ExchangeDelta, ExchangeFeedback, ExchangeRecord, NotSupported, SharedEntry
from seawall.match.exchange.config import ConfigError, ExchangeConfig

_NAME: Final = "NCMEC"
_KINDS: Final = {"md5": "digest", "sha1": "digest", "pdq": "image"}
_VOTED_ON: Final = ("pdq", "md5", "sha1", "pdna")  # votes go to the first of these that the entry has


def _client(user: str, password: str, environment: Any, url: str | None) -> Any:
    """The package's client, fixed to send dates in UTC, with an optional other URL."""
    client: Any = api.NCMECHashAPI(user, password, environment)
    if url:
        client._base_url = url.rstrip("/")

    def get_entries(*, start_timestamp: int = 0, end_timestamp: int = 0, next_: str = "") -> Any:
        # The package sends local time as UTC, and so misses entries east of Greenwich.
        params = {"from": _utc(start_timestamp), "to": _utc(end_timestamp)}
        response = client._get(api.NCMECEndpoint.entries, next_=next_, **params)
        return api.GetEntriesResponse.from_xml(api._XMLWrapper(response), end_timestamp)

    client.get_entries = get_entries
    return client


class Ncmec:
    """Entries of one environment. Each entry is an image or video of one member, with several fingerprints."""

    feedback = frozenset({ExchangeFeedback.TRUE_POSITIVE, ExchangeFeedback.FALSE_POSITIVE})

    def __init__(self, config: ExchangeConfig) -> None:
        """Raises ConfigError for an unknown environment."""
        quiet()
        settings = config.settings
        environment = next((one for one in api.NCMECEnvironment if one.name == settings["environment"]), None)
        if environment is None:
            known = ", ".join(one.name for one in api.NCMECEnvironment)
            raise ConfigError(f"exchange {config.name}: environment is one of {known}")
        self._client = _client(settings["user"], settings["password"], environment, settings.get("url"))
        self._members = frozenset(settings.get("only_members") or ())
        self._negative_reason: str | None = settings.get("negative_reason")
        collab = impl.NCMECCollabConfig(name=config.name, environment=environment)
        flow: Any = impl.NCMECSignalExchangeAPI(collab, settings["user"], settings["password"])
        flow.get_client = lambda environment: self._client  # the package's paging with our client
        self._api = flow

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """Deltas by time of change; within one time window, by pages of the API."""
        with explained(_NAME):
            for delta in self._api.fetch_iter([], _decode(checkpoint)):
                yield ExchangeDelta(
                    updates={key: self._record(entry) for key, entry in delta.updates.items()},
                    checkpoint=msgspec.json.encode(delta.checkpoint).decode(),
                    restart=checkpoint is None,
                    progress_at=delta.checkpoint.get_entries_max_ts * 1000,
                )

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """Vote the entry's fingerprint up or down."""
        if feedback not in self.feedback:
            raise NotSupported(f"{_NAME} only accepts votes")
        voted = next((name for name in _VOTED_ON if name in raw["fingerprints"]), None)
        if voted is None:
            raise NotSupported("the entry has no fingerprint that accepts votes")
        vote = api.FeedbackType.upvote if feedback is ExchangeFeedback.TRUE_POSITIVE else api.FeedbackType.downvote
        with explained(_NAME):
            self._client.submit_feedback(
                raw["member_id"],
                raw["id"],
                api.FingerprintType[voted],
                vote,
                self._negative_reason if vote is api.FeedbackType.downvote else None,
            )

    def _record(self, entry: api.NCMECEntryUpdate | None) -> ExchangeRecord | None:
        if entry is None or entry.deleted or (self._members and entry.member_id not in self._members):
            return None
        found = [_known(name, value) for name, value in entry.fingerprints.items()]
        known: Sequence[SharedEntry] = [one for one in found if one is not None]
        return ExchangeRecord(
            known=tuple(known),
            skipped=len(found) - len(known),
            raw={
                "id": entry.id,
                "member_id": entry.member_id,
                "entry_type": entry.entry_type.value,
                "classification": entry.classification,
                "fingerprints": dict(entry.fingerprints),
            },
        )


def _known(name: str, value: str) -> SharedEntry | None:
    kind = _KINDS.get(name)
    return None if kind is None else usable(kind, value)


def _decode(checkpoint: str | None) -> impl.NCMECCheckpoint | None:
    return None if checkpoint is None else msgspec.json.decode(checkpoint, type=impl.NCMECCheckpoint)


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
