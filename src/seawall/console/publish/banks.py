"""Banks: what they hold, what became of it, and the exchanges that fill them."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from starlette.responses import Response

from seawall import access, publish
from seawall.access import Permission
from seawall.app import BANKS
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.detectors.hashes import hash_file
from seawall.match import KINDS, EntryError
from seawall.model import HARMS
from seawall.publish import Bank, BankError, BankSettings, Entry, NewEntry, NoSuchEntry
from seawall.publish.queries import bank_state, hits_of_entry
from seawall.screen.queries import items_by_ref

_PAGE = 50
_HITS = 25
_STATES = ("active", "suspended", "quarantined", "removed")
_UPLOAD_BYTES = 20 << 20


def show_all(visit: PageRequest) -> Response:
    """Every bank, the exchanges, and the searches of the past."""
    if (new := visit.query("new").strip()) and visit.may(Permission.MANAGE_BANKS):
        return redirect(f"/banks/{quote(new, safe='')}")
    wanted = visit.query("q").strip()
    if wanted:
        found = publish.find_entry(visit.app.database, visit.app.vault, wanted)
        if found is not None:
            return redirect(f"/banks/{found.bank}/entries/{found.id}")
    return render(
        visit,
        "publish/banks.html",
        banks=publish.list_banks(visit.app.database, BANKS),
        exchanges=publish.list_exchanges(visit.app.database),
        searches=publish.list_searches(visit.app.database, limit=5),
        stranded=visit.app.banks.matcher.stranded(),
        harms=HARMS,
        wanted=wanted,
    )


def as_json(visit: PageRequest) -> Response:
    """The banks' settings and numbers of entries, for programs."""
    return json_response({"banks": [bank_state(bank) for bank in publish.list_banks(visit.app.database, BANKS)]})


def show(visit: PageRequest) -> Response:
    """One bank with a page of its entries."""
    return _bank_page(visit)


def configure(visit: PageRequest) -> Response:
    """Use the bank as the form says."""
    name = visit.place("bank")
    try:
        settings = BankSettings(
            title=visit.field("title").strip(),
            role=visit.field("role", "block"),
            thresholds={
                kind: number
                for kind in (*KINDS, *visit.app.kinds)
                if (number := _number(f"threshold of {kind}", visit.field(f"threshold_{kind}"))) is not None
            },
            owner=visit.field("owner").strip(),
            harm=visit.field("harm") or None,
            expires_after_days=_number("days", visit.field("expires_after_days")),
            flood_limit=_number("flood limit", visit.field("flood_limit")),
        )
        publish.configure_bank(visit.app.ledger, name, settings, visit.person.id, visit.app.kinds)
    except BankError as error:
        return _bank_page(visit, error=str(error))
    visit.app.banks.refresh()
    return redirect(f"/banks/{name}")


def add(visit: PageRequest) -> Response:
    """Add what the form holds: a value, or a file to be hashed."""
    name, kind = visit.place("bank"), visit.field("kind", "text")
    try:
        value = visit.field("value")
        if file := visit.files.get("image"):
            hasher = visit.app.hashers.get(kind)
            if hasher is None:
                kind, value = "image", publish.hash_image(file)
            else:
                value = hash_file(hasher, file)
        entry = NewEntry(
            kind=kind,
            value=value,
            source=visit.field("source").strip() or "staff",
            threshold=_number("threshold", visit.field("threshold")),
            note=visit.field("note").strip(),
        )
        (made,) = publish.add_entries(
            visit.app.ledger, name, [entry], visit.person.id, places=["the entry"], hashers=visit.app.kinds
        )
    except (BankError, EntryError) as error:
        return _bank_page(visit, error=str(error))
    visit.app.banks.refresh()
    return redirect(f"/banks/{name}/entries/{made}")


def show_entry(visit: PageRequest) -> Response:
    """One entry: what it is, where it comes from, where it was found."""
    return _entry_page(visit)


def suspend(visit: PageRequest) -> Response:
    """Let it match no more."""
    return _change(visit, "suspend")


def restore(visit: PageRequest) -> Response:
    """Let it act again."""
    return _change(visit, "restore")


def remove(visit: PageRequest) -> Response:
    """Take it out for good."""
    return _change(visit, "remove")


_CHANGES = {
    "suspend": publish.suspend_entry,
    "restore": publish.restore_entry,
    "remove": publish.remove_entry,
}


