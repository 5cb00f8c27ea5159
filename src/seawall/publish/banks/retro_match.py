"""Retro-match: searches past items for new bank entries, page by page, resumable after each page.

A search takes all entries that were added or restored since the last one. It reads every item that was submitted
before it began (later ones were screened with the entries) and rescreens those that match, with effect. Each
page's jobs are enqueued in the transaction that moves the search's position.

Entries whose hasher is not enabled here are left out; the search records them, and they get a search of their own
once a worker has that hasher.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import structlog
from sqlalchemy import Connection, func, insert, select, update

from seawall.content.links import add_link_parts
from seawall.detectors.banks import BankDetector
from seawall.detectors.hashes import absence
from seawall.detectors.text.meanings import MeaningDetector, TextEncoder
from seawall.match import NO_HASHERS, BankEntry, BankMatcher, Hashers
from seawall.model import Modality, Part, PartHash, Unknown, new_id, now_ms
from seawall.model.stored_items import Past
from seawall.publish.banks.entries import RETRO_JOB, value_name
from seawall.publish.banks.settings import all_settings, with_threshold
from seawall.publish.queries import open_sealed
from seawall.publish.tables import bank_entry, retro
from seawall.storage import Database, Job, Jobs, Ledger, Transaction, Vault

_log = structlog.get_logger(__name__)

RETRO_RESCREEN_JOB: Final = "retro_match"
"""Kind of the job that rescreens one past item because an entry was found in it."""
_PAGE: Final = 200
_MOST_ENTRIES: Final = 100_000  # of one search: bounds its memory; the next search takes the rest
_BY_TEXT: Final = frozenset({"text", "near_text", "meaning", "pattern", "domain", "name"})
_DIGESTS: Final = frozenset({"sha256", "sha1", "md5"})


class IterItems(Protocol):
    """The next page of past items in the order of their surrogates; empty at the end."""

    def __call__(self, *, after: str, before: str, limit: int, texts: bool) -> Sequence[Past]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetroSearch:
    """State of one search. Times are milliseconds since 1970."""

    id: str
    entries: int
    items: int
    hits: int
    unreadable: int
    started_at: int
    updated_at: int
    finished_at: int | None
    position: str
    left_out: str  # kinds of entries that could not be compared, joined by commas

    @property
    def reached_at(self) -> int | None:
        """When the last item read was first submitted: items are read in the order of time."""
        try:
            return int(self.position.partition("_")[2][:12], 16)
        except ValueError:
            return None


def list_searches(database: Database, limit: int = 20) -> list[RetroSearch]:
    """The latest searches, newest first."""
    columns = (retro.c[name] for name in RetroSearch.__dataclass_fields__)
    with database.read() as connection:
        rows = connection.execute(select(*columns).order_by(retro.c.started_at.desc(), retro.c.id.desc()).limit(limit))
        return [RetroSearch(**row) for row in rows.mappings()]


class RetroMatch:
    """Handles the job ``retro``. ``pause`` is called after each page; a stopping worker raises in it."""

    def __init__(
        self,
        ledger: Ledger,
        database: Database,
        vault: Vault,
        jobs: Jobs,
        walk: IterItems,
        pause: Callable[[], None] = lambda: None,
        hashers: Hashers = NO_HASHERS,
        encoder: TextEncoder | None = None,
    ) -> None:
        """``encoder`` embeds texts for entries of kind ``meaning``."""
        self._ledger = ledger
        self._database = database
        self._vault = vault
        self._jobs = jobs
        self._walk = walk
        self._pause = pause
        self._hashers = hashers
        self._encoder = encoder

    def run(self, job: Job) -> None:
        """Continue the open search or begin one; return when it is done. Raises LeaseLost."""
        search = self._open_search() or self._ledger.commit(self._begin)
        if search is None:
            self._ledger.commit(lambda tx: tx.finish(job))
            return
        matcher = self._matcher(search)
        texts = any(matcher.has(kind) for kind in _BY_TEXT)
        finder = EntryMatcher(matcher, self._encoder)
        position = search.position
        while page := self._walk(after=position, before=search.before_item, limit=_PAGE, texts=texts):
            found = [past for past in page if past.readable and past.decision is not None and finder.finds(past)]
            unreadable = sum(not past.readable for past in page)
            self._ledger.commit(_page_done(search, position, page[-1].ref.ref, len(page), found, unreadable))
            position = page[-1].ref.ref
            self._jobs.heartbeat(job)
            self._pause()
        stranded = sorted(matcher.stranded())
        # Hashes whose length differs from that of the hasher here never become comparable: they are not searched again.
        left_out = [kind for kind in stranded if kind not in self._hashers]
        self._ledger.commit(lambda tx: self._finish(tx, search, job, left_out))
        if stranded:
            _log.warning("entries were not searched for in past items", search=search.id, why=absence(stranded[0]))
        _log.info("past items searched", search=search.id, entries=search.entries)

    def resume(self) -> None:
        """Enqueue a search for entries that earlier ones left out, if their hasher is enabled here."""
        with self._database.read() as connection:
            waiting = _left_out(connection, self._hashers)
        if waiting is not None:
            self._ledger.commit(lambda tx: tx.enqueue(RETRO_JOB, "all", {}))

    def _open_search(self) -> Any:
        with self._database.read() as connection:
            return connection.execute(select(retro).where(retro.c.finished_at.is_(None))).first()

    def _begin(self, tx: Transaction) -> Any:
        """A new search for entries added since the last one, or left out by one; None when there are neither."""
        after = tx.execute(select(func.max(retro.c.up_to_seq))).scalar() or 0
        fresh = (bank_entry.c.seq > after, bank_entry.c.state.in_(("active", "quarantined")))
        seqs = select(bank_entry.c.seq).where(*fresh).order_by(bank_entry.c.seq).limit(_MOST_ENTRIES).subquery()
        taken = tx.execute(select(func.count().label("entries"), func.max(seqs.c.seq).label("upto"))).one()
        if taken.entries:
            return _new_search(tx, after, taken.upto, taken.entries)
        before = _left_out(tx, self._hashers)
        if before is None:
            return None
        waiting = set(before.left_out.split(","))
        kinds = sorted(waiting & self._hashers.keys())
        left = ",".join(sorted(waiting - self._hashers.keys()))
        tx.execute(update(retro).where(retro.c.id == before.id).values(left_out=left))
        of_search = (bank_entry.c.seq > before.after_seq, bank_entry.c.seq <= before.up_to_seq)
        counted = select(func.count()).select_from(bank_entry).where(*of_search, bank_entry.c.kind.in_(kinds))
        if not (entries := tx.execute(counted).scalar() or 0):
            return self._begin(tx)  # they changed since, and belong to a later search
        return _new_search(tx, before.after_seq, before.up_to_seq, entries, ",".join(kinds))

    def _matcher(self, search: Any) -> BankMatcher:
        """A matcher of the search's entries that are still in use."""
        columns = (bank_entry.c[name] for name in ("id", "bank", "kind", "threshold", "expires", "state"))
        query = select(*columns).where(
            bank_entry.c.seq > search.after_seq,
            bank_entry.c.seq <= search.up_to_seq,
            bank_entry.c.state.in_(("active", "quarantined")),
        )
        if search.kinds:
            query = query.where(bank_entry.c.kind.in_(search.kinds.split(",")))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        values = open_sealed(self._vault, ((row.bank, value_name(row.id)) for row in rows))
        settings = all_settings(self._database)
        entries = [
            with_threshold(
                BankEntry(
                    bank=row.bank,
                    id=row.id,
                    kind=row.kind,
                    value=values[row.bank, value_name(row.id)],
                    threshold=row.threshold,
                    expires=row.expires,
                ),
                settings.get(row.bank),
            )
            for row in rows
            if (row.bank, value_name(row.id)) in values
        ]
        return BankMatcher(entries, hashers=self._hashers)

    def _finish(self, tx: Transaction, search: Any, job: Job, left_out: Sequence[str]) -> None:
        tx.execute(
            update(retro)
            .where(retro.c.id == search.id)
            .values(finished_at=tx.at, updated_at=tx.at, left_out=",".join(left_out))
        )
        more = select(bank_entry.c.id).where(bank_entry.c.seq > search.up_to_seq).limit(1)
        if tx.execute(more).first() is not None or _left_out(tx, self._hashers) is not None:
            tx.enqueue(RETRO_JOB, "all", {})
        tx.finish(job)


