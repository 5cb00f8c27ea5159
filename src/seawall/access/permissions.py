"""Permissions: roles of people, scopes of API keys, and the table from role to permissions."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class PersonRole(StrEnum):
    """A person's role."""

    REVIEWER = "reviewer"
    POLICY = "policy"  # policy specialist
    ADMIN = "admin"


class Permission(StrEnum):
    """One permission that a page or an action requires."""

    SEE_OVERVIEW = "see_overview"
    SEE_CONTENT = "see_content"  # cases, items, decisions: what people wrote
    REVIEW = "review"  # lease and decide cases
    SEE_POLICIES = "see_policies"
    SEE_OPERATIONS = "see_operations"  # pending rescreens and deliveries
    SEE_BANKS = "see_banks"  # their entries, and the results of their matches
    MANAGE_BANKS = "manage_banks"  # configure, add, suspend, restore, remove
    SEE_LEDGER = "see_ledger"
    REPLAY_DELIVERIES = "replay_deliveries"
    VERIFY_LEDGER = "verify_ledger"
    MANAGE_ACCESS = "manage_access"  # people and API keys


_EVERYBODY = frozenset({Permission.SEE_OVERVIEW, Permission.SEE_POLICIES, Permission.SEE_OPERATIONS})

PERMISSIONS: dict[PersonRole, frozenset[Permission]] = {
    PersonRole.REVIEWER: _EVERYBODY | {Permission.SEE_CONTENT, Permission.REVIEW, Permission.SEE_BANKS},
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


def permissions_of(roles: Iterable[PersonRole]) -> frozenset[Permission]:
    """The union of these roles' permissions."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
