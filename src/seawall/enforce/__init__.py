"""Enforcement of decisions: actions, their reversal, and signed webhook deliveries to the platform.

A component that decides records the decision and applies it, in one unit of the ledger::

    def unit(tx):
        tx.append(DecisionMade(decision=decision))
        enforce.apply(tx, decision, item_is_new=False)

    ledger.commit(unit)

A worker makes the delivery attempts, one job of kind ``deliver`` each, on any number of threads::

    courier = Courier(database=…, ledger=…, vault=…, load_decision=…)
    for job in jobs.claim([JOB_KIND], worker, limit=8, lease_ms=60_000):
        deliver(courier, job)

Receivers are added with ``add_endpoint``; ``replay`` sends a message again.
"""

from seawall.enforce.component import COMPONENT
from seawall.enforce.delivery import DecisionLookup, DeliveryClient, deliver
from seawall.enforce.delivery_state import DeliveryState, EnforcementState, IllegalTransition
from seawall.enforce.diff import ActiveEnforcement, EnforcementDiff, canonical_parameters
from seawall.enforce.endpoints import (
    Endpoint,
    EndpointRefused,
    NewSecret,
    UnknownEndpoint,
    add_endpoint,
    list_endpoints,
    rotate_secret,
    set_enabled,
)
from seawall.enforce.enforce import JOB_KIND, apply, in_force, preview, send_again
from seawall.enforce.lift import LIFT_REASONS, CannotLift, lift
from seawall.enforce.recorded_items import ItemHead, RecordedItems
from seawall.enforce.redelivery import CannotReplay, UnknownDelivery, replay
from seawall.enforce.undo import undo

__all__ = [
    "COMPONENT",
    "JOB_KIND",
    "LIFT_REASONS",
    "ActiveEnforcement",
    "CannotLift",
    "CannotReplay",
    "DecisionLookup",
    "DeliveryClient",
    "DeliveryState",
    "Endpoint",
    "EndpointRefused",
    "EnforcementDiff",
    "EnforcementState",
    "IllegalTransition",
    "ItemHead",
    "NewSecret",
    "RecordedItems",
    "UnknownDelivery",
    "UnknownEndpoint",
    "add_endpoint",
    "apply",
    "canonical_parameters",
    "deliver",
    "in_force",
    "lift",
    "list_endpoints",
    "preview",
    "replay",
    "rotate_secret",
    "send_again",
    "set_enabled",
    "undo",
]
