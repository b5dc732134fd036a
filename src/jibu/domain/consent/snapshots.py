"""What a revision says about its object, with the names of the published contract."""

from __future__ import annotations

import json
from datetime import datetime

from jibu.domain.consent.canonical import Json, canonical, digest, moment
from jibu.domain.consent.values import Agreement, ConsentRecord, Policy, Revision, Schema


def policy_data(policy: Policy) -> dict[str, Json]:
    """Return a policy's fields; those without a value are left out."""
    return _given(
        id=policy.policy_id,
        name=policy.name,
        version=policy.version,
        url=policy.url,
        jurisdiction=policy.jurisdiction,
        industrySector=policy.industry_sector,
        dataRetentionPeriodDays=policy.data_retention_period_days,
        geographicRestriction=policy.geographic_restriction,
        storageLocation=policy.storage_location,
    )


def agreement_data(agreement: Agreement) -> dict[str, Json]:
    """Return an agreement's fields, with the policy and controller that it was made under."""
    controller, lifecycle = agreement.controller, agreement.lifecycle
    return _given(
        id=agreement.agreement_id,
        version=agreement.version,
        controller=None
        if controller is None
        else {"id": controller.controller_id, "name": controller.name, "url": controller.url},
        policy=None if agreement.policy is None else policy_data(agreement.policy),
        purpose=agreement.purpose,
        lawfulBasis=agreement.lawful_basis,
        dataUse=agreement.data_use,
        dpia=agreement.dpia,
        active=agreement.active,
        forgettable=agreement.forgettable,
        signatureRequired=agreement.signature_required,
        compatibleWithVersion=agreement.compatible_with
        and {"id": agreement.agreement_id, "version": agreement.compatible_with},
        lifecycle=None if lifecycle is None else {"id": lifecycle.lifecycle_id, "name": lifecycle.name},
        terminated=agreement.terminated or None,
    )


def record_data(record: ConsentRecord) -> dict[str, Json]:
    """Return what an individual says. State and signature are left out: they come after it."""
    return {
        "dataAgreement": {"id": record.agreement_id},
        "dataAgreementRevision": {"id": record.agreement_revision_id},
        "dataAgreementRevisionHash": record.agreement_revision_hash,
        "individual": {"id": record.individual_id},
        "optIn": record.opt_in,
    }


def snapshot(
    schema: Schema,
    data: Json,
    *,
    object_id: str | None,
    at: datetime,
    by_individual: str | None = None,
    by_other: str | None = None,
) -> str:
    """Return the text of a revision. ``object_id`` is None for a draft that is signed before it is kept."""
    return canonical(
        {
            "objectData": data,
            "schemaName": schema.value,
            "objectId": object_id,
            "signedWithoutObjectId": object_id is None,
            "timestamp": moment(at),
            "authorizedByIndividual": by_individual,
            "authorizedByOther": by_other,
        }
    )


def revised(
    schema: Schema,
    object_id: str,
    text: str,
    *,
    revision_id: str,
    at: datetime,
    latest: Revision | None,
    by_individual: str | None = None,
    by_other: str | None = None,
    without_object_id: bool = False,
    predecessor_signature: str | None = None,
) -> Revision:
    """Return the revision that comes after ``latest``."""
    return Revision(
        revision_id=revision_id,
        schema=schema,
        object_id=object_id,
        number=1 if latest is None else latest.number + 1,
        snapshot=text,
        hash=digest(text),
        at=at,
        by_individual=by_individual,
        by_other=by_other,
        without_object_id=without_object_id,
        predecessor_hash=None if latest is None else latest.hash,
        predecessor_signature=predecessor_signature,
    )


def policy_of(revision: Revision) -> Policy | None:
    """Return the policy that a revision of a policy or an agreement holds, None where it holds none."""
    data = json.loads(revision.snapshot)["objectData"]
    found = data.get("policy") if revision.schema is Schema.AGREEMENT else data
    if not found or "name" not in found:
        return None
    return Policy(
        policy_id=found["id"],
        name=found["name"],
        version=found["version"],
        url=found["url"],
        jurisdiction=found.get("jurisdiction"),
        industry_sector=found.get("industrySector"),
        data_retention_period_days=found.get("dataRetentionPeriodDays"),
        geographic_restriction=found.get("geographicRestriction"),
        storage_location=found.get("storageLocation"),
    )


def _given(**fields: Json) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}
