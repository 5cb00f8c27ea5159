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
    ASSIGN = "review.assign"  # give cases to reviewers, and take them away
    SEE_FIGURES = "review.view_figures"  # of everybody's reviews; one's own need no permission of their own
    SEE_QUALITY = "quality.view"  # agreement and accuracy of all reviewers
    ADJUDICATE = "quality.adjudicate"
    MARK_GOLDEN = "quality.mark_golden"  # and retire
    SEE_CHILD_SAFETY = "review.see_child_safety"  # cases of child safety, their items, decisions and media
    SEE_POLICIES = "publish.view_policies"
    PUBLISH_POLICIES = "publish.publish_policies"  # put the folder of the server, or an earlier bundle, in force
    SNOOZE_RULES = "screen.snooze_rules"  # set a rule aside for an account
    SEE_OPERATIONS = "enforce.view_operations"  # pending rescreens and deliveries
    SEE_BANKS = "publish.view_banks"  # what they hold, and what became of its matches
    MANAGE_BANKS = "publish.manage_banks"  # configure, add, suspend, restore, remove
    SEE_LEDGER = "storage.view_ledger"
    REPLAY_DELIVERIES = "enforce.replay_deliveries"
    VERIFY_LEDGER = "storage.verify_ledger"
    MANAGE_SUBJECTS = "storage.manage_subjects"  # export, erasure, legal holds
    MANAGE_ENDPOINTS = "enforce.manage_endpoints"
    SEE_DECIDERS = "appeal.view_deciders"  # the names of those who decided what is appealed
    MANAGE_REPORTERS = "appeal.manage_reporters"  # mute those who misuse reports
    MANAGE_ACCESS = "access.manage"  # people and API keys
    SEE_VIEWS = "access.view_log"  # who opened whose content
    MANAGE_EXPOSURE = "exposure.manage"  # end somebody's break; compare what softens content


_EVERYBODY = frozenset({Permission.SEE_OVERVIEW, Permission.SEE_POLICIES, Permission.SEE_OPERATIONS})

_REVIEWER = _EVERYBODY | {Permission.SEE_CONTENT, Permission.REVIEW, Permission.SEE_BANKS}

PERMISSIONS: dict[PersonRole, frozenset[Permission]] = {
    PersonRole.REVIEWER: _REVIEWER,
    PersonRole.CHILD_SAFETY: _REVIEWER | {Permission.SEE_CHILD_SAFETY},
    PersonRole.POLICY: _EVERYBODY
    | {
        Permission.SEE_CONTENT,
        Permission.SEE_LEDGER,
        Permission.SEE_BANKS,
        Permission.MANAGE_BANKS,
        Permission.PUBLISH_POLICIES,
        Permission.SNOOZE_RULES,
        Permission.ASSIGN,
        Permission.SEE_FIGURES,
        Permission.SEE_QUALITY,
        Permission.ADJUDICATE,
        Permission.MARK_GOLDEN,
        Permission.SEE_DECIDERS,
        Permission.MANAGE_REPORTERS,
    },
    PersonRole.ADMIN: frozenset(Permission),
}


class Scope(StrEnum):
    """The scope of an API key."""

    SCREEN = "screen"
    REPORT = "report"
    APPEAL = "appeal"  # not of ``report``: whoever may report for others must not read what is written to appellants
    READ = "read"
    REVIEW = "review"
    BANK = "bank"
    CHILD_SAFETY = "child_safety"  # beside another scope: details of items of child safety
    ADMIN = "admin"


def check_roles(declared: Collection[str]) -> None:
    """Raises ValueError when a role refers to a permission that no component declares."""
    for role, permissions in PERMISSIONS.items():
        if unknown := sorted(permissions - set(declared)):
            raise ValueError(f"the role {role} has the permission {unknown[0]}, which no component declares")


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """The union of these shipped roles' permissions."""
    return frozenset[Permission]().union(*(PERMISSIONS[PersonRole(role)] for role in roles))
