"""Meta's ThreatExchange (which also serves GIFCT's list), through the client of ``threatexchange``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from threatexchange.exchanges.clients.fb_threatexchange.api import ThreatExchangeAPI, is_valid_app_token
from threatexchange.exchanges.clients.fb_threatexchange.threat_updates import ThreatUpdateJSON
from threatexchange.exchanges.impl.fb_threatexchange_api import FBThreatExchangeIndicatorRecord as Indicator

from seawall.match.exchange._package import TIMEOUT_S, explained, quiet, usable
from seawall.match.exchange.base import ExchangeDelta, ExchangeError, ExchangeFeedback, ExchangeRecord, NotSupported
from seawall.match.exchange.config import ConfigError, ExchangeConfig

_NAME: Final = "ThreatExchange"
_PAGE: Final = 500
_STALE_S: Final = 85 * 86_400  # deletions are listed for 90 days; after that, fetch the whole list
_KINDS: Final = {
    "HASH_PDQ": "image",
    "HASH_MD5": "digest",
    "HASH_SHA1": "digest",
    "HASH_SHA256": "digest",
    "HASH_VIDEO_MD5": "digest",
    "HASH_VIDEO_SHA256": "digest",
    "TEXT_STRING": "text",
    "DOMAIN": "domain",
}
_REACTIONS: Final = {
    ExchangeFeedback.SEEN: "SAW_THIS_TOO",
    ExchangeFeedback.TRUE_POSITIVE: "HELPFUL",
    ExchangeFeedback.FALSE_POSITIVE: "DISAGREE_WITH_TAGS",
}


class _Checkpoint(msgspec.Struct, frozen=True):
    update_time: int
    fetched_at: int


def _client(token: str, url: str | None) -> Any:
    """The package's client, with the timeout that it lacks."""
    client: Any = ThreatExchangeAPI(token, endpoint_override=url)

    def get_json_from_url(address: str, params: Any = None, *, json_obj_hook: Any = None) -> Any:
        with client._get_session() as session:
            response = session.get(address, params=params or {}, timeout=TIMEOUT_S)
            response.raise_for_status()
            return response.json(object_hook=json_obj_hook)

    client.get_json_from_url = get_json_from_url
    return client


class ThreatExchange:
    """The updates of one privacy group. A record's key is its type and indicator."""

    feedback = frozenset(_REACTIONS)

    def __init__(self, config: ExchangeConfig) -> None:
        """Raises ConfigError when the token or the group is malformed."""
        quiet()
        token, group = config.settings["token"], config.settings["privacy_group"]
        if not is_valid_app_token(token):
            raise ConfigError(f"exchange {config.name}: token is no app token of the form 12345678|secret")
        if not isinstance(group, int):
            raise ConfigError(f"exchange {config.name}: privacy_group is a number")
        self._group = group
        self._client = _client(token, config.settings.get("url"))

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """Updates in order of time."""
        known = None if checkpoint is None else msgspec.json.decode(checkpoint, type=_Checkpoint)
        if known is not None and time.time() - known.fetched_at > _STALE_S:
            known = None
        reached = 0 if known is None else known.update_time
        with explained(_NAME):
            pages = self._client.get_threat_updates(
                self._group,
                start_time=None if known is None else reached,
                page_size=_PAGE,
                fields=Indicator.te_threat_updates_fields(),
                decode_fn=ThreatUpdateJSON,
            )
            for page in pages:
                reached = max([reached, *(update.time for update in page)])
                made = _Checkpoint(reached, int(time.time()))
                yield ExchangeDelta(
                    updates={f"{one.threat_type} {one.indicator}": self._record(one) for one in page},
                    checkpoint=msgspec.json.encode(made).decode(),
                    restart=known is None,
                    progress_at=reached * 1000 or None,
                )

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """React to every descriptor of the indicator, except those of this app."""
        descriptors = [
            one["id"]
            for one in raw.get("descriptors", {}).get("data", [])
            if str(one.get("owner", {}).get("id")) != str(self._client.app_id)
        ]
        if not descriptors:
            raise NotSupported("the indicator has no other app's descriptor to react to")
        with explained(_NAME):
            for descriptor in descriptors:
                if not str(descriptor).isdigit():
                    raise ExchangeError(f"{_NAME} sent a descriptor id that is not a number")
                self._react(str(descriptor), _REACTIONS[feedback])

    def _react(self, descriptor: str, reaction: str) -> None:
        """Replaces the package's method, which puts the token into the URL and ignores error responses."""
        with self._client._get_session() as session:
            data = {"access_token": self._client.api_token, "reactions": reaction}
            address = f"{self._client._base_url}/{descriptor}"
            session.post(address, data=data, timeout=TIMEOUT_S).raise_for_status()

    def _record(self, update: ThreatUpdateJSON) -> ExchangeRecord | None:
        """The record, or None when it was deleted or everyone marked it harmless."""
        indicator = Indicator.from_threatexchange_json(self._client.app_id, update)
        if indicator is None or all(one.category.name == "NEGATIVE_CLASS" for one in indicator.opinions):
            return None
        kind = _KINDS.get(update.threat_type)
        found = None if kind is None else usable(kind, update.indicator)
        return ExchangeRecord(known=() if found is None else (found,), skipped=int(found is None), raw=update.raw_json)
