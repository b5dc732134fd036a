"""Data agreements under version control."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jibu.domain.access import Caller
from jibu.domain.consent.events import AGREEMENT_CHANGED
from jibu.domain.consent.snapshots import agreement_data, policy_of
from jibu.domain.consent.values import Agreement, Policy, Revision, Schema
from jibu.domain.consent.versions import Version, accepted, version_of
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.consent.common import Versioned, check_same_id, check_texts, newest
from jibu.usecases.consent.noting import Actor, Noting, expect, new_id

LAWFUL_BASES = (
    "consent",
    "legal_obligation",
    "contract",
    "vital_interest",
    "public_task",
    "legitimate_interest",
)
DATA_USES = ("null", "data_source", "data_using_service")


@dataclass(frozen=True, slots=True)
class WantedAgreement:
    """An agreement as a caller asks for it. The policy is named by its id and, if need be, its version.

    ``compatible``: (agreement id, version) of the version that it is compatible with, then those that this one
    is said to be compatible with in turn.
    """

    agreement: Agreement
    policy_id: str | None = None
    policy_version: str | None = None
    compatible: tuple[tuple[str | None, str], ...] = ()


class Agreements:
    """Create, read, change and end data agreements."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def create(self, caller: Caller, wanted: WantedAgreement) -> Versioned[Agreement]:
        """Keep a new agreement, under the caller's id if it gave one. Raises: InvalidInput, Conflict, Unavailable."""
        agreement_id = new_id(wanted.agreement.agreement_id, "dataAgreement/id")
        with self._records.write() as uow:
            if _find(uow, agreement_id) is not None:
                raise Conflict("there is a data agreement with this id already")
            agreement = _resolved(uow, wanted, agreement_id, None)
            made = self._keep(uow, caller, agreement, "created")
            uow.commit()
        return made

    def get(self, agreement_id: str) -> Versioned[Agreement]:
        """Return one as it is. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            agreement = uow.agreements.agreement(agreement_id)
            return newest(uow, agreement, uow.revisions.latest(Schema.AGREEMENT, agreement_id))

    def page(
        self, *, offset: int, limit: int, active: bool | None = None, terminated: bool | None = None
    ) -> Page[Agreement]:
        """List agreements, oldest first. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.agreements.agreements(offset=offset, limit=limit, active=active, terminated=terminated)

    def update(
        self, caller: Caller, agreement_id: str, wanted: WantedAgreement, *, expected: str | None = None
    ) -> Versioned[Agreement]:
        """Change an agreement. Records for earlier versions hold only where the new one accepts theirs.

        The same again changes nothing. Raises: NotFound, InvalidInput, Conflict (terminated; another change
        came first), Unavailable.
        """
        check_same_id(wanted.agreement.agreement_id, agreement_id, "dataAgreement/id")
        with self._records.write() as uow:
            old = uow.agreements.agreement(agreement_id)
            latest = uow.revisions.latest(Schema.AGREEMENT, agreement_id)
            expect(latest, expected)
            if old.terminated:
                raise Conflict("this data agreement was terminated")
            agreement = _resolved(uow, wanted, agreement_id, old)
            if agreement == old:
                return newest(uow, old, latest)
            made = self._keep(uow, caller, agreement, "updated")
            uow.commit()
        return made

    def delete(self, caller: Caller, agreement_id: str, *, expected: str | None = None) -> Revision:
        """End an agreement: it goes where nobody has consented to it, else it is terminated. Its revisions stay.

        Raises: NotFound, Conflict, Unavailable.
        """
        with self._records.write() as uow:
            old = uow.agreements.agreement(agreement_id)
            latest = uow.revisions.latest(Schema.AGREEMENT, agreement_id)
            expect(latest, expected)
            if old.terminated and latest is not None:
                return latest
            revision = self._end(uow, caller, old)
            uow.commit()
        return revision

    def _end(self, uow: UnitOfWork, caller: Caller, old: Agreement) -> Revision:
        if uow.agreements.has_records(old.agreement_id):
            ended = replace(old, active=False, terminated=True)
            return self._keep(uow, caller, ended, "terminated").revision
        at = self._clock()
        uow.agreements.delete_agreement(old.agreement_id)
        noting = Noting(uow, Actor.of(caller), at)
        revision = noting.revise(
            Schema.AGREEMENT, old.agreement_id, {"id": old.agreement_id, "deleted": True}
        )
        _tell(noting, replace(old, active=False), revision, "deleted")
        return revision

    def _keep(
        self, uow: UnitOfWork, caller: Caller, agreement: Agreement, change: str
    ) -> Versioned[Agreement]:
        at = self._clock()
        history = _history(uow, agreement.agreement_id)
        noting = Noting(uow, Actor.of(caller), at)
        revision = noting.revise(Schema.AGREEMENT, agreement.agreement_id, agreement_data(agreement))
        accepts = accepted(history, version_of(revision))
        uow.agreements.put_agreement(agreement, accepts=accepts, at=at)
        _tell(noting, agreement, revision, change)
        return Versioned(agreement, revision)


