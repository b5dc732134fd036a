"""Conversations, answers that were given, and feedback on them."""

from __future__ import annotations

from starlette.responses import Response

from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.personal import context_of
from jibu.http.services import Services


class ConversationHandlers:
    """``/conversations`` and ``/answers``."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._conversations = services.conversations
        self._answers = services.answers
        self._feedback = services.feedback
        self._gate = gate

    async def create(self, call: Call) -> Response:
        """Start one, with earlier turns where there are."""
        turns = tuple((turn["role"], turn["text"]) for turn in (call.body or {}).get("turns", []))
        made = await self._gate.run(lambda: self._conversations.create(call.caller, turns))
        where = f"{views.BASE}/conversations/{made.conversation_id}"
        return Json(views.conversation(made), status_code=201, headers={"Location": where})

    async def page(self, call: Call) -> Response:
        """List the caller's own."""
        offset, limit = call.params["offset"], call.params["limit"]
        found = await self._gate.run(
            lambda: self._conversations.page(call.caller, offset=offset, limit=limit)
        )
        return Json(views.page(found, views.conversation_line, offset=offset, limit=limit))

    async def get(self, call: Call) -> Response:
        """Read one with its turns."""
        name = call.params["conversationId"]
        context = context_of(call)
        found = await self._gate.run(lambda: self._conversations.get(call.caller, name, context=context))
        return Json(views.conversation(found))

    async def delete(self, call: Call) -> Response:
        """Remove one with its answers."""
        name = call.params["conversationId"]
        await self._gate.run(lambda: self._conversations.delete(call.caller, name))
        return Response(status_code=204)

    async def answer(self, call: Call) -> Response:
        """Read an answer that was given."""
        name, context = call.params["answerId"], context_of(call)
        found = await self._gate.run(lambda: self._answers.get(call.caller, name, context=context))
        return Json(views.answer(found))

    async def feedback(self, call: Call) -> Response:
        """Rate an answer."""
        name, body, context = call.params["answerId"], call.body, context_of(call)
        rating, reason = body["rating"], body.get("reason")
        await self._gate.run(lambda: self._feedback.give(call.caller, name, rating, reason, context=context))
        return Response(status_code=204)
