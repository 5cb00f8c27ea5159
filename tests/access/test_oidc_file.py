"""The file of an OpenID provider: every mistake is refused with its place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.access.oidc_file import ClaimRoles, load_oidc_file
from seawall.configfile import ConfigError, Texts
from seawall.net.client import FetchError, ask

FILE = "issuer: https://login.example.org\nclient_id: seawall\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("client_id: seawall\n", "issuer: this is missing"),
        (FILE + "secret: x\n", "unknown key"),
        (FILE.replace("https", "http"), "write https"),
        (FILE.replace("https://login", "login"), "write the issuer's address"),
        (FILE + "scopes: [email]\n", "add openid"),
        (FILE + "provision: yes\n", "declare roles.map"),
        (FILE + "roles: {map: {staff: king}}\n", "there is no role 'king'"),
        (FILE + "client_secret: ${SEAWALL_NONE}\n", "SEAWALL_NONE is not set"),
    ],
)
def test_a_mistake_is_refused_with_its_remedy(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "oidc.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"oidc\.yaml") as error:
        load_oidc_file(file, {})
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"groups": ["a", "b", "c", 1, None]}, ("policy", "reviewer")),
        ({"groups": "a"}, ("reviewer",)),
        ({"groups": {"a": True}}, ()),
        ({"groups": None}, ()),
        ({}, ()),
    ],
)
def test_roles_follow_from_the_claim(claims: dict[str, object], roles: tuple[str, ...]) -> None:
    mapped = ClaimRoles(map={"a": Texts(["reviewer"]), "b": Texts(["policy", "reviewer"])})
    assert mapped.of(claims) == roles


def test_a_dot_leads_into_an_object_and_a_name_with_dots_is_a_name() -> None:
    mapped = ClaimRoles(claim="realm.roles", map={"a": Texts(["reviewer"])})
    assert mapped.of({"realm": {"roles": ["a"]}}) == ("reviewer",)
    assert mapped.of({"realm.roles": ["a"]}) == ("reviewer",)
    assert mapped.of({"realm": ["a"]}) == ()


def test_a_provider_inside_the_private_network_must_be_declared() -> None:
    with pytest.raises(FetchError) as error:
        ask("https://127.0.0.1:9/token", headers={}, body=b"")
    assert error.value.code == "not_public"