def _new_search(tx: Transaction, after: int, upto: int, entries: int, kinds: str = "") -> Any:
    row = {
        "id": new_id("ret", tx.at),
        "after_seq": after,
        "up_to_seq": upto,
        "entries": entries,
        "before_item": new_id("it", now_ms()),
        "position": "",
        "items": 0,
        "hits": 0,
        "unreadable": 0,
        "kinds": kinds,
        "left_out": "",
        "started_at": tx.at,
        "updated_at": tx.at,
        "finished_at": None,
    }
    tx.execute(insert(retro).values(row))
    return tx.execute(select(retro).where(retro.c.id == row["id"])).one()


def _left_out(reader: Connection | Transaction, hashers: Hashers) -> Any:
    """The oldest search that left out entries which can be compared now."""
    waiting = select(retro).where(retro.c.left_out != "", retro.c.finished_at.is_not(None))
    rows = reader.execute(waiting.order_by(retro.c.started_at, retro.c.id)) if hashers else ()
    return next((row for row in rows if hashers.keys() & set(row.left_out.split(","))), None)


class EntryMatcher:
    """Tests whether a past item matches any of some entries."""

    def __init__(self, matcher: BankMatcher, encoder: TextEncoder | None = None) -> None:
        """Raises ``ValueError`` if entries of kind ``meaning`` come without an encoder."""
        self._matcher = matcher
        self._texts = BankDetector()
        self._texts.replace(matcher)
        if encoder is None and matcher.has("meaning"):
            raise ValueError("entries of kind meaning need an encoder")
        self._meanings = None if encoder is None else MeaningDetector(self._texts, encoder)

    def finds(self, past: Past) -> bool:
        """Whether one of its hashes, texts or links matches."""
        return (
            self._in_hashes(past.hashes)
            or any(self._texts.detect(add_link_parts(past.parts)))
            or self._in_meaning(past.parts)
        )

    def _in_meaning(self, parts: Sequence[Part]) -> bool:
        if self._meanings is None or self._meanings.idle:
            return False
        texts = [part for part in parts if part.modality is Modality.TEXT]
        return any(found and not isinstance(found, Unknown) for found in self._meanings.detect(texts))

    def _in_hashes(self, hashes: Sequence[PartHash]) -> bool:
        matcher = self._matcher
        digests = [each.value.hex() for each in hashes if each.kind in _DIGESTS]
        return (
            bool(digests and matcher.match_digests(digests))
            or any(matcher.match_image(each.value) for each in hashes if each.kind == "pdq")
            or any(
                matcher.match_audio(np.frombuffer(each.value, "<u4")) for each in hashes if each.kind == "chromaprint"
            )
            or any(matcher.match_hash(each.kind, each.value) for each in hashes)
            or (matcher.has("video") and any(map(matcher.match_video, _videos(hashes))))
        )


