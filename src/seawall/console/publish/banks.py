"""Pages of banks, their entries, and the exchanges that fill them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from seawall import access, publish
from seawall.access import Permission
from seawall.app import BANKS
from seawall.console.child_safety import hidden_items
from seawall.console.languages import gettext as _
from seawall.console.languages import marked, pgettext
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.detectors.hashes import hash_file
from seawall.match import KINDS, EntryError
from seawall.model import HARMS
from seawall.publish import Bank, BankError, BankSettings, Entry, MeaningFigures, NewEntry, NoSuchEntry
from seawall.publish.queries import bank_state, hits_of_entry, items_made_into, withhold
from seawall.screen.queries import items_by_ref

_PAGE = 50
_HITS = 25
_UPLOAD_BYTES = 20 << 20

# Codes that these pages show with the filter ``words``: said here, so that the catalogues know them.
WORDS: Final = (
    *(marked("wrong match"), marked("harmless now"), marked("duplicate"), marked("withdrawn"), marked("legal order")),
    *(marked("mistake"), marked("checked"), marked("other"), marked("flood"), marked("source erased")),
    *(marked("matched"), marked("suppressed"), marked("quarantined"), marked("confirmed"), marked("overturned")),
)


def show_all(request: PageRequest) -> Response:
    """List all banks, exchanges, and retro-matches."""
    if (new := request.query("new").strip()) and request.may(Permission.MANAGE_BANKS):
        return redirect(f"/banks/{quote(new, safe='')}")
    wanted = request.query("q").strip()
    if wanted:
        found = publish.find_entry(request.app.database, request.app.vault, wanted)
        if found is not None:
            return redirect(f"/banks/{found.bank}/entries/{found.id}")
    return render(
        request,
        "publish/banks.html",
        banks=publish.list_banks(request.app.database, BANKS),
        exchanges=publish.list_exchanges(request.app.database),
        searches=publish.list_searches(request.app.database, limit=5),
        stranded=request.app.banks.matcher.stranded(),
        roles=_roles(),
        wanted=wanted,
    )


def as_json(request: PageRequest) -> Response:
    """Settings and numbers of entries of all banks as JSON."""
    return json_response({"banks": [bank_state(bank) for bank in publish.list_banks(request.app.database, BANKS)]})


def show(request: PageRequest) -> Response:
    """Show one bank with a page of its entries."""
    return _bank_page(request)


def configure(request: PageRequest) -> Response:
    """Save the bank's settings."""
    name = request.path_param("bank")
    try:
        settings = BankSettings(
            title=request.field("title").strip(),
            role=request.field("role", "block"),
            thresholds={
                kind: number
                for kind in (*KINDS, *request.app.kinds)
                if (number := _number(_("threshold of %(kind)s") % {"kind": kind}, request.field(f"threshold_{kind}")))
                is not None
            },
            owner=request.field("owner").strip(),
            harm=request.field("harm") or None,
            expires_after_days=_number(_("days"), request.field("expires_after_days")),
            flood_limit=_number(_("flood limit"), request.field("flood_limit")),
            on_erasure=request.field("on_erasure", "keep"),
        )
        publish.configure_bank(
            request.app.ledger, name, settings, request.person.id, request.app.kinds, request.app.meanings
        )
    except BankError as error:
        return _bank_page(request, error=_(str(error)))
    request.app.banks.refresh()
    return redirect(f"/banks/{name}")


def add(request: PageRequest) -> Response:
    """Add an entry: a value, or a file to be hashed; of a meaning an entry for each line, which is an example."""
    name, kind = request.path_param("bank"), request.field("kind", "text")
    try:
        value = request.field("value")
        if file := request.files.get("image"):
            hasher = request.app.hashers.get(kind)
            if hasher is None:
                kind, value = "image", publish.hash_image(file)
            else:
                value = hash_file(hasher, file)
        examples = [line for line in value.splitlines() if line.strip()] if kind == "meaning" else []
        entries = [
            NewEntry(
                kind=kind,
                value=one,
                source=request.field("source").strip() or "staff",
                threshold=_number(_("threshold"), request.field("threshold")),
                note=request.field("note").strip(),
                content_type=request.field("content_type").strip(),
                item_id=request.field("item_id").strip(),
                account=request.field("account").strip(),
            )
            for one in examples or [value]
        ]
        places = [f"line {number}" for number in range(1, len(entries) + 1)] if len(entries) > 1 else ["the entry"]
        made = publish.add_entries(
            request.app.ledger,
            name,
            entries,
            request.person.id,
            places=places,
            hashers=request.app.kinds,
            meanings=request.app.meanings,
        )
    except (BankError, EntryError) as error:
        return _bank_page(request, error=_(str(error)))
    request.app.banks.refresh()
    return redirect(f"/banks/{name}" if kind == "meaning" else f"/banks/{name}/entries/{made[0]}")


def show_entry(request: PageRequest) -> Response:
    """Show one entry with its provenance and its matches."""
    return _entry_page(request)


def suspend(request: PageRequest) -> Response:
    """Suspend an entry: it matches nothing until it is restored."""
    return _change(request, "suspend")


def restore(request: PageRequest) -> Response:
    """Restore a suspended or quarantined entry."""
    return _change(request, "restore")


def remove(request: PageRequest) -> Response:
    """Remove an entry permanently."""
    return _change(request, "remove")


_CHANGES = {
    "suspend": publish.suspend_entry,
    "restore": publish.restore_entry,
    "remove": publish.remove_entry,
}


