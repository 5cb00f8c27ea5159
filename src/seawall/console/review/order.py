"""Why a case stands where it does in the order, in words."""

from __future__ import annotations

from seawall.console.formats import span_of_time
from seawall.review.machine import main_chance
from seawall.review.queries import CaseRow


def order_in_words(case: CaseRow, now: int) -> str:
    """``severity 4 of 5; 0.83 sure; reported by 3; waits 2 h``: what ``review.priority.urgency`` computes from."""
    severity, probability = main_chance(case)
    known = any(one.severity == severity for one in case.policies)
    parts = [f"severity {severity} of 5" if known else f"harm unknown, taken as severity {severity} of 5"]
    parts.append(f"{probability:.2f} sure")
    if case.reports:
        parts.append(f"reported by {case.reports}")
    if not case.visible:
        parts.append("withheld from visitors")
    if case.state == "open":
        parts.append(f"waits {span_of_time(now - case.opened_at)}")
    return "; ".join(parts)
