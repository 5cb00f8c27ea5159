"""The platform's page: what its visitors see, and what Seawall reported to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --bad: #b3261e; --wait: #8a5a00; --good: #1c6b3f; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --wait: #ffc46b; --good: #7fd6a2; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 1.2rem; }
h1 { font-size: 1.35rem; margin: 0 0 .2rem; } p { margin: .3rem 0 .9rem; max-width: 70ch; }
.numbers { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; list-style: none; }
.numbers li { background: var(--soft); border-radius: .5rem; padding: .45rem .8rem; min-width: 6.5rem; }
.numbers b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; white-space: nowrap; }
td:last-child { min-width: 6rem; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .5rem; vertical-align: top; }
td.what { overflow-wrap: anywhere; } .key { opacity: .65; font-size: .85em; display: block; }
.removed .text { text-decoration: line-through; opacity: .6; } .removed .state { color: var(--bad); }
.held .state { color: var(--wait); } .visible .state { color: var(--good); } .state { font-weight: 600; }
form { display: inline } button { font: inherit; padding: .3rem .8rem; border-radius: .4rem; cursor: pointer; }
.own { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 .8rem; }
.own input { flex: 1 1 20rem; font: inherit; padding: .35rem .6rem; }
.said { border-left: 4px solid var(--good); padding-left: .7rem; }
.stalled { border-left: 4px solid var(--wait); padding-left: .7rem; }
@media (max-width: 640px) { th:nth-child(3), td:nth-child(3) { display: none; } body { padding: .8rem; } }
"""

SCRIPT = """
const box = document.getElementById("entries");
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch("/entries");
    if (answer.ok) box.innerHTML = await answer.text();
  } catch { /* the demo has ended; the page stays as it was */ }
}, 2000);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnComment:
    """What became of the comment that a visitor wrote: Seawall's verdict, and the address of its page; empty: none."""

    verdict: str = ""
    link: str = ""


def whole_page(snapshot: Mapping[str, Any], stalled_s: float, own: OwnComment | None = None) -> str:
    """The page; its lower part is refreshed every two seconds. ``own``: with a form for a comment of one's own."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The platform's view</title><link rel="stylesheet" href="/page.css"></head><body>
<h1>The platform's view</h1>
<p>A simulated streaming service. It posts to Seawall and knows this state only from Seawall's responses and signed
webhooks.</p>
{"" if own is None else _form(own)}
<form method="post" action="/hang"><button name="seconds" value="20">Make a detector hang for 20 s</button></form>
<form method="post" action="/hang"><button name="seconds" value="0">Resume it</button></form>
<div id="entries">{entries_table(snapshot, stalled_s)}</div>
<script src="/page.js" type="module"></script></body></html>
"""


def _form(own: OwnComment) -> str:
    said = ""
    if own.link:
        said = (
            f'<p class="said" role="status">Seawall answered <b>{escape(own.verdict)}</b>. '
            f'<a href="{escape(own.link)}" target="_blank" rel="noopener">See why in the console</a>.</p>'
        )
    return (
        '<form class="own" method="post" action="/comments"><label for="text">Write a comment of your own</label> '
        f'<input id="text" name="text" maxlength="2000" required> <button>Post it</button></form>{said}'
    )


def entries_table(snapshot: Mapping[str, Any], stalled_s: float) -> str:
    """Counts, then the latest changes, as an HTML fragment."""
    numbers = "".join(
        f"<li><b>{snapshot[name]:,}</b> {label}</li>"
        for name, label in (
            ("known", "items and accounts"),
            ("held", "held"),
            ("removed", "removed"),
            ("messages", "webhooks applied"),
            ("duplicates", "duplicates ignored"),
            ("refused", "refused signatures"),
        )
    )
    stalled = f'<p class="stalled">A detector hangs for {stalled_s:.0f} s more.</p>' if stalled_s else ""
    rows = "".join(_row(entry) for entry in snapshot["entries"])
    return (
        f'<ul class="numbers">{numbers}</ul>{stalled}<table><thead><tr><th>What</th><th>Visitors see</th>'
        f"<th>First answer</th><th>In force</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(entry: Mapping[str, Any]) -> str:
    in_force = escape(", ".join(entry["in_force"])) or "–"
    why = f'<span class="key">{escape(entry["why"])}</span>' if entry["why"] and entry["in_force"] else ""
    state = "account" if entry["key"].startswith("account ") else entry["state"]
    return (
        f'<tr class="{entry["state"]}"><td class="what"><span class="text">{escape(entry["title"])}</span>'
        f'<span class="key">{escape(entry["key"])}</span></td><td class="state">{state}</td>'
        f"<td>{escape(entry['answer'])}</td><td>{in_force}{why}</td></tr>"
    )
