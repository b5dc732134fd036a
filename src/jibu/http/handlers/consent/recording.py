"""An individual's own records and their signatures."""

from __future__ import annotations

from starlette.responses import Response

from jibu.domain.errors import InvalidInput
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.handlers.consent import bodies, views
from jibu.http.handlers.consent.steps import expected, individual_of, listed, window
from jibu.http.views import receipt as receipt_view
from jibu.usecases.consent.records import Consented
from jibu.usecases.consent.services import ConsentServices
from jibu.usecases.consent.signing import Signing


class RecordHandlers:
    """``/service/individual/record/…``."""

    def __init__(self, services: ConsentServices, gate: Gate) -> None:
        self._consenting = services.consenting
        self._signing = services.signing
        self._forgetting = services.forgetting
        self._gate = gate

    async def create(self, call: Call) -> Response:
        """Consent."""
        who, params = individual_of(call), call.params
        agreement_id, revision_id = params["dataAgreementId"], params.get("revisionId")
        found = await self._gate.run(
            lambda: self._consenting.create(call.caller, who, agreement_id, revision_id)
        )
        return _with_revision(found)

    async def draft(self, call: Call) -> Response:
        """Prepare what is to be signed."""
        who, params = individual_of(call), call.params
        agreement_id, revision_id = params["dataAgreementId"], params.get("revisionId")
        found = await self._gate.run(lambda: self._consenting.draft(who, agreement_id, revision_id))
        body = {"consentRecord": views.record(found)}
        if found.signature is not None:
            body["signature"] = views.signature(found.signature)
        return Json(body)

    async def create_signed(self, call: Call) -> Response:
        """Keep a draft with its signature."""
        who = individual_of(call)
        wanted, signature = (
            bodies.record(call.body["consentRecord"]),
            bodies.signature(call.body["signature"]),
        )
        found = await self._gate.run(lambda: self._signing.create(call.caller, who, wanted, signature))
        return _with_revision(found, signed=True)

    async def current(self, call: Call) -> Response:
        """Read the record that counts."""
        who, agreement_id = individual_of(call), call.params["dataAgreementId"]
        found = await self._gate.run(lambda: self._consenting.current(who, agreement_id))
        return Json({"consentRecord": views.record(found)})

    async def page(self, call: Call) -> Response:
        """List those that count."""
        who = individual_of(call)
        found = await self._gate.run(lambda: self._consenting.page(who, None, **window(call)))
        return listed("consentRecords", found, views.record)

    async def for_agreement(self, call: Call) -> Response:
        """List all for one agreement."""
        who, agreement_id = individual_of(call), call.params["dataAgreementId"]
        found = await self._gate.run(lambda: self._consenting.page(who, agreement_id, **window(call)))
        return listed("consentRecords", found, views.record)

    async def update(self, call: Call) -> Response:
        """Opt in or out."""
        who, record_id, seen = individual_of(call), call.params["consentRecordId"], expected(call)
        if "optIn" not in call.body["consentRecord"]:
            raise InvalidInput("is missing: it is what can be changed", "consentRecord/optIn")
        wanted = bodies.record(call.body["consentRecord"])
        found = await self._gate.run(
            lambda: self._consenting.update(call.caller, who, record_id, wanted, expected=seen)
        )
        return _with_revision(found)

    async def forget(self, call: Call) -> Response:
        """Forget the individual."""
        who = individual_of(call)
        found = await self._gate.run(lambda: self._forgetting.forget(call.caller, who))
        receipt = None if found.receipt is None else receipt_view(found.receipt)
        return Json({"deleted": list(found.deleted), "kept": list(found.kept), "receipt": receipt})


class SignatureHandlers:
    """``…/signature/``."""

    def __init__(self, signing: Signing, gate: Gate) -> None:
        self._signing = signing
        self._gate = gate

    async def start(self, call: Call) -> Response:
        """Begin one."""
        who, record_id = individual_of(call), call.params["consentRecordId"]
        wanted = bodies.signature(call.body["signature"])
        found = await self._gate.run(lambda: self._signing.start(call.caller, who, record_id, wanted))
        return Json({"signature": views.signature(found)})

    async def complete(self, call: Call) -> Response:
        """Complete one."""
        who, record_id = individual_of(call), call.params["consentRecordId"]
        given = bodies.signature(call.body["signature"])
        found = await self._gate.run(lambda: self._signing.complete(call.caller, who, record_id, given))
        return Json({"signature": views.signature(found)})


def _with_revision(found: Consented, *, signed: bool = False) -> Response:
    body = {"consentRecord": views.record(found)}
    headers = {}
    if found.revision is not None:
        body["revision"] = views.revision(found.revision)
        headers["ETag"] = f'"{found.revision.revision_id}"'
    if signed and found.signature is not None:
        body["signature"] = views.signature(found.signature)
    return Json(body, headers=headers)
