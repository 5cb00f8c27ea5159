"""Routes of the publishing service: configure and fill banks; match texts, links, hashes and files."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar

from fastapi import APIRouter, Body, Depends, Query
from pydantic import ConfigDict, FailFast, Field
from starlette.concurrency import run_in_threadpool

from seawall import publish
from seawall.access import KeyInfo, Keys, Scope
from seawall.api.backtest import add_backtest
from seawall.api.child_safety import hidden_items
from seawall.api.common import KNOWN_ONLY, Code, Limit, Text, key, not_found, routes_under_v1
from seawall.api.errors import ApiProblem
from seawall.api.requests import body_limit
from seawall.app import BANKS, App
from seawall.content.values import MAX_TEXT
from seawall.match import Hit
from seawall.model import Modality, Part, Unknown
from seawall.publish import BankError, BankSettings, Entry, Lookup, Match, MeaningFigures, NewEntry, NoSuchEntry
from seawall.publish.queries import BankState, bank_state, items_made_into, withhold

Why = Annotated[str, Query(pattern=r"^([a-z][a-z0-9_-]{0,63})?$", description="A code such as wrong_match")]

Whole = Annotated[int, Field(strict=True)]  # no "5", no true


@dataclass(frozen=True, slots=True, kw_only=True)
class BankRequest:
    """The complete settings of a bank; they replace the former ones. See ``docs/banks.md``."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    title: str = ""
    role: str = "block"
    thresholds: dict[str, Whole] = field(default_factory=dict)
    owner: str = ""
    harm: str | None = None
    expires_after_days: Whole | None = None
    flood_limit: Whole | None = None
    on_erasure: str = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRequest:
    """An entry to add; ``docs/banks.md`` says what ``value`` and ``threshold`` are by kind.

    ``source``: a code for its origin. ``expires``: milliseconds since 1970. ``note``: free text, sealed in the vault.
    ``content_type`` and ``item_id``: the screened item that it was made from; ``account``: who wrote that, by default
    the account of the item.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    kind: str
    value: str
    source: str
    expires: Whole | None = None
    threshold: Whole | None = None
    note: str = ""
    content_type: str = ""
    item_id: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesRequest:
    """Entries to add to a bank; all are added or none."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    entries: Annotated[tuple[EntryRequest, ...], FailFast()]  # of a million wrong ones, the first is told


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesResponse:
    """Ids of the entries, in order; one that was there already keeps its id."""

    entries: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeaningResponse:
    """What a bank's examples match; null: it holds none, or there are no harmless sentences to compare them with."""

    figures: MeaningFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRequest:
    """Why an entry is suspended or restored: a code such as ``wrong_match``."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HashRequest:
    """A hash made by an enabled hasher: the hasher's name, and the hash in hexadecimal."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRequest:
    """What to look up; exactly one of these. Files are base64; hashes and digests hexadecimal."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    text: str | None = None
    link: str | None = None
    pdq: str | None = None
    digest: str | None = None
    hash: HashRequest | None = None
    image: str | None = None
    audio: str | None = None
    video: str | None = None


_BANK_MEMBERS = tuple(one.name for one in fields(BankRequest))
_ENTRY_MEMBERS = tuple(one.name for one in fields(EntryRequest))
_MATCH_MEMBERS = tuple(one.name for one in fields(MatchRequest))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchResponse:
    """Matches, the banks' revision, and what could not be looked up (then the answer is not complete)."""

    matches: list[Match]
    revision: int
    unknown: list[Unknown]


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys, tag="banks")
    bank_key = key(keys, Scope.BANK)

    add_backtest(routes, app, keys)

    @routes.get("/banks", dependencies=[Depends(bank_key)])
    def get_banks() -> list[BankState]:
        """Every bank: configured, with entries, or known by name only."""
        return [bank_state(bank) for bank in publish.list_banks(app.database, BANKS)]

    @routes.put("/banks/{bank}")
    def put_bank(
        bank: Code, asked: Annotated[BankRequest, Body()], info: Annotated[KeyInfo, Depends(bank_key)]
    ) -> BankState:
        """Replace the settings of a bank. A new name creates a bank."""
        settings = BankSettings(**{name: getattr(asked, name) for name in _BANK_MEMBERS})
        with _refusals():
            publish.configure_bank(app.ledger, bank, settings, f"key:{info.id}", app.kinds, app.meanings)
        app.banks.refresh()
        found = publish.find_bank(app.database, bank)
        assert found is not None, "just configured"
        return bank_state(found)

    @routes.get("/banks/{bank}/meaning")
    def get_meaning(bank: Code, info: Annotated[KeyInfo, Depends(bank_key)]) -> MeaningResponse:
        """How far the bank's entries of kind ``meaning`` reach: measured against harmless sentences."""
        with _refusals():
            return MeaningResponse(
                figures=publish.measure_meanings(app.meanings, publish.bank_meanings(app.meanings, bank))
            )

    @routes.get("/banks/{bank}/entries")
    def get_entries(
        bank: Code,
        caller: Annotated[KeyInfo, Depends(bank_key)],
        after: Text = "",
        limit: Limit = 100,
        state: Text | None = None,
    ) -> list[Entry]:
        """A page of a bank's entries, by id: in ``state``, or all that were not removed.

        What an entry made from an item of child safety holds is withheld from keys without the scope child_safety.
        """
        found = publish.list_entries(app.database, app.vault, bank, after=after, limit=limit, state=state)
        return withhold(found, hidden_items(app, caller, items_made_into(found)))

    @routes.post("/banks/{bank}/entries", status_code=201)
    @body_limit(_LARGE_BODY)
    async def post_entries(
        bank: Code, asked: Annotated[EntriesRequest, Body()], info: Annotated[KeyInfo, Depends(bank_key)]
    ) -> EntriesResponse:
        """Add entries; they match in this process when the answer arrives, elsewhere within a second."""
        entries = [NewEntry(**{name: getattr(one, name) for name in _ENTRY_MEMBERS}) for one in asked.entries]
        with _refusals():
            ids = await run_in_threadpool(
                publish.add_entries,
                app.ledger,
                bank,
                entries,
                f"key:{info.id}",
                hashers=app.kinds,
                meanings=app.meanings,
            )
        await run_in_threadpool(app.banks.refresh)
        return EntriesResponse(entries=ids)

    @routes.get("/banks/{bank}/entries/{entry}")
    def get_entry(bank: Code, entry: Code, caller: Annotated[KeyInfo, Depends(bank_key)]) -> Entry:
        """One entry with its counts, also when it was removed."""
        found = publish.find_entry(app.database, app.vault, entry)
        if found is None or found.bank != bank:
            raise not_found(f"bank {bank!r} never held an entry {entry!r}")
        return withhold([found], hidden_items(app, caller, items_made_into([found])))[0]

    @routes.delete("/banks/{bank}/entries/{entry}", status_code=204)
    def delete_entry(bank: Code, entry: Code, info: Annotated[KeyInfo, Depends(bank_key)], reason: Why = "") -> None:
        """Remove an entry permanently; it stops matching at once."""
        with _refusals():
            publish.remove_entry(app.ledger, bank, entry, f"key:{info.id}", reason)
        app.banks.refresh()

    @routes.post("/banks/{bank}/entries/{entry}/suspend", status_code=204)
    def post_suspend(
        bank: Code,
        entry: Code,
        asked: Annotated[ReasonRequest, Body()],
        info: Annotated[KeyInfo, Depends(bank_key)],
    ) -> None:
        """Suspend an entry: it matches nothing until it is restored."""
        with _refusals():
            publish.suspend_entry(app.ledger, bank, entry, f"key:{info.id}", asked.reason)
        app.banks.refresh()

    @routes.post("/banks/{bank}/entries/{entry}/restore", status_code=204)
    def post_restore(
        bank: Code,
        entry: Code,
        asked: Annotated[ReasonRequest, Body()],
        info: Annotated[KeyInfo, Depends(bank_key)],
    ) -> None:
        """Restore a suspended or quarantined entry: its matches count again."""
        with _refusals():
            publish.restore_entry(app.ledger, bank, entry, f"key:{info.id}", asked.reason)
        app.banks.refresh()

    @routes.post("/match", dependencies=[Depends(key(keys, Scope.SCREEN))])
    @body_limit(_LARGE_BODY)
    def post_match(asked: Annotated[MatchRequest, Body()]) -> MatchResponse:
        """Look up one text, link, hash, digest or file in all banks, with distance and provenance. Stores nothing."""
        found = _look_up(app, asked)
        return MatchResponse(
            matches=list(found.matches), revision=app.banks.matcher.revision, unknown=list(found.unknown)
        )

    return routes


