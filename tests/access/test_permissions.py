"""Roles and what they open."""

from __future__ import annotations

from seawall.access.permissions import PERMISSIONS, Permission, Role, permissions_of


def test_every_role_has_permissions_and_the_admin_has_all() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.ADMIN] == set(Permission)


def test_only_admins_manage_access_and_replay() -> None:
    for permission in (Permission.MANAGE_ACCESS, Permission.REPLAY_DELIVERIES, Permission.VERIFY_LEDGER):
        assert [role for role in Role if permission in PERMISSIONS[role]] == [Role.ADMIN]


def test_policy_specialists_see_content_and_do_not_decide() -> None:
    policy = permissions_of([Role.POLICY])
    assert Permission.SEE_CONTENT in policy
    assert Permission.REVIEW not in policy
    assert Permission.REVIEW in permissions_of([Role.POLICY, Role.REVIEWER])


def test_nobody_without_a_role() -> None:
    assert permissions_of([]) == frozenset()
