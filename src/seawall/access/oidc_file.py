"""Reader of the file that declares an OpenID provider, and who gets which roles by its claims.

issuer: https://login.example.org/realms/staff
client_id: seawall
client_secret: ${SEAWALL_OIDC_SECRET}
name: Example login
provision: yes
roles:
  claim: groups
  map:
    moderators: reviewer
    trust-leads: [policy]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import field

from seawall.access.permissions import PersonRole
from seawall.configfile import ConfigError, ConfigStruct, Text, Texts, expand, load_yaml


class ClaimRoles(ConfigStruct, frozen=True):
    """Which values of a claim give which roles, by the roles' names. A dot in ``claim`` leads into an object."""

    claim: Text = "groups"
    map: dict[str, Texts] = field(default_factory=dict)

    def of(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """The roles that these claims give; empty when they give none."""
        value: Any = claims.get(self.claim)
        if value is None:
            value = claims
            for step in self.claim.split("."):
                value = value.get(step) if isinstance(value, Mapping) else None
        held = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(sorted({role for each in held if isinstance(each, str) for role in self.map.get(each, ())}))


class OidcConfiguration(ConfigStruct, frozen=True):
    """An OpenID provider that people may sign in with."""

    issuer: Text
    client_id: Text
    client_secret: str = ""  # empty: a public client, which PKCE alone protects
    name: Text = "single sign-on"  # on the button
    scopes: Texts = Texts(("openid", "profile", "email"))
    provision: bool = False  # whether who has no account gets one
    private_network: bool = False  # the provider is inside the private network, perhaps without TLS
    roles: ClaimRoles = ClaimRoles()


def load_oidc_file(
    path: Path, environment: Mapping[str, str] | None = None, roles: Collection[str] = tuple(PersonRole)
) -> OidcConfiguration:
    """The declared provider; ``roles``: the names of those that there are. Raises ConfigError with place and remedy."""
    section = load_yaml(path)
    found = section.convert(OidcConfiguration, raw=())
    secret = expand(found.client_secret, section.at("client_secret"), environment)
    address = urlsplit(found.issuer)
    if address.scheme not in ("https", "http") or not address.netloc or address.query or address.fragment:
        section.fail("issuer", "write the issuer's address as the provider gives it, such as https://login.example.org")
    if address.scheme == "http" and not found.private_network:
        section.fail("issuer", "write https; http is for a provider with 'private_network: yes' only")
    if "openid" not in found.scopes:
        section.fail("scopes", "add openid: without it the provider gives no ID token")
    for value, given in found.roles.map.items():
        for role in given:
            if role not in roles:
                known = ", ".join(roles)
                raise ConfigError(f"{section.at('roles')}.map.{value}: there is no role {role!r}; roles are {known}")
    if found.provision and not found.roles.map:
        section.fail("provision", "declare roles.map: who gets an account must get a role by it")
    return OidcConfiguration(
        **{name: getattr(found, name) for name in found.__struct_fields__} | {"client_secret": secret}
    )
