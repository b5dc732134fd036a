"""The events of consent: CloudEvents types. Their data are ids and hashes, never who is meant."""

from __future__ import annotations

POLICY_CHANGED = "jibu.consent.policy.changed.v1"
"""change, policyId, revisionId, revisionHash"""
AGREEMENT_CHANGED = "jibu.consent.agreement.changed.v1"
"""change, dataAgreementId, revisionId, revisionHash, active"""
RECORD_CHANGED = "jibu.consent.record.changed.v1"
"""change, consentRecordId, dataAgreementId, revisionId, revisionHash, optIn, state"""
BATCH_SIGNED = "jibu.audit.batch.signed.v1"
"""number, first, last, head: whoever keeps these can show that the log was not cut or rewritten"""

EVENT_TYPES = (POLICY_CHANGED, AGREEMENT_CHANGED, RECORD_CHANGED, BATCH_SIGNED)
