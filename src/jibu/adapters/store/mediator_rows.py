"""What the mediator's tables have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, insert, select, update

from jibu.domain.errors import NotFound

DIRECTORY = "mediator-directory"
"""Changes of the directory are rare: they take turns all together."""


def of_instance(column: ColumnElement[str], instance: str) -> ColumnElement[bool]:
    """Return the condition that a name of the directory is of an instance: that the part before its slash is this."""
    return (column >= f"{instance}/") & (column < f"{instance}0")  # what follows the slash in ASCII


def put(db: Connection, table: Table, key: str, values: dict[str, Any], created_at: datetime) -> bool:
    """Create or change a row; return whether it is new."""
    column = next(iter(table.primary_key.columns))
    if db.execute(update(table).where(column == key).values(**values)).rowcount:
        return False
    db.execute(insert(table).values({column.name: key, "created_at": created_at, **values}))
    return True


def one(db: Connection, query: Select[Any], missing: str) -> Row[Any]:
    """Return the row. Raises: NotFound, saying what is missing."""
    row = db.execute(query).one_or_none()
    if row is None:
        raise NotFound(missing)
    return row


def page_of(db: Connection, query: Select[Any], offset: int, limit: int) -> tuple[list[Row[Any]], int]:
    """Return a page of rows, and how many there are in all."""
    total = db.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    return list(db.execute(query.offset(offset).limit(limit))), int(total)
