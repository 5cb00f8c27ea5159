"""What the simulated platform itself knows: its posts, and what Seawall told it to do about them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HIDING = {"remove": "removed", "disable": "removed", "block": "removed", "hold": "held"}
_MOST = 5_000  # items and accounts that are remembered


@dataclass(slots=True)
class PlatformRecord:
    """One item or account. ``in_force``: kinds of action, as the newest message about it said."""

    key: str
    title: str = ""
    answer: str = ""  # the verdict that the screening call gave
    in_force: tuple[str, ...] = ()
    why: str = ""
    sequence: int = 0
    changed: int = 0

    def state(self) -> str:
        """removed | held | visible: what a visitor would find. Until the first message comes, the answer counts."""
        told = self.in_force if self.sequence else (self.answer,)
        states = {_HIDING[word] for word in told if word in _HIDING}
        return "removed" if "removed" in states else "held" if "held" in states else "visible"


class PlatformState:
    """The platform's state. Messages may come twice, late, or before the answer that they belong to. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._entries: OrderedDict[str, PlatformRecord] = OrderedDict()
        self._changes = 0
        self.messages = 0
        self.duplicates = 0
        self.refused = 0

    def posted(self, content_type: str, item_id: str, title: str, answer: str) -> None:
        """The platform got Seawall's answer about something that was posted."""
        with self._lock:
            entry = self._entry(f"{content_type} {item_id}")
            entry.title, entry.answer = title, answer

    def apply(self, message_id: str, data: Mapping[str, Any]) -> bool:
        """The ``data`` of one verified message. False when its id was seen before: then nothing happens.

        A message says everything that is in force on its subject, so the newest one is all there is to know; one that
        was overtaken changes nothing. Raises KeyError or TypeError for a message of another form.
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
        """A message that was not signed as it should be."""
        with self._lock:
            self.refused += 1

    def snapshot(self, limit: int = 60) -> Mapping[str, Any]:
        """Counts, and the entries that changed last: plain data for JSON and for the page."""
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
