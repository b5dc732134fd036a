"""Migrations, run from the package itself."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from jibu.domain.errors import Misconfigured

HEAD = "0002"
"""The newest revision in ``migrations/versions``; a test keeps this true."""

MIGRATIONS = Path(__file__).parent / "migrations"


def current(connection: Connection) -> str | None:
    """Return the database's revision, None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(connection: Connection, revision: str = HEAD) -> None:
    """Move up or down to ``revision`` ("base": nothing left) in the transaction that is open.

    Raises: Misconfigured when the database is at a revision that this code does not know.
    """
    present = current(connection)
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
        raise Misconfigured(
            f"the database (revision {present}) is newer than this version of Jibu; update Jibu"
        )
    if revision == "base" or (present is not None and known.index(present) < known.index(revision)):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
