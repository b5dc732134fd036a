"""The log of consent decisions in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from jibu.adapters.store import personal_tables as p
from jibu.domain.personal import ConsentDecision
from jibu.ports import Page

D = p.decisions.c


class SqlDecisions:
    """See ``jibu.ports.DecisionRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, decision: ConsentDecision) -> None:
        """Keep a decision."""
        self._db.execute(
            insert(p.decisions).values(
                decision_id=decision.decision_id,
                decided_at=decision.decided_at,
                granted=decision.granted,
                reason=decision.reason,
                individual_id=decision.individual_id,
                agreement_id=decision.agreement_id,
                client=decision.client,
                subject=decision.subject,
                purpose=decision.purpose,
            )
        )

    def page(self, *, offset: int, limit: int) -> Page[ConsentDecision]:
        """List decisions, newest first."""
        total = self._db.execute(select(func.count()).select_from(p.decisions)).scalar_one()
        query = select(p.decisions).order_by(D.decided_at.desc(), D.decision_id)
        rows = self._db.execute(query.offset(offset).limit(limit))
        return Page(tuple(_decision(row) for row in rows), int(total))

    def forget(self, individual_id: str, name: str) -> int:
        """Put ``name`` in place of an individual; return in how many decisions."""
        mine = update(p.decisions).where(D.individual_id == individual_id)
        changed = self._db.execute(mine.values(individual_id=name, subject=None)).rowcount
        others = update(p.decisions).where(D.subject == individual_id)
        return changed + self._db.execute(others.values(subject=None)).rowcount

    def drop(self, *, before: datetime) -> int:
        """Remove older decisions; return how many."""
        return self._db.execute(delete(p.decisions).where(D.decided_at < before)).rowcount


def _decision(row: Row[Any]) -> ConsentDecision:
    return ConsentDecision(
        row.decision_id,
        row.decided_at,
        row.granted,
        row.reason,
        row.individual_id,
        row.agreement_id,
        row.client,
        row.subject,
        row.purpose,
    )
