"""Authentication and authorization: people, roles, sessions, API keys, and the log of content views.

from seawall import access

access.create_person(ledger, "ada@example.org", "Ada", "correct horse battery", ["reviewer"])
throttle = access.Throttle(database)                      # one for each process
person = access.authenticate(database, throttle, "ada@example.org", "correct horse battery", address)
token = access.start_session(database, person)            # into the cookie
session = access.find_session(database, token)            # from the cookie: person, permissions, CSRF token

token = access.create_key(ledger, "shop", ["screen"])   # sw_…, shown once
keys = access.Keys(database)                              # one for each process; asks SQL every few seconds
info = keys.authenticate(token)                           # KeyInfo or None
info.may(access.Scope.SCREEN)
"""

from seawall.access.component import COMPONENT
from seawall.access.content_views import record_view
from seawall.access.errors import AccessError, PasswordLinkEnded, SignInBusy, SignInFailed, SignInThrottled
from seawall.access.identities import sign_in_identity
from seawall.access.keys import KeyInfo, Keys, create_key, list_keys, revoke_key
from seawall.access.oidc import ATTEMPT_MS, CALLBACK, OidcClient, OidcRefused
from seawall.access.password_links import (
    LINK_LIFE_MS,
    PasswordLink,
    choose_password,
    invite_person,
    make_password_link,
    person_of_link,
)
from seawall.access.passwords import warm_up as warm_up_passwords
from seawall.access.people import (
    Person,
    authenticate,
    change_languages,
    change_own_languages,
    change_own_password,
    change_roles,
    change_skills,
    change_team,
    create_person,
    disable_person,
    enable_person,
    find_person,
    list_people,
    record_sign_in,
    rename_person,
    reset_password,
)
from seawall.access.permissions import PERMISSIONS, Permission, PersonRole, Scope, permissions_of
from seawall.access.preferences import Preferences, opt_outs, save_preferences
from seawall.access.roles import SHIPPED, Role, Roles, Team, read_roles
from seawall.access.sessions import (
    LIFE_MS,
    Session,
    SessionRow,
    active_people,
    end_other_sessions,
    end_session,
    end_session_of,
    find_session,
    sessions_of,
    signed_in_people,
    start_session,
)
from seawall.access.throttle import KNOWN_FOR_S, FormThrottle, Throttle

__all__ = [
    "ATTEMPT_MS",
    "CALLBACK",
    "COMPONENT",
    "KNOWN_FOR_S",
    "LIFE_MS",
    "LINK_LIFE_MS",
    "PERMISSIONS",
    "SHIPPED",
    "AccessError",
    "FormThrottle",
    "KeyInfo",
    "Keys",
    "OidcClient",
    "OidcRefused",
    "PasswordLink",
    "PasswordLinkEnded",
    "Permission",
    "Person",
    "PersonRole",
    "Preferences",
    "Role",
    "Roles",
    "Scope",
    "Session",
    "SessionRow",
    "SignInBusy",
    "SignInFailed",
    "SignInThrottled",
    "Team",
    "Throttle",
    "active_people",
    "authenticate",
    "change_languages",
    "change_own_languages",
    "change_own_password",
    "change_roles",
    "change_skills",
    "change_team",
    "choose_password",
    "create_key",
    "create_person",
    "disable_person",
    "enable_person",
    "end_other_sessions",
    "end_session",
    "end_session_of",
    "find_person",
    "find_session",
    "invite_person",
    "list_keys",
    "list_people",
    "make_password_link",
    "opt_outs",
    "permissions_of",
    "person_of_link",
    "read_roles",
    "record_sign_in",
    "record_view",
    "rename_person",
    "reset_password",
    "revoke_key",
    "save_preferences",
    "sessions_of",
    "sign_in_identity",
    "signed_in_people",
    "start_session",
    "warm_up_passwords",
]
