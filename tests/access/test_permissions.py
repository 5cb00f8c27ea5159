"""Roles and what they open."""

from __future__ import annotations

from seawall.access.permissions import PERMISSIONS, Permission, PersonRole, permissions_of


def test_every_role_has_permissions_and_the_admin_has_all() -> None:
    assert set(PERMISSIONS) == set(PersonRole)
    assert PERMISSIONS[PersonRole.ADMIN] == set(Permission)


def test_only_admins_manage_access_and_replay() -> None:
    for permission in (Permission.MANAGE_ACCESS, Permission.REPLAY_DELIVERIES, Permission.VERIFY_LEDGER):
        assert [role for role in PersonRole if permission in PERMISSIONS[role]] == [PersonRole.ADMIN]


def test_policy_specialists_see_content_and_do_not_decide() -> None:
    policy = permissions_of([PersonRole.POLICY])
    assert Permission.SEE_CONTENT in policy
    assert Permission.REVIEW not in policy
    assert Permission.REVIEW in permissions_of([PersonRole.POLICY, PersonRole.REVIEWER])


def test_nobody_without_a_role() -> None:
    assert permissions_of([]) == frozenset()
