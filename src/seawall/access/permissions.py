"""Who may do what: roles of people, scopes of API keys, and the table from role to permissions.

Components declare permissions (``component.verb``); those of Seawall have a name here, for roles and pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum


class PersonRole(StrEnum):
    """A person's role."""

    REVIEWER = "reviewer"
    CHILD_SAFETY = "child_safety"  # reviewer who also sees cases of child safety
    POLICY = "policy"  # policy specialist
    ADMIN = "admin"


class Permission(StrEnum):
    """One permission that a page or an action requires."""

    SEE_OVERVIEW = "screen.view_overview"
    SEE_CONTENT = "screen.view_content"  # cases, items, decisions: what people wrote
    REVIEW = "review.decide"  # lease and decide cases
    SEE_CHILD_SAFETY = "review.see_child_safety"  # cases of child safety, their items, decisions and media
    SEE_POLICIES = "publish.view_policies"
    SEE_OPERATIONS = "enforce.view_operations"  # pending rescreens and deliveries
    SEE_BANKS = "publish.view_banks"  # what they hold, and what became of its matches
    MANAGE_BANKS = "publish.manage_banks"  # configure, add, suspend, restore, remove
    SEE_LEDGER = "storage.view_ledger"
    REPLAY_DELIVERIES = "enforce.replay_deliveries"
    VERIFY_LEDGER = "storage.verify_ledger"
    MANAGE_SUBJECTS = "storage.manage_subjects"  # export, erasure, legal holds
    MANAGE_ENDPOINTS = "enforce.manage_endpoints"
    MANAGE_ACCESS = "access.manage"  # people and API keys


_EVERYBODY = frozenset({Permission.SEE_OVERVIEW, Permission.SEE_POLICIES, Permission.SEE_OPERATIONS})

_REVIEWER = _EVERYBODY | {Permission.SEE_CONTENT, Permission.REVIEW, Permission.SEE_BANKS}

PERMISSIONS: dict[PersonRole, frozenset[Permission]] = {
    PersonRole.REVIEWER: _REVIEWER,
    PersonRole.CHILD_SAFETY: _REVIEWER | {Permission.SEE_CHILD_SAFETY},
    PersonRole.POLICY: _EVERYBODY
    | {Permission.SEE_CONTENT, Permission.SEE_LEDGER, Permission.SEE_BANKS, Permission.MANAGE_BANKS},
    PersonRole.ADMIN: frozenset(Permission),
}


class Scope(StrEnum):
    """The scope of an API key."""

    SCREEN = "screen"
    REPORT = "report"
    READ = "read"
    REVIEW = "review"
    BANK = "bank"
    ADMIN = "admin"


def check_roles(declared: Collection[str]) -> None:
    """Raises ValueError when a role refers to a permission that no component declares."""
    for role, permissions in PERMISSIONS.items():
        if unknown := sorted(permissions - set(declared)):
            raise ValueError(f"the role {role} has the permission {unknown[0]}, which no component declares")


def permissions_of(roles: Iterable[PersonRole]) -> frozenset[Permission]:
    """The union of these roles' permissions."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
