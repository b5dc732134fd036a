"""The contract's JSON as consent's values. It has passed the contract; texts that are empty count as left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jibu.domain.consent.values import (
    Agreement,
    ConsentRecord,
    Controller,
    Individual,
    Lifecycle,
    Policy,
    Signature,
    Webhook,
)
from jibu.domain.errors import InvalidInput
from jibu.usecases.consent.agreements import WantedAgreement

Json = dict[str, Any]


def policy(body: Json) -> Policy:
    """Return a policy."""
    return Policy(
        policy_id=body.get("id", ""),
        name=body["name"],
        version=body["version"],
        url=body["url"],
        jurisdiction=body.get("jurisdiction") or None,
        industry_sector=body.get("industrySector") or None,
        data_retention_period_days=body.get("dataRetentionPeriodDays"),
        geographic_restriction=body.get("geographicRestriction") or None,
        storage_location=body.get("storageLocation") or None,
    )


def agreement(body: Json) -> WantedAgreement:
    """Return an agreement. Raises: InvalidInput when it is signed: the block's key vouches for agreements."""
    if body.get("signature"):
        raise InvalidInput(
            "cannot be set: the block's own key vouches for agreements", "dataAgreement/signature"
        )
    controller, lifecycle, named = (body.get(name) for name in ("controller", "lifecycle", "policy"))
    made = Agreement(
        agreement_id=body.get("id", ""),
        version=body["version"],
        purpose=body["purpose"],
        lawful_basis=body["lawfulBasis"],
        dpia=body["dpia"],
        controller=controller and Controller(controller.get("id", ""), controller["name"], controller["url"]),
        data_use=body.get("dataUse") or None,
        active=body.get("active", True),
        forgettable=body.get("forgettable", False),
        lifecycle=lifecycle and Lifecycle(lifecycle.get("id", ""), lifecycle["name"]),
        signature_required=body.get("signatureRequired", False),
    )
    return WantedAgreement(
        made,
        policy_id=named["id"] if named else None,
        policy_version=(named.get("version") or None) if named else None,
        compatible=_compatible(body.get("compatibleWithVersion")),
    )


def _compatible(other: Json | None) -> tuple[tuple[str | None, str], ...]:
    found = []
    while other:
        found.append((other.get("id") or None, other["version"]))
        other = other.get("compatibleWithVersion")
    return tuple(found)


def individual(body: Json) -> Individual:
    """Return an individual."""
    return Individual(
        individual_id=body.get("id", ""),
        external_id=body.get("externalId") or None,
        external_id_type=body.get("externalIdType") or None,
        identity_provider_id=body.get("identityProviderId") or None,
        keys=tuple(body.get("publicKeys", ())),
    )


def webhook(body: Json) -> Webhook:
    """Return a webhook."""
    return Webhook(
        webhook_id=body.get("id", ""),
        payload_url=body["payloadUrl"],
        content_type=body["contentType"],
        secret=body.get("secretKey", ""),
        disabled=body["disabled"],
    )


def signature(body: Json) -> Signature:
    """Return a signature."""
    return Signature(
        payload=body.get("payload", ""),
        value=body.get("signature", ""),
        verification_method=body.get("verificationMethod", ""),
        verification_payload=body.get("verificationPayload", ""),
        verification_payload_hash=body.get("verificationPayloadHash", ""),
        signed_by=body.get("verificationSignedBy", ""),
        timestamp=body.get("timestamp", ""),
        signature_id=body.get("id") or None,
        artifact=body.get("verificationArtifact") or None,
        signed_as=body.get("verificationSignedAs") or None,
        jws_header=body.get("verificationJwsHeader") or None,
        without_object_reference=body.get("signedWithoutObjectReference", False),
        object_type=body.get("objectType") or None,
        object_reference=body.get("objectReference") or None,
    )


def record(body: Json) -> ConsentRecord:
    """Return a record; what it does not say is an empty text."""
    agreed, revised, who = (
        body.get(name, {}) for name in ("dataAgreement", "dataAgreementRevision", "individual")
    )
    return ConsentRecord(
        agreement_id=agreed.get("id", ""),
        agreement_revision_id=revised.get("id", ""),
        agreement_revision_hash=body.get("dataAgreementRevisionHash", ""),
        individual_id=who.get("id", ""),
        opt_in=body.get("optIn", True),
        given_at=datetime.min.replace(tzinfo=UTC),
        record_id=body.get("id") or None,
    )
