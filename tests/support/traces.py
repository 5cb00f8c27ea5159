"""Everything that a house keeps: rows of every table, and files."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData, func, select

from seawall.app import App


def kept_by(app: App, *, without: tuple[str, ...] = ()) -> dict[str, object]:
    """The rows of every table, and the size of every file of the data folder but the database's own."""
    found: dict[str, object] = {}
    with app.database.read() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if table.name not in without:
                found[table.name] = connection.execute(select(func.count()).select_from(table)).scalar_one()
    folder = Path(app.settings.data_dir)
    paths = [path for path in folder.rglob("*") if path.is_file() and ".db" not in path.name]
    files = [path for path in paths if path.relative_to(folder).parts[0] != "indexes"]  # of the banks, made at a start
    return found | {str(path.relative_to(folder)): path.stat().st_size for path in files}
