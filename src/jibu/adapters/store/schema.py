"""Migrations, run from the package itself."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from jibu.adapters.store import consent_tables, personal_tables, tables
from jibu.domain.errors import Misconfigured

HEAD = "0012"
"""The newest revision in ``migrations/versions``; a test keeps this true."""

TABLES = (tables, consent_tables, personal_tables)
"""Imported here, so that the metadata is whole wherever it is looked at."""

MIGRATIONS = Path(__file__).parent / "migrations"


def current(connection: Connection) -> str | None:
    """Return the database's revision, None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def whole(connection: Connection) -> str | None:
    """Return the revision as ``current`` does. Raises: Misconfigured when tables are missing or left over."""
    present = current(connection)
    there = set(inspect(connection).get_table_names()) & set(tables.metadata.tables)
    missing = set(tables.metadata.tables) - there if present == HEAD else set[str]()
    if missing:
        raise Misconfigured(
            f"the database says revision {present}, but has no table {', '.join(sorted(missing))}: restore a backup"
        )
    if present is None and there:
        raise Misconfigured(
            f"the database has tables of Jibu ({', '.join(sorted(there))}), but no note of their revision: "
            "restore a backup, or give Jibu an empty database"
        )
    return present


def too_new(present: str) -> Misconfigured:
    """Return the error for a revision that this code does not know."""
    return Misconfigured(f"the database (revision {present}) is newer than this version of Jibu; update Jibu")


def steps() -> list[tuple[str, str]]:
    """Return (revision, what it brings), oldest first."""
    from alembic.script import ScriptDirectory

    found = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    return [(step.revision, step.doc.splitlines()[0]) for step in found][::-1]


def migrate(connection: Connection, revision: str = HEAD) -> None:
    """Move up or down to ``revision`` ("base": nothing left) in the transaction that is open.

    Raises: Misconfigured when the database is at a revision that this code does not know.
    """
    present = whole(connection)
    if present == revision:
        return
    # Alembic is slow to import and hardly ever needed: every start but the first ends above.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = [step.revision for step in script.walk_revisions()]
    if present is not None and present not in known:
        raise too_new(present)
    if revision == "base" or (present is not None and known.index(present) < known.index(revision)):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