def _change(visit: PageRequest, change: str) -> Response:
    bank, entry = visit.place("bank"), visit.place("entry")
    try:
        _CHANGES[change](visit.app.ledger, bank, entry, visit.person.id, visit.field("reason"))
    except NoSuchEntry as error:
        if publish.find_entry(visit.app.database, visit.app.vault, entry) is None:
            raise missing("entry") from error
        return _entry_page(visit, error=str(error.args[0]))
    except BankError as error:
        return _entry_page(visit, error=str(error))
    visit.app.banks.refresh()
    return redirect(f"/banks/{bank}/entries/{entry}")


def _number(name: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BankError(f"{name} is {text[:20]!r}; it is a whole number, or empty")
    return int(text)


def _bank_page(visit: PageRequest, error: str = "") -> Response:
    name = visit.place("bank")
    found = publish.find_bank(visit.app.database, name)
    if found is None:
        if name not in BANKS and not (visit.may(Permission.MANAGE_BANKS) and publish.is_bank_name(name)):
            raise missing("bank")
        found = Bank(name=name, settings=BankSettings())  # there is one when it is configured or holds something
    state = visit.query("state")
    entries = publish.list_entries(
        visit.app.database,
        visit.app.vault,
        name,
        after=visit.query("after"),
        limit=_PAGE + 1,
        state=state if state in _STATES else None,
    )
    return render(
        visit,
        "publish/bank.html",
        status=422 if error else 200,
        bank=found,
        entries=[_shortened(entry) for entry in entries[:_PAGE]],
        after=entries[_PAGE - 1].id if len(entries) > _PAGE else "",
        state=state,
        states=_STATES,
        kinds=(*KINDS, *visit.app.kinds),
        hashed=tuple(visit.app.kinds),
        stranded={kind: banks for kind, banks in visit.app.banks.matcher.stranded().items() if name in banks},
        harms=HARMS,
        names=_names(visit, entries),
        error=error,
    )


def _entry_page(visit: PageRequest, error: str = "") -> Response:
    entry = publish.find_entry(visit.app.database, visit.app.vault, visit.place("entry"))
    if entry is None or entry.bank != visit.place("bank"):
        raise missing("entry")
    with visit.app.database.read() as connection:
        hits = hits_of_entry(connection, entry.id, limit=_HITS)
        items = items_by_ref(connection, [hit.item for hit in hits])
    return render(
        visit,
        "publish/bank_entry.html",
        status=422 if error else 200,
        entry=entry,
        hits=[(hit, items[hit.item]) for hit in hits if hit.item in items],
        reasons=publish.REASONS,
        names=_names(visit, [entry]),
        error=error,
    )


def _shortened(entry: Entry) -> Entry:
    """Values may be long: audio files, videos."""
    return entry if entry.value is None or len(entry.value) <= 200 else replace(entry, value=entry.value[:200] + "…")


def _names(visit: PageRequest, entries: list[Entry]) -> dict[str, str]:
    """People's names by their ids, for who added and changed."""
    ids = {who for entry in entries for who in (entry.added_by, entry.state_by)}
    return {person.id: person.name for person in access.list_people(visit.app.database) if person.id in ids}


PAGES = (
    Page(path="/banks", run=show_all, permission=Permission.SEE_BANKS),
    Page(path="/banks.json", run=as_json, permission=Permission.SEE_BANKS),
    Page(path="/banks/{bank}", run=show, permission=Permission.SEE_BANKS),
    Page(path="/banks/{bank}/configure", run=configure, method="POST", permission=Permission.MANAGE_BANKS),
    Page(
        path="/banks/{bank}/entries",
        run=add,
        method="POST",
        permission=Permission.MANAGE_BANKS,
        upload_bytes=_UPLOAD_BYTES,
    ),
    Page(path="/banks/{bank}/entries/{entry}", run=show_entry, permission=Permission.SEE_BANKS),
    Page(path="/banks/{bank}/entries/{entry}/suspend", run=suspend, method="POST", permission=Permission.MANAGE_BANKS),
    Page(path="/banks/{bank}/entries/{entry}/restore", run=restore, method="POST", permission=Permission.MANAGE_BANKS),
    Page(path="/banks/{bank}/entries/{entry}/remove", run=remove, method="POST", permission=Permission.MANAGE_BANKS),
)