def _videos(hashes: Iterable[PartHash]) -> list[list[tuple[float, bytes]]]:
    """The frames of each video in the order of time: hashes of derived images that have a time."""
    videos: dict[str, list[tuple[float, bytes]]] = {}
    for each in hashes:
        if each.kind == "pdq" and each.span is not None and each.span.unit == "seconds":
            videos.setdefault(each.part.partition(">")[0], []).append((each.span.start, each.value))
    return [sorted(frames) for frames in videos.values()]


def _page_done(
    search: Any, before: str, after: str, items: int, found: Sequence[Past], unreadable: int
) -> Callable[[Transaction], None]:
    def unit(tx: Transaction) -> None:
        here = (retro.c.id == search.id) & (retro.c.position == before)
        if tx.execute(select(retro.c.id).where(here)).one_or_none() is None:
            return  # another worker has done this page
        for past in found:
            payload = {"item": past.ref.ref, "revision": past.ref.revision, "decision": past.decision}
            tx.enqueue(RETRO_RESCREEN_JOB, past.ref.ref, payload)
        tx.execute(
            update(retro)
            .where(here)
            .values(
                position=after,
                items=retro.c["items"] + items,
                hits=retro.c.hits + len(found),
                unreadable=retro.c.unreadable + unreadable,
                updated_at=tx.at,
            )
        )

    return unit
