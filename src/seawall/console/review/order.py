"""Why a case stands where it does in the order, in words."""

from __future__ import annotations

from seawall.console.formats import coefficient, span_of_time
from seawall.console.languages import gettext as _
from seawall.review.machine import main_chance
from seawall.review.queries import CaseRow


def order_in_words(case: CaseRow, now: int, sla_s: float | None = None) -> str:
    """``severity 4 of 5; 0.83 sure; reported by 3; waits 2 h``: what ``review.priority.urgency`` computes from.

    ``sla_s``: the longest that cases of its queue should wait, in seconds.
    """
    severity, probability = main_chance(case)
    known = any(one.severity == severity for one in case.policies)
    grave = _("severity %(n)s of 5") if known else _("harm unknown, taken as severity %(n)s of 5")
    parts = [grave % {"n": severity}, _("%(probability)s sure") % {"probability": coefficient(probability)}]
    if case.reports:
        parts.append(_("reported by %(count)s") % {"count": case.reports})
    if not case.visible:
        parts.append(_("withheld from visitors"))
    if case.state == "open":
        waits = now - case.opened_at
        late = sla_s is not None and waits > sla_s * 1000
        said = _("waits %(time)s") if sla_s is None else _("waits %(time)s of %(limit)s")
        said = _("waits %(time)s of %(limit)s, too long") if late else said
        parts.append(said % {"time": span_of_time(waits), "limit": span_of_time((sla_s or 0) * 1000)})
    return "; ".join(parts)