_LARGE_BODY = 16 * 1024 * 1024  # bytes: of many entries, or of a file
_MODALITIES = {"image": Modality.IMAGE, "audio": Modality.AUDIO, "video": Modality.VIDEO}


def _look_up(app: App, asked: MatchRequest) -> Lookup:
    given = {name: value for name in _MATCH_MEMBERS if (value := getattr(asked, name)) is not None}
    if len(given) != 1:
        raise ApiProblem(
            status=422,
            title="Invalid request",
            detail=f"The request has {len(given)} values to look up.",
            remedy=f"Send exactly one of {', '.join(_MATCH_MEMBERS)}.",
        )
    ((name, value),) = given.items()
    matcher = app.banks.matcher
    if name == "pdq":
        return publish.look_up_hits(app.database, app.vault, matcher, matcher.match_image(_hex(name, value, 32)))
    if name == "digest":
        digest = _hex(name, value, 16, 20, 32).hex()
        return publish.look_up_hits(app.database, app.vault, matcher, matcher.match_digests([digest]))
    if name == "hash":
        return publish.look_up_hits(app.database, app.vault, matcher, _hash_hits(app, value))
    if name in ("text", "link") and len(value) > MAX_TEXT:
        raise ApiProblem(
            status=422,
            title="Text too long",
            detail=f"{name} has {len(value)} characters; at most {MAX_TEXT} are looked up at once.",
            remedy="Send it in pieces that overlap by a few words.",
            pointer=f"/{name}",
        )
    part = Part(path="query", modality=_MODALITIES.get(name, Modality.TEXT), field="query", text=value)
    if name == "link":
        part = Part(path="query", modality=Modality.LINK, field="query", text=value)
    elif name in _MODALITIES:
        part = Part(path="query", modality=_MODALITIES[name], field="query", data=_bytes(name, value))
    return publish.look_up_part(app.database, app.vault, app.runner, part)


