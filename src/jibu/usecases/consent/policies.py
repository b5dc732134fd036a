"""Policies under version control."""

from __future__ import annotations

from dataclasses import replace

from jibu.domain.access import Caller
from jibu.domain.consent.events import POLICY_CHANGED
from jibu.domain.consent.snapshots import policy_data, policy_of
from jibu.domain.consent.values import Policy, Revision, Schema
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.consent.common import Versioned, check_same_id, check_texts, newest, successor_of
from jibu.usecases.consent.noting import Actor, Noting, expect, new_id


class Policies:
    """Create, read, change and delete policies."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def create(self, caller: Caller, policy: Policy) -> Versioned[Policy]:
        """Keep a new policy, under the caller's id where it gave one. Raises: InvalidInput, Conflict, Unavailable."""
        policy = replace(_checked(policy), policy_id=new_id(policy.policy_id, "policy/id"))
        with self._records.write() as uow:
            if _find(uow, policy.policy_id) is not None:
                raise Conflict("there is a policy with this id already")
            made = self._keep(uow, caller, policy, "created")
            uow.commit()
        return made

    def get(self, policy_id: str, revision_id: str | None = None) -> Versioned[Policy]:
        """Return a policy as it is or as it was at a revision, its own or one of an agreement that refers to it.

        Raises: NotFound, Unavailable.
        """
        with self._records.read() as uow:
            if revision_id is None:
                policy = uow.agreements.policy(policy_id)
                return newest(uow, policy, uow.revisions.latest(Schema.POLICY, policy_id))
            revision = uow.revisions.get(revision_id)
            found = policy_of(revision) if revision.schema in {Schema.POLICY, Schema.AGREEMENT} else None
            if found is None or found.policy_id != policy_id:
                raise NotFound("this policy has no such revision")
            return Versioned(found, revision, successor_of(uow, revision))

    def update(
        self, caller: Caller, policy_id: str, policy: Policy, *, expected: str | None = None
    ) -> Versioned[Policy]:
        """Change a policy. Agreements keep the one that they were made under. The same again changes nothing.

        Raises: NotFound, InvalidInput, Conflict, Unavailable.
        """
        check_same_id(policy.policy_id, policy_id, "policy/id")
        policy = replace(_checked(policy), policy_id=policy_id)
        with self._records.write() as uow:
            old = uow.agreements.policy(policy_id)
            latest = uow.revisions.latest(Schema.POLICY, policy_id)
            expect(latest, expected)
            if old == policy:
                return newest(uow, old, latest)
            made = self._keep(uow, caller, policy, "updated")
            uow.commit()
        return made

    def delete(self, caller: Caller, policy_id: str, *, expected: str | None = None) -> Revision:
        """Remove a policy; its revisions stay. Raises: NotFound; Conflict while an agreement uses it; Unavailable."""
        at = self._clock()
        with self._records.write() as uow:
            uow.agreements.policy(policy_id)
            expect(uow.revisions.latest(Schema.POLICY, policy_id), expected)
            using = uow.agreements.using(policy_id)
            if using:
                raise Conflict(f"a data agreement uses this policy: {using[0]}")
            uow.agreements.delete_policy(policy_id)
            noting = Noting(uow, Actor.of(caller), at)
            revision = noting.revise(Schema.POLICY, policy_id, {"id": policy_id, "deleted": True})
            _tell(noting, policy_id, revision, "deleted")
            uow.commit()
        return revision

    def revisions(self, policy_id: str, *, offset: int, limit: int) -> tuple[Policy, Page[Revision]]:
        """Return a policy and its history, oldest first. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            policy = uow.agreements.policy(policy_id)
            return policy, uow.revisions.of(Schema.POLICY, policy_id, offset=offset, limit=limit)

    def page(self, *, offset: int, limit: int, revision_id: str | None = None) -> Page[Policy]:
        """List policies, oldest first; with a revision: the one that it is of. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            if revision_id is None:
                return uow.agreements.policies(offset=offset, limit=limit)
            revision = uow.revisions.get(revision_id)
            found = policy_of(revision) if revision.schema is Schema.POLICY else None
            if found is None:
                raise NotFound("no policy has this revision")
            return Page((found,)[offset : offset + limit], 1)

    def _keep(self, uow: UnitOfWork, caller: Caller, policy: Policy, change: str) -> Versioned[Policy]:
        at = self._clock()
        uow.agreements.put_policy(policy, at=at)
        noting = Noting(uow, Actor.of(caller), at)
        revision = noting.revise(Schema.POLICY, policy.policy_id, policy_data(policy))
        _tell(noting, policy.policy_id, revision, change)
        return Versioned(policy, revision)


def _tell(noting: Noting, policy_id: str, revision: Revision, change: str) -> None:
    data = {"policyId": policy_id, "revisionId": revision.revision_id, "revisionHash": revision.hash}
    noting.announce(POLICY_CHANGED, policy_id, {"change": change, **data})
    noting.note(f"policy.{change}", Schema.POLICY, policy_id, revision=revision)


def _find(uow: UnitOfWork, policy_id: str) -> Policy | None:
    try:
        return uow.agreements.policy(policy_id)
    except NotFound:
        return None


def _checked(policy: Policy) -> Policy:
    check_texts(
        "policy",
        name=policy.name,
        version=policy.version,
        url=policy.url,
        jurisdiction=policy.jurisdiction,
        industrySector=policy.industry_sector,
        geographicRestriction=policy.geographic_restriction,
        storageLocation=policy.storage_location,
    )
    if not policy.name.strip():
        raise InvalidInput("may not be blank", "policy/name")
    return policy
