"""Policies and data agreements."""

from __future__ import annotations

from starlette.responses import Response

from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.handlers.consent import bodies, views
from jibu.http.handlers.consent.steps import expected, listed, versioned, window
from jibu.usecases.consent.agreements import Agreements
from jibu.usecases.consent.checking import Checking
from jibu.usecases.consent.policies import Policies


class PolicyHandlers:
    """``/config/policy…``, ``/service/policy…``."""

    def __init__(self, policies: Policies, gate: Gate) -> None:
        self._policies = policies
        self._gate = gate

    async def create(self, call: Call) -> Response:
        """Keep a new one."""
        wanted = bodies.policy(call.body["policy"])
        found = await self._gate.run(lambda: self._policies.create(call.caller, wanted))
        return versioned("policy", found, views.policy)

    async def get(self, call: Call) -> Response:
        """Read one, as it is or was."""
        name, revision_id = call.params["policyId"], call.params.get("revisionId")
        found = await self._gate.run(lambda: self._policies.get(name, revision_id))
        return versioned("policy", found, views.policy)

    async def update(self, call: Call) -> Response:
        """Change one."""
        name, wanted, seen = call.params["policyId"], bodies.policy(call.body["policy"]), expected(call)
        found = await self._gate.run(lambda: self._policies.update(call.caller, name, wanted, expected=seen))
        return versioned("policy", found, views.policy)

    async def delete(self, call: Call) -> Response:
        """Delete one that is not in use."""
        name, seen = call.params["policyId"], expected(call)
        found = await self._gate.run(lambda: self._policies.delete(call.caller, name, expected=seen))
        return Json({"revision": views.revision(found)})

    async def revisions(self, call: Call) -> Response:
        """List the history of one."""
        name = call.params["policyId"]
        policy, found = await self._gate.run(lambda: self._policies.revisions(name, **window(call)))
        history = [views.revision(item) for item in found.items]
        return Json({"policy": views.policy(policy), "revisions": history, "total": found.total})

    async def page(self, call: Call) -> Response:
        """List them."""
        revision_id = call.params.get("revisionId")
        found = await self._gate.run(lambda: self._policies.page(**window(call), revision_id=revision_id))
        return listed("policies", found, views.policy)


class AgreementHandlers:
    """``/config/data-agreement…`` and where others read them."""

    def __init__(self, agreements: Agreements, checking: Checking, gate: Gate) -> None:
        self._agreements = agreements
        self._checking = checking
        self._gate = gate

    async def create(self, call: Call) -> Response:
        """Keep a new one."""
        wanted = bodies.agreement(call.body["dataAgreement"])
        found = await self._gate.run(lambda: self._agreements.create(call.caller, wanted))
        return versioned("dataAgreement", found, views.agreement)

    async def get(self, call: Call) -> Response:
        """Read one."""
        name = call.params["dataAgreementId"]
        found = await self._gate.run(lambda: self._agreements.get(name))
        return versioned("dataAgreement", found, views.agreement)

    async def update(self, call: Call) -> Response:
        """Change one."""
        name, seen = call.params["dataAgreementId"], expected(call)
        wanted = bodies.agreement(call.body["dataAgreement"])
        found = await self._gate.run(
            lambda: self._agreements.update(call.caller, name, wanted, expected=seen)
        )
        return versioned("dataAgreement", found, views.agreement)

    async def delete(self, call: Call) -> Response:
        """End one."""
        name, seen = call.params["dataAgreementId"], expected(call)
        found = await self._gate.run(lambda: self._agreements.delete(call.caller, name, expected=seen))
        return Json({"revision": views.revision(found)})

    async def page(self, call: Call) -> Response:
        """List them; the list's name is the published contract's."""
        found = await self._gate.run(lambda: self._checking.agreements(**window(call)))
        return listed("dataAgreement", found, views.agreement)

    async def active(self, call: Call) -> Response:
        """List those that can be consented to."""
        found = await self._gate.run(lambda: self._checking.governed(**window(call)))
        return listed("dataAgreements", found, views.agreement)

    async def all(self, call: Call) -> Response:
        """List them for an auditor."""
        found = await self._gate.run(lambda: self._checking.agreements(**window(call)))
        return listed("dataAgreements", found, views.agreement)

    async def plain(self, call: Call) -> Response:
        """Read one for an auditor."""
        name = call.params["dataAgreementId"]
        found = await self._gate.run(lambda: self._checking.agreement(name))
        return Json({"dataAgreement": views.agreement(found)})
