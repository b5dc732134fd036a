"""What data consumers verify and auditors look at."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from jibu.domain.consent.values import Schema
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.handlers.consent import views
from jibu.http.handlers.consent.steps import listed, window
from jibu.usecases.consent.services import ConsentServices


class AuditHandlers:
    """``/service/verification/…``, ``/audit/…``."""

    def __init__(self, services: ConsentServices, gate: Gate) -> None:
        self._checking = services.checking
        self._auditing = services.auditing
        self._gate = gate

    async def counting(self, call: Call) -> Response:
        """List records that count."""
        found = await self._gate.run(lambda: self._checking.records(**_wanted(call), current=True))
        return listed("consentRecords", found, views.record)

    async def records(self, call: Call) -> Response:
        """List all records."""
        found = await self._gate.run(lambda: self._checking.records(**_wanted(call)))
        return listed("consentRecords", found, views.record)

    async def record(self, call: Call) -> Response:
        """Read one."""
        name = call.params["consentRecordId"]
        found = await self._gate.run(lambda: self._checking.record(name))
        return Json({"consentRecord": views.record(found)})

    async def record_with_revision(self, call: Call) -> Response:
        """Read one with its newest revision."""
        name = call.params["consentRecordId"]
        found = await self._gate.run(lambda: self._checking.record(name))
        body = {"consentRecord": views.record(found)}
        if found.revision is not None:
            body["revision"] = views.revision(found.revision)
        return Json(body)

    async def revisions(self, call: Call) -> Response:
        """List an object's history."""
        schema, name = Schema(call.params["schemaName"]), call.params["objectId"]
        newest_first = call.params["sort"] == "desc"
        found = await self._gate.run(
            lambda: self._checking.revisions(schema, name, **window(call), newest_first=newest_first)
        )
        return listed("revisions", found, views.revision)

    async def log(self, call: Call) -> Response:
        """Read the audit log."""
        name = call.params.get("objectId")
        found = await self._gate.run(lambda: self._checking.log(**window(call), object_id=name))
        return listed("entries", found, views.entry)

    async def batches(self, call: Call) -> Response:
        """List signed batches."""
        found = await self._gate.run(lambda: self._auditing.batches(**window(call)))
        return listed("batches", found, views.batch)

    async def verification(self, call: Call) -> Response:  # noqa: ARG002 - it takes nothing
        """Prove the history."""
        return Json(views.report(await self._gate.run(self._auditing.verify)))


def _wanted(call: Call) -> dict[str, Any]:
    return {
        **window(call),
        "individual_id": call.params.get("individualId"),
        "agreement_id": call.params.get("dataAgreementId"),
        "governing": call.params.get("governing"),
        "newest_first": call.params["sort"] == "desc",
    }