def _change(request: PageRequest, change: str) -> Response:
    bank, entry = request.path_param("bank"), request.path_param("entry")
    try:
        _CHANGES[change](request.app.ledger, bank, entry, request.person.id, request.field("reason"))
    except NoSuchEntry as error:
        if publish.find_entry(request.app.database, request.app.vault, entry) is None:
            raise missing(marked("entry")) from error
        return _entry_page(request, error=str(error.args[0]))
    except BankError as error:
        return _entry_page(request, error=_(str(error)))
    request.app.banks.refresh()
    return redirect(f"/banks/{bank}/entries/{entry}")


def _number(name: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BankError(_("%(name)s is %(text)r; it is a whole number, or empty") % {"name": name, "text": text[:20]})
    return int(text)


def _bank_page(request: PageRequest, error: str = "") -> Response:
    name = request.path_param("bank")
    found = publish.find_bank(request.app.database, name)
    if found is None:
        if name not in BANKS and not (request.may(Permission.MANAGE_BANKS) and publish.is_bank_name(name)):
            raise missing(marked("bank"))
        found = Bank(name=name, settings=BankSettings())  # a bank exists when it is configured or has entries
    state, states = request.query("state"), _states()
    entries = publish.list_entries(
        request.app.database,
        request.app.vault,
        name,
        after=request.query("after"),
        limit=_PAGE + 1,
        state=state if state in states else None,
    )
    entries = _seen(request, entries)
    figures, unmeasured = _figures(request, name)
    return render(
        request,
        "publish/bank.html",
        figures=figures,
        unmeasured=unmeasured,
        entered={field: request.field(field) for field in ("kind", "value")} if error else {},
        status=422 if error else 200,
        bank=found,
        entries=[_shortened(entry) for entry in entries[:_PAGE]],
        after=entries[_PAGE - 1].id if len(entries) > _PAGE else "",
        state=state,
        states=states,
        roles=_roles(),
        kinds=(*KINDS, *request.app.kinds),
        titles=_kinds(),
        hashed=tuple(request.app.kinds),
        stranded={kind: banks for kind, banks in request.app.banks.matcher.stranded().items() if name in banks},
        harms=HARMS,
        names=_names(request, entries),
        error=error,
    )


def _figures(request: PageRequest, bank: str) -> tuple[MeaningFigures | None, str]:
    """How far the bank's examples of a meaning reach, or why that cannot be said."""
    try:
        return publish.measure_meanings(request.app.meanings, publish.bank_meanings(request.app.meanings, bank)), ""
    except BankError as error:
        return None, str(error)


def _entry_page(request: PageRequest, error: str = "") -> Response:
    entry = publish.find_entry(request.app.database, request.app.vault, request.path_param("entry"))
    if entry is None or entry.bank != request.path_param("bank"):
        raise missing(marked("entry"))
    (entry,) = _seen(request, [entry])
    with request.app.database.read() as connection:
        found = hits_of_entry(connection, entry.id, limit=_HITS)
        hidden = hidden_items(request, connection, [hit.item for hit in found])
        hits = [hit for hit in found if hit.item not in hidden]
        items = items_by_ref(connection, [*(hit.item for hit in hits), *items_made_into([entry])])
    return render(
        request,
        "publish/bank_entry.html",
        status=422 if error else 200,
        entry=entry,
        hits=[(hit, items[hit.item]) for hit in hits if hit.item in items],
        items=items,
        unseen=len(found) - len(hits),
        reasons=publish.REASONS,
        states=_states(),
        titles=_kinds(),
        names=_names(request, [entry]),
        error=error,
    )


def _seen(request: PageRequest, entries: list[Entry]) -> list[Entry]:
    """The entries; those made from an item that the person may not see do not show what they hold of it."""
    with request.app.database.read() as connection:
        return withhold(entries, hidden_items(request, connection, items_made_into(entries)))


def _shortened(entry: Entry) -> Entry:
    """The entry with a shortened value: those of audio files and videos are long."""
    return entry if entry.value is None or len(entry.value) <= 200 else replace(entry, value=entry.value[:200] + "…")


def _states() -> dict[str, str]:
    """The states of entries, with their titles."""
    return {
        "active": pgettext("entries", "active"),
        "suspended": pgettext("entries", "suspended"),
        "quarantined": pgettext("entries", "quarantined"),
        "removed": pgettext("entries", "removed"),
    }


def _roles() -> dict[str, str]:
    """The roles of banks, with their titles."""
    return {"block": pgettext("role of a bank", "block"), "allow": pgettext("role of a bank", "allow")}


def _kinds() -> dict[str, str]:
    """The kinds of entries, with their titles; those of plug-ins have none."""
    return {
        "text": _("text"),
        "near_text": _("near_text"),
        "meaning": pgettext("kind of an entry", "meaning"),
        "pattern": _("pattern"),
        "name": pgettext("kind of an entry", "name"),
        "domain": _("domain"),
        "image": _("image"),
        "audio": _("audio"),
        "video": _("video"),
        "digest": _("digest"),
    }


def _names(request: PageRequest, entries: list[Entry]) -> dict[str, str]:
    """Names, by id, of the people who added or changed entries, and of the guard that suspends them."""
    ids = {who for entry in entries for who in (entry.added_by, entry.state_by)}
    people = {person.id: person.name for person in access.list_people(request.app.database) if person.id in ids}
    return {**people, "guard": pgettext("suspends entries", "guard")}


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
