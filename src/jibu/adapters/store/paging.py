"""One page of a query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, func, select

from jibu.ports import Page

T = TypeVar("T")


def page_of(
    db: Connection, query: Select[Any], view: Callable[[Row[Any]], T], *, offset: int, limit: int | None
) -> Page[T]:
    """Return a page of a query that has an order, and how many rows there are in all."""
    total = db.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    rows = db.execute(query.offset(offset) if limit is None else query.offset(offset).limit(limit))
    return Page(tuple(view(row) for row in rows), int(total))


def put(db: Connection, table: Any, key: Any, values: dict[str, Any], new: dict[str, Any]) -> None:
    """Update the row with this key, or insert it with ``new`` besides."""
    column, value = key
    if not db.execute(table.update().where(column == value).values(**values)).rowcount:
        db.execute(table.insert().values(**{column.name: value}, **values, **new))