def _history(uow: UnitOfWork, agreement_id: str) -> list[Version]:
    return [version_of(revision) for revision in uow.revisions.of(Schema.AGREEMENT, agreement_id).items]


def _tell(noting: Noting, agreement: Agreement, revision: Revision, change: str) -> None:
    noting.announce(
        AGREEMENT_CHANGED,
        agreement.agreement_id,
        {
            "change": change,
            "dataAgreementId": agreement.agreement_id,
            "revisionId": revision.revision_id,
            "revisionHash": revision.hash,
            "active": agreement.active,
        },
    )
    noting.note(f"agreement.{change}", Schema.AGREEMENT, agreement.agreement_id, revision=revision)


def _find(uow: UnitOfWork, agreement_id: str) -> Agreement | None:
    try:
        return uow.agreements.agreement(agreement_id)
    except NotFound:
        return None


def _resolved(
    uow: UnitOfWork, wanted: WantedAgreement, agreement_id: str, old: Agreement | None
) -> Agreement:
    agreement = replace(
        wanted.agreement,
        agreement_id=agreement_id,
        policy=_policy(uow, wanted, old),
        compatible_with=_compatible(wanted, agreement_id),
    )
    _check(agreement)
    return agreement


def _policy(uow: UnitOfWork, wanted: WantedAgreement, old: Agreement | None) -> Policy | None:
    """Return the policy of the version that is asked for: the one that the agreement has, or an own one of it."""
    if wanted.policy_id is None:
        return None
    try:
        present = uow.agreements.policy(wanted.policy_id)
    except NotFound as error:
        raise InvalidInput("there is no policy with this id", "dataAgreement/policy/id") from error
    if wanted.policy_version is None or present.version == wanted.policy_version:
        return present
    kept = old.policy if old is not None else None
    if kept is not None and (kept.policy_id, kept.version) == (wanted.policy_id, wanted.policy_version):
        return kept
    history = uow.revisions.of(Schema.POLICY, wanted.policy_id).items
    for policy in (policy_of(revision) for revision in reversed(history)):
        if policy is not None and policy.version == wanted.policy_version:
            return policy
    raise InvalidInput("the policy has no such version", "dataAgreement/policy/version")


def _compatible(wanted: WantedAgreement, agreement_id: str) -> str | None:
    names = [wanted.agreement.version]
    for other_id, version in wanted.compatible:
        if other_id and other_id != agreement_id:
            raise InvalidInput(
                "only versions of the same data agreement can be compatible",
                "dataAgreement/compatibleWithVersion/id",
            )
        if version in names:
            raise InvalidInput(
                "a version cannot be compatible with itself, not by way of others either",
                "dataAgreement/compatibleWithVersion",
            )
        names.append(version)
    return names[1] if len(names) > 1 else None


def _check(agreement: Agreement) -> None:
    controller = agreement.controller
    check_texts(
        "dataAgreement",
        version=agreement.version,
        purpose=agreement.purpose,
        dpia=agreement.dpia,
        controller=None if controller is None else f"{controller.name} {controller.url}",
    )
    if agreement.lawful_basis not in LAWFUL_BASES:
        raise InvalidInput(f"is none of {', '.join(LAWFUL_BASES)}", "dataAgreement/lawfulBasis")
    if agreement.data_use is not None and agreement.data_use not in DATA_USES:
        raise InvalidInput(f"is none of {', '.join(DATA_USES)}", "dataAgreement/dataUse")
    if not agreement.version.strip() or not agreement.purpose.strip():
        raise InvalidInput("version and purpose may not be blank", "dataAgreement")
