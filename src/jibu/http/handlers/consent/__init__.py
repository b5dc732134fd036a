"""The consent API: one thin method per operation."""

from __future__ import annotations

from jibu.http.call import Handler
from jibu.http.gate import Gate
from jibu.http.handlers.consent.auditing import AuditHandlers
from jibu.http.handlers.consent.configuring import AgreementHandlers, PolicyHandlers
from jibu.http.handlers.consent.individuals import IndividualHandlers, WebhookHandlers
from jibu.http.handlers.consent.recording import RecordHandlers, SignatureHandlers
from jibu.http.handlers.consent.steps import told
from jibu.usecases.consent.services import ConsentServices


def consent_table(services: ConsentServices, gate: Gate) -> dict[str, Handler]:
    """Return the handler of every operation id."""
    policies = PolicyHandlers(services.policies, gate)
    agreements = AgreementHandlers(services.agreements, services.checking, gate)
    individuals = IndividualHandlers(services.individuals, gate)
    webhooks = WebhookHandlers(services.webhooks, gate)
    records = RecordHandlers(services, gate)
    signatures = SignatureHandlers(services.signing, gate)
    audit = AuditHandlers(services, gate)
    found = {
        "configPolicyCreate": policies.create,
        "configPolicyRead": policies.get,
        "configPolicyUpdate": policies.update,
        "configPolicyDelete": policies.delete,
        "configPolicyRevisionsList": policies.revisions,
        "configPolicyList": policies.page,
        "servicePolicyRead": policies.get,
        "configDataAgreementCreate": agreements.create,
        "configDataAgreementRead": agreements.get,
        "configDataAgreementUpdate": agreements.update,
        "configDataAgreementDelete": agreements.delete,
        "configDataAgreementList": agreements.page,
        "serviceDataAgreementRead": agreements.get,
        "serviceVerificationDataAgreementList": agreements.active,
        "auditDataAgreementList": agreements.all,
        "auditDataAgreementRead": agreements.plain,
        "configIndividualCreate": individuals.create,
        "configIndividualRead": individuals.get,
        "configIndividualList": individuals.page,
        "serviceIndividualCreate": individuals.create,
        "serviceIndividualRead": individuals.get,
        "serviceIndividualUpdate": individuals.update,
        "serviceIndividualList": individuals.page,
        "configWebhookCreate": webhooks.create,
        "configWebhookRead": webhooks.get,
        "configWebhookUpdate": webhooks.update,
        "configWebhookDelete": webhooks.delete,
        "configWebhookList": webhooks.page,
        "serviceIndividualConsentRecordCreate": records.create,
        "serviceIndividualConsentRecordRead": records.current,
        "serviceIndividualConsentRecordDraftCreate": records.draft,
        "serviceIndividualConsentRecordSignatureCreate": records.create_signed,
        "serviceIndividualConsentRecordList": records.page,
        "serviceIndividualConsentRecordUpdate": records.update,
        "serviceIndividualDataAgreementConsentRecordList": records.for_agreement,
        "serviceIndividualConsentRecordDeleteAll": records.forget,
        "serviceIndividualSignatureCreate": signatures.start,
        "serviceIndividualSignatureUpdate": signatures.complete,
        "serviceVerificationConsentRecordList": audit.counting,
        "serviceVerificationConsentRecordRead": audit.record_with_revision,
        "auditConsentRecordList": audit.records,
        "auditConsentRecordRead": audit.record,
        "auditRevisionList": audit.revisions,
        "auditLogList": audit.log,
        "auditBatchList": audit.batches,
        "auditVerification": audit.verification,
    }
    return {name: told(handler) for name, handler in found.items()}
