"""The built projections in one value, which every transaction of the ledger reads.

Triggers keep it, so that code of the release before, which writes ``projection_state`` alone, keeps it too.
"""

from __future__ import annotations

from alembic.operations import Operations

_SQLITE = (
    "SELECT coalesce(group_concat(name || '=' || version, ' '), '') "
    "FROM (SELECT name, version FROM projection_state ORDER BY name)"
)
_POSTGRESQL = (
    "SELECT coalesce(string_agg(name || '=' || version, ' ' ORDER BY name COLLATE \"C\"), '') FROM projection_state"
)


def upgrade(op: Operations) -> None:
    """Add the row and the triggers."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    built = _SQLITE if sqlite else _POSTGRESQL
    op.execute(f"INSERT INTO storage_state (name, value) VALUES ('projections', ({built}))")  # noqa: S608 - constants
    update = f"UPDATE storage_state SET value = ({built}) WHERE name = 'projections'"  # noqa: S608 - constants
    if sqlite:
        for verb in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER projection_state_{verb.lower()} AFTER {verb} ON projection_state BEGIN {update}; END"
            )
        return
    op.execute(
        "CREATE FUNCTION seawall_built_projections() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN {update}; RETURN NULL; END$$"
    )
    op.execute(
        "CREATE TRIGGER projection_state_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON projection_state "
        "FOR EACH STATEMENT EXECUTE FUNCTION seawall_built_projections()"
    )