def _hash_hits(app: App, asked: HashRequest) -> list[Hit]:
    hasher = app.kinds.get(asked.kind)
    if hasher is None:
        raise ApiProblem(
            status=422,
            title="No such hasher",
            detail=f"No hasher {asked.kind!r} is enabled here.",
            remedy=f"Enabled hashers: {', '.join(app.kinds) or 'none'}.",
            pointer="/hash/kind",
        )
    return app.banks.matcher.match_hash(asked.kind, _hex("hash/value", asked.value, hasher.bits // 8))


def _hex(name: str, value: str, *sizes: int) -> bytes:
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if len(found) not in sizes:
        digits = " or ".join(str(2 * size) for size in sizes)
        raise ApiProblem(
            status=422, title="Invalid hash", detail=f"{name} needs {digits} hexadecimal digits.", pointer=f"/{name}"
        )
    return found


def _bytes(name: str, value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (NotBase64, ValueError) as error:
        raise ApiProblem(status=422, title="Invalid base64", detail=f"{name}: {error}", pointer=f"/{name}") from error


@contextmanager
def _refusals() -> Iterator[None]:
    """Turns the errors of banks into problems that a caller can act on."""
    try:
        yield
    except BankError as error:
        raise ApiProblem(status=422, title="The bank refuses this", detail=str(error)) from error
    except NoSuchEntry as error:
        raise not_found(str(error.args[0])) from error
