"""What a decision records of detectors that were not asked, as missing answers: for whoever makes its row anew."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.model import Decision, Unknown, UnknownReason


def unasked(decision: Decision, fields: Iterable[str]) -> tuple[Unknown, ...]:
    """What was unneeded, part by part, and what was not permitted, for each of the fields: unknown, and never zero."""
    unneeded = [one.partition("/") for one in decision.unneeded]
    withheld = {name for one in decision.not_permitted for name in one.detectors}
    return (
        *(Unknown(detector=name, part=part, reason=UnknownReason.LATER) for name, _, part in unneeded),
        *(
            Unknown(detector=name, part=field, reason=UnknownReason.NOT_PERMITTED)
            for name in sorted(withheld)
            for field in fields
        ),
    )
