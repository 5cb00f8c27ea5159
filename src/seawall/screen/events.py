"""Events of screening. Their types are in the model, because other services handle them too."""

from __future__ import annotations

from seawall.model import DecisionMade, ItemSubmitted
from seawall.storage import EventSpec

ITEM_SUBMITTED = EventSpec("item.submitted", ItemSubmitted)
DECISION_MADE = EventSpec("decision.made", DecisionMade)

EVENTS = (ITEM_SUBMITTED, DECISION_MADE)
