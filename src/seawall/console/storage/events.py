"""The page of the ledger: all events, newest first, and verification."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.child_safety import hidden_events
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response, redirect
from seawall.console.templates import render
from seawall.storage.queries import events_after, newest_events
from seawall.storage.verification import find_verification, start_verification

PAGE_SIZE = 50
_FOLLOWED = 200

# Codes in the gist of an event that are words; the rest is of operators or code, and is not translated.
WORDS: Final = frozenset(
    (
        *(marked("allow"), marked("hold"), marked("block")),
        *(
            marked("screen"),
            marked("late"),
            marked("rescreen"),
            marked("retro match"),
            marked("review"),
            marked("undo"),
        ),
        *(marked("violates"), marked("does not violate"), marked("keeps measure")),
        *(marked("upheld"), marked("overturned"), marked("partly"), marked("settled"), marked("withdrawn")),
        *(marked("inadmissible"), marked("restricted"), marked("applied"), marked("reversed")),
        *(marked("delivered"), marked("failed"), marked("dead")),
        *(marked("user"), marked("trusted flagger"), marked("authority"), marked("staff")),
        *(marked("from appellant"), marked("to appellant"), marked("note")),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event as the page shows it."""

    seq: int
    at: int
    kind: str
    id: str
    gist: tuple[tuple[str, bool], ...]  # summary of the body in a few words; with each, whether it is translated
    body: str | None  # the body as indented JSON; None: about an item of child safety that the person may not see
    chain: str


def show(request: PageRequest) -> Response:
    """Show the page."""
    return _page(request)


def verify(request: PageRequest) -> Response:
    """Have a worker verify the whole ledger: no gaps, intact hash chain, every body readable."""
    start_verification(request.app.ledger, by=request.person.id)
    return redirect("/ledger")


def verification(request: PageRequest) -> Response:
    """How far the verification is, as a part of the page that renews itself."""
    with request.app.database.read() as connection:
        return render(request, "storage/verification.html", verification=find_verification(connection))


def as_json(request: PageRequest) -> Response:
    """Events after ``?after=``, oldest first, as JSON, for programs that follow the ledger."""
    after = request.cursor("after") or 0
    with request.app.database.read() as connection:
        rows = events_after(connection, after, limit=_FOLLOWED)
        hidden = hidden_events(request, connection, [row.body.decode() for row in rows])
    events = [
        {"seq": row.seq, "id": row.id, "at": row.at, "kind": row.kind}
        | ({"body": None, "withheld": "child_safety"} if withheld else {"body": json.loads(row.body)})
        for row, withheld in zip(rows, hidden, strict=True)
    ]
    return json_response({"events": events, "next": rows[-1].seq if rows else after})


def _page(request: PageRequest) -> Response:
    kinds = request.context.app.ledger.schema.events.kinds
    kind = request.query("kind") if request.query("kind") in kinds else ""
    before, at = request.cursor(), request.cursor("seq")
    with request.app.database.read() as connection:
        rows = newest_events(connection, limit=PAGE_SIZE + 1, kind=kind or None, before=before, seq=at)
        hidden = hidden_events(request, connection, [row.body.decode() for row in rows])
        last = find_verification(connection)
    lines = [
        Line(
            seq=row.seq,
            at=row.at,
            kind=row.kind,
            id=row.id,
            gist=() if withheld else _gist(json.loads(row.body)),
            body=None if withheld else json.dumps(json.loads(row.body), indent=2, ensure_ascii=False),
            chain=row.chain.hex(),
        )
        for row, withheld in list(zip(rows, hidden, strict=True))[:PAGE_SIZE]
    ]
    more = {"kind": kind} if kind else {}
    return render(
        request,
        "storage/events.html",
        lines=lines,
        kinds=kinds,
        kind=kind,
        older="/ledger?" + urlencode({**more, "before": lines[-1].seq}) if len(rows) > PAGE_SIZE else None,
        newest="/ledger?" + urlencode(more) if before or at else None,
        verification=last,
        head=request.app.ledger.head(),
        at=at,
    )


def _gist(body: dict[str, object]) -> tuple[tuple[str, bool], ...]:
    inner = body.get("decision")
    about = inner if isinstance(inner, dict) else body
    item = about.get("item")
    said = [(str(item["content_type"]), False)] if isinstance(item, dict) else []
    for name in ("verdict", "source", "answer", "outcome", "change", "kind", "bank"):
        value = about.get(name)
        if isinstance(value, str):
            shown = value.replace("_", " ")
            own = name == "bank" or (name == "source" and about is body)  # where an entry of a bank comes from
            said.append((shown, shown in WORDS and not own))
    action = about.get("action")
    if isinstance(action, dict):
        said.append((str(action.get("kind", "")), False))
    return tuple(said)


PAGES = (
    Page(path="/ledger", run=show, permission=Permission.SEE_LEDGER),
    Page(path="/ledger.json", run=as_json, permission=Permission.SEE_LEDGER),
    Page(path="/ledger/verify", run=verify, method="POST", permission=Permission.VERIFY_LEDGER),
    Page(path="/ledger/verification", run=verification, permission=Permission.SEE_LEDGER),
)
