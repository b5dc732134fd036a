"""Individuals, by reference, and the keys that sign for them."""

from __future__ import annotations

from dataclasses import replace

from jibu.domain.access import Caller
from jibu.domain.consent.canonical import canonical, digest
from jibu.domain.consent.values import Individual, Schema
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.ports import Clock, Page, Records, SignatureChecker, UnitOfWork
from jibu.usecases.consent.common import check_same_id, check_texts
from jibu.usecases.consent.noting import Actor, Noting, new_id

MAX_KEYS = 10
ENTRY_ID = "-"
"""Stands in the audit log for an individual's id, which is kept beside the chain so that it can be taken out."""


class Individuals:
    """Create, read, change and list individuals."""

    def __init__(self, *, records: Records, clock: Clock, signatures: SignatureChecker) -> None:
        self._records = records
        self._clock = clock
        self._signatures = signatures

    def create(self, caller: Caller, individual: Individual) -> Individual:
        """Keep a new individual, under the caller's id if it gave one. Raises: InvalidInput, Conflict, Unavailable."""
        individual = self._checked(
            replace(individual, individual_id=new_id(individual.individual_id, "individual/id"))
        )
        with self._records.write() as uow:
            try:
                uow.consent.individual(individual.individual_id)
            except NotFound:
                pass
            else:
                raise Conflict("there is an individual with this id already")
            self._keep(uow, caller, individual, "created")
            uow.commit()
        return individual

    def get(self, individual_id: str) -> Individual:
        """Return one. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            return uow.consent.individual(individual_id)

    def update(self, caller: Caller, individual_id: str, individual: Individual) -> Individual:
        """Change one. Raises: NotFound, InvalidInput, Unavailable."""
        check_same_id(individual.individual_id, individual_id, "individual/id")
        individual = self._checked(replace(individual, individual_id=individual_id))
        with self._records.write() as uow:
            if uow.consent.individual(individual_id) != individual:
                self._keep(uow, caller, individual, "updated")
                uow.commit()
        return individual

    def page(self, *, offset: int, limit: int) -> Page[Individual]:
        """List individuals, oldest first. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.consent.individuals(offset=offset, limit=limit)

    def _checked(self, individual: Individual) -> Individual:
        check_texts(
            "individual",
            externalId=individual.external_id,
            externalIdType=individual.external_id_type,
            identityProviderId=individual.identity_provider_id,
        )
        if len(individual.keys) > MAX_KEYS:
            raise InvalidInput(f"has more than {MAX_KEYS} keys", "individual/publicKeys")
        return replace(individual, keys=tuple(self._signatures.read_key(key) for key in individual.keys))

    def _keep(self, uow: UnitOfWork, caller: Caller, individual: Individual, change: str) -> None:
        at = self._clock()
        uow.consent.put_individual(individual, at=at)
        Noting(uow, Actor.of(caller), at).note(
            f"individual.{change}",
            Schema.INDIVIDUAL,
            ENTRY_ID,
            about=individual.individual_id,
            content_hash=keys_hash(individual),
        )


def keys_hash(individual: Individual) -> str:
    """Return what the audit log keeps of an individual: a hash of the keys, of nothing that tells who it is."""
    return digest(canonical(list(individual.keys)))
