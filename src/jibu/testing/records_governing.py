"""Cases of the record store's contract: when a consent lets data be used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jibu.domain.consent.values import Individual, RecordState
from jibu.ports import Records
from jibu.testing.records_consent import AGREEMENT, RECORD, consented
from jibu.testing.records_samples import LATER, NOW


class GoverningCases:
    """When data may be used."""

    @pytest.mark.parametrize(
        ("holds", "agreement", "record", "accepts"),
        [
            (True, {}, {}, ("v1",)),
            (True, {"signature_required": True}, {"state": RecordState.SIGNED}, ("v1",)),
            (True, {}, {"state": RecordState.PENDING}, ("v1",)),
            (True, {}, {}, ("v0", "v1", "v2")),
            (False, {"signature_required": True}, {}, ("v1",)),
            (False, {"signature_required": True}, {"state": RecordState.PENDING}, ("v1",)),
            (False, {"active": False}, {}, ("v1",)),
            (False, {"terminated": True}, {}, ("v1",)),
            (False, {}, {"opt_in": False}, ("v1",)),
            (False, {}, {"opt_in": False, "state": RecordState.SIGNED}, ("v1",)),
            (False, {}, {"current": False}, ("v1",)),
            (False, {}, {"given_at": LATER}, ("v1",)),
            (False, {}, {}, ("v2",)),
            (False, {}, {}, ()),
        ],
    )
    def test_it_takes_everything(
        self,
        records: Records,
        holds: bool,  # noqa: FBT001
        agreement: dict[str, object],
        record: dict[str, object],
        accepts: tuple[str, ...],
    ) -> None:
        """One thing missing is enough for a no; a listing and the question say the same."""
        consented(
            records,
            replace(AGREEMENT, **agreement),  # type: ignore[arg-type]
            replace(RECORD, **record),  # type: ignore[arg-type]
            accepts,
        )
        with records.read() as uow:
            assert uow.consent.governs("i1", "a1", NOW) is holds
            if "given_at" not in record:
                assert uow.consent.records(offset=0, limit=9, governing=holds).total == 1
                assert uow.consent.records(offset=0, limit=9, governing=not holds).total == 0

    def test_what_is_unknown_does_not_govern(self, records: Records) -> None:
        """Neither individual, nor agreement, nor an individual who never said anything."""
        consented(records, record=None)
        with records.read() as uow:
            for who, what in (("i1", "a1"), ("i2", "a1"), ("i1", "a2"), ("", ""), ("%", "a1"), ("a1", "i1")):
                assert not uow.consent.governs(who, what, NOW)

    def test_another_ones_yes_is_not_mine(self, records: Records) -> None:
        """Each record stands for its own individual and agreement alone."""
        consented(records)
        with records.write() as uow:
            uow.consent.put_individual(Individual("i2"), at=NOW)
            other = replace(AGREEMENT, agreement_id="a2")
            uow.agreements.put_agreement(other, accepts=("v1", "w1"), at=NOW)
            uow.commit()
        with records.read() as uow:
            assert uow.consent.governs("i1", "a1", NOW)
            assert not uow.consent.governs("i2", "a1", NOW)
            assert not uow.consent.governs("i1", "a2", NOW)
