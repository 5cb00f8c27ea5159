"""Roles and what they open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seawall.access import Person
from seawall.access.permissions import PERMISSIONS, Permission, PersonRole, check_roles, permissions_of
from seawall.app import COMPONENTS


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


def test_roles_refer_to_what_components_declare() -> None:
    declared = {spec.name for component in COMPONENTS for spec in component.permissions}
    check_roles(declared)
    assert declared == set(Permission)
    with pytest.raises(ValueError, match=r"the role .* has the permission review\.decide, which no component declares"):
        check_roles(declared - {Permission.REVIEW})


def test_an_admin_may_do_what_further_components_declare() -> None:
    admin = Person(id="per_1", email="a@b.c", name="A", roles=(PersonRole.ADMIN,), disabled=False, created_at=0)
    assert admin.may("toy.greet")
    assert not replace(admin, disabled=True).may("toy.greet")
    assert not replace(admin, roles=(PersonRole.REVIEWER,)).may("toy.greet")
    assert replace(admin, roles=(PersonRole.REVIEWER,)).may(Permission.REVIEW)
