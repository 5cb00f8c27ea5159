"""State of the simulated platform: its posts, and the actions that Seawall ordered for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HIDING = {"remove": "removed", "disable": "removed", "block": "removed", "hold": "held"}
_MOST = 5_000  # maximum number of items and accounts


@dataclass(slots=True)
class PlatformRecord:
    """One item or account. ``in_force``: kinds of action, from the newest message about it."""

    key: str
    title: str = ""
    answer: str = ""  # the verdict of the screening call
    in_force: tuple[str, ...] = ()
    why: str = ""
    sequence: int = 0
    changed: int = 0

    def state(self) -> str:
        """removed | held | visible, as seen by a visitor. Until the first message arrives, the answer decides."""
        reported = self.in_force if self.sequence else (self.answer,)
        states = {_HIDING[word] for word in reported if word in _HIDING}
        return "removed" if "removed" in states else "held" if "held" in states else "visible"


class PlatformState:
    """The platform's state. Messages may be repeated, late, or arrive before the answer they belong to. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._entries: OrderedDict[str, PlatformRecord] = OrderedDict()
        self._changes = 0
        self.messages = 0
        self.duplicates = 0
        self.refused = 0

    def posted(self, content_type: str, item_id: str, title: str, answer: str) -> None:
        """Store Seawall's answer about a post."""
        with self._lock:
            entry = self._entry(f"{content_type} {item_id}")
            entry.title, entry.answer = title, answer

    def apply(self, message_id: str, data: Mapping[str, Any]) -> bool:
        """Apply the ``data`` of one verified message. Returns False, without effect, when its id was seen before.

        A message lists everything in force on its subject, so only the newest one counts; an older one that arrives
        later changes nothing. Raises KeyError or TypeError for a message of another form.
        """
        subject, item = data["subject"], data["item"]
        key = f"{item['content_type']} {item['id']}" if subject["kind"] == "item" else f"account {subject['id']}"
        sequence, in_force = int(data["sequence"]), tuple(data["in_force"])
        why = ", ".join(dict.fromkeys(reason.get("title", reason["policy"]) for reason in data["reasons"]))
        with self._lock:
            if message_id in self._seen:
                self.duplicates += 1
                return False
            self._remember(message_id)
            self.messages += 1
            entry = self._entry(key)
            if sequence > entry.sequence:
                entry.sequence, entry.in_force, entry.why = sequence, in_force, why
            return True

    def refuse(self) -> None:
        """Count a message without valid signature."""
        with self._lock:
            self.refused += 1

    def snapshot(self, limit: int = 60) -> Mapping[str, Any]:
        """Counts and the latest changes, as plain data for JSON and for the page."""
        with self._lock:
            entries = sorted(self._entries.values(), key=lambda entry: -entry.changed)
            states = [entry.state() for entry in entries]
            return {
                "messages": self.messages,
                "duplicates": self.duplicates,
                "refused": self.refused,
                "known": len(entries),
                "held": states.count("held"),
                "removed": states.count("removed"),
                "entries": [
                    {
                        "key": entry.key,
                        "title": entry.title,
                        "answer": entry.answer,
                        "state": entry.state(),
                        "in_force": list(entry.in_force),
                        "why": entry.why,
                    }
                    for entry in entries[:limit]
                ],
            }

    def _entry(self, key: str) -> PlatformRecord:
        entry = self._entries.setdefault(key, PlatformRecord(key))
        self._entries.move_to_end(key)
        self._changes += 1
        entry.changed = self._changes
        while len(self._entries) > _MOST:
            self._entries.popitem(last=False)
        return entry

    def _remember(self, message_id: str) -> None:
        self._seen[message_id] = None
        while len(self._seen) > 10 * _MOST:
            self._seen.popitem(last=False)
