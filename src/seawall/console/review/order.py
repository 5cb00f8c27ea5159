"""Why a case stands where it does in the order, in words."""

from __future__ import annotations

from seawall.console.formats import span_of_time
from seawall.review.machine import main_chance
from seawall.review.queries import CaseRow


def order_in_words(case: CaseRow, now: int, sla_s: float | None = None) -> str:
    """``severity 4 of 5; 0.83 sure; reported by 3; waits 2 h``: what ``review.priority.urgency`` computes from.

    ``sla_s``: the longest that cases of its queue should wait, in seconds.
    """
    severity, probability = main_chance(case)
    known = any(one.severity == severity for one in case.policies)
    parts = [f"severity {severity} of 5" if known else f"harm unknown, taken as severity {severity} of 5"]
    parts.append(f"{probability:.2f} sure")
    if case.reports:
        parts.append(f"reported by {case.reports}")
    if not case.visible:
        parts.append("withheld from visitors")
    if case.state == "open":
        waits = now - case.opened_at
        late = sla_s is not None and waits > sla_s * 1000
        limit = "" if sla_s is None else f" of {span_of_time(sla_s * 1000)}{', too long' if late else ''}"
        parts.append(f"waits {span_of_time(waits)}{limit}")
    return "; ".join(parts)
