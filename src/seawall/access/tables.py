"""Tables of people, sessions, API keys and content views. ``view`` is a projection; the others are operational."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, Text, text

from seawall.storage.database import metadata

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),  # "per_…": the surrogate in the ledger
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password", Text, nullable=False),  # argon2id, with its parameters and salt
    Column("roles", Text, nullable=False),  # comma-separated
    Column("team", Text, nullable=False, server_default=text("''")),  # empty: none
    Column("languages", Text),  # that they read, comma-separated; null: not stated
    Column("skills", Text),  # comma-separated; null: not stated, empty: none
    Column("disabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("token", Text, primary_key=True),  # SHA-256 of the cookie's token
    Column("person", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

# What a person chose for their own console: ``Preferences`` as JSON. Of no concern to the ledger.
preference = Table(
    "person_preference",
    metadata,
    Column("person", Text, primary_key=True),
    Column("chosen", Text, nullable=False),
)

# Links by which a person chooses a password, once: an invitation, or a reset. At most one for each person.
password_link = Table(
    "password_link",
    metadata,
    Column("person", Text, primary_key=True),
    Column("token", Text, nullable=False, unique=True),  # SHA-256 of the link's token
    Column("expires_at", BigInteger, nullable=False),
)

# Which account an identity at an OpenID provider opens.
oidc_identity = Table(
    "oidc_identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("provisioned", Boolean, nullable=False),  # the provider made the account, so its claims are the roles
    Column("created_at", BigInteger, nullable=False),
    Index("ix_oidc_identity_person", "person", "issuer", unique=True),
)

# Sign-ins with the provider that were completed, so that none is completed twice.
oidc_used = Table(
    "oidc_used",
    metadata,
    Column("state", Text, primary_key=True),  # SHA-256 of the attempt's state
    Column("expires_at", BigInteger, nullable=False),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("key", Text, nullable=False),  # SHA-256 of an email and an address, or of an address
    Column("at", BigInteger, nullable=False),
    Index("ix_sign_in_failure_key", "key", "at"),
    Index("ix_sign_in_failure_at", "at"),
)

# Browsers that signed in: their attempts are counted apart from those of strangers.
known_browser = Table(
    "known_browser",
    metadata,
    Column("key", Text, primary_key=True),  # SHA-256 of an email and the token in the browser's cookie
    Column("at", BigInteger, nullable=False),  # the last sign-in
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),  # SHA-256 of the key
    Column("scopes", Text, nullable=False),  # comma-separated
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# Which person viewed which content.
view = Table(
    "content_view",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("page", Text, nullable=False),
    Index("ix_content_view_item", "item", "seq"),
    Index("ix_content_view_person", "person", "seq"),
)
