"""Pub/Sub: rooms, event types, subscriptions, events. Status codes are those of the published contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from starlette.responses import Response

from jibu.domain.access import Caller
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.domain.pubsub import Subscription
from jibu.http import pubsub_views as views
from jibu.http.call import Call, Handler, Json
from jibu.http.errors import BadRequest, FieldError
from jibu.http.gate import Gate
from jibu.http.views import page
from jibu.usecases.directory import client_of
from jibu.usecases.pubsub import PubSub
from jibu.usecases.pubsub.items import client_parts, item

T = TypeVar("T")


def room_id_in(call: Call) -> str:
    """Return the room that the path names."""
    p = call.params
    return "/".join((p["instanceId"], p["memberClass"], p["memberCode"], p["applicationCode"]))


class PubSubHandlers:
    """``/r1/…/api|pub|pull/v1/…`` and ``/mediator/v1/rooms``."""

    def __init__(self, pubsub: PubSub, gate: Gate) -> None:
        self._rooms = pubsub.rooms
        self._publishing = pubsub.publishing
        self._subscribing = pubsub.subscribing
        self._gate = gate

    # --- rooms ---

    async def rooms(self, call: Call) -> Response:
        """List rooms."""
        offset, limit = call.params["offset"], call.params["limit"]
        found = await self._gate.run(lambda: self._rooms.page(call.caller, offset=offset, limit=limit))
        return Json(page(found, views.room, offset=offset, limit=limit))

    async def get_room(self, call: Call) -> Response:
        """Read a room."""
        return Json(views.room(await self._gate.run(lambda: self._rooms.get(call.caller, room_id_in(call)))))

    async def put_room(self, call: Call) -> Response:
        """Create or replace a room."""
        wanted = views.room_in(room_id_in(call), call.body)
        room, new = await self._gate.run(lambda: self._rooms.put(call.caller, wanted))
        return Json(views.room(room), status_code=201 if new else 200)

    async def delete_room(self, call: Call) -> Response:
        """Remove a room."""
        await self._gate.run(lambda: self._rooms.delete(call.caller, room_id_in(call)))
        return Response(status_code=204)

    # --- event types ---

    async def add_type(self, call: Call) -> Response:
        """Create an event type."""
        caller, name, schema = _caller(call), call.body["eventType"], json.dumps(call.body["schema"])
        await self._run(lambda: self._rooms.add_type(caller, room_id_in(call), name, schema))
        return Json(call.body)

    async def types(self, call: Call) -> Response:
        """List event types by name; 204 when there are none."""
        caller = _caller(call)
        found = await self._run(lambda: self._rooms.types(caller, room_id_in(call)))
        return Json([one.name for one in found]) if found else Response(status_code=204)

    async def get_type(self, call: Call) -> Response:
        """Read an event type; 204 when there is none."""
        caller, name = _caller(call), call.params["eventType"]
        room_id = room_id_in(call)
        await self._run(lambda: self._rooms.get(caller, room_id))
        try:
            found = await self._run(lambda: self._rooms.type(caller, room_id, name))
        except NotFound:
            return Response(status_code=204)
        return Json(views.event_type(found.name, found.schema))

    async def delete_type(self, call: Call) -> Response:
        """Remove an event type."""
        caller, name = _caller(call), call.params["eventType"]
        await self._run(lambda: self._rooms.delete_type(caller, room_id_in(call), name))
        return Response(status_code=204)

    # --- publishing ---

    async def publish(self, call: Call) -> Response:
        """Accept an event."""
        caller, name, body = _caller(call), call.params["eventType"], json.dumps(call.body["event"])
        _same_type(call)
        event = await self._run(lambda: self._publishing.publish(caller, room_id_in(call), name, body))
        return Json({"id": event.event_id}, status_code=201)

    async def status(self, call: Call) -> Response:
        """Tell how far an event is."""
        caller, name, event_id = _caller(call), call.params["eventType"], call.params["eventId"]
        found = await self._run(lambda: self._publishing.status(caller, room_id_in(call), name, event_id))
        return Json(views.status(found))

    async def stop(self, call: Call) -> Response:
        """Stop an event."""
        caller, name, event_id = _caller(call), call.params["eventType"], call.params["eventId"]
        await self._run(lambda: self._publishing.stop(caller, room_id_in(call), name, event_id))
        return Response(status_code=204)

    # --- subscribing ---

    async def subscriptions(self, call: Call) -> Response:
        """List the caller's subscriptions."""
        caller = _caller(call)
        found = await self._run(lambda: self._subscribing.all(caller, room_id_in(call)))
        return Json([views.subscription(one) for one in found])

    async def get_subscription(self, call: Call) -> Response:
        """Read the caller's subscription."""
        caller, name = _caller(call), call.params["eventType"]
        found = await self._run(lambda: self._subscribing.get(caller, room_id_in(call), name))
        return Json(views.subscription(found))

    async def subscribe(self, call: Call) -> Response:
        """Subscribe the caller."""
        caller = _caller(call)
        usual = Subscription("", room_id_in(call), _same_type(call), caller.client)
        wanted = views.subscription_in(usual, call.body)
        found = await self._run(lambda: self._subscribing.add(caller, wanted))
        return Json(views.subscription(found))

    async def update_subscription(self, call: Call) -> Response:
        """Change the caller's subscription."""
        caller, name = _caller(call), _same_type(call)
        old = await self._run(lambda: self._subscribing.get(caller, room_id_in(call), name))
        wanted = views.subscription_in(old, call.body)
        found = await self._run(lambda: self._subscribing.update(caller, wanted))
        return Json(views.subscription(found), status_code=201)

    async def cancel(self, call: Call) -> Response:
        """End the caller's subscription."""
        caller, name = _caller(call), call.params["eventType"]
        await self._run(lambda: self._subscribing.cancel(caller, room_id_in(call), name))
        return Response(status_code=204)

    async def next(self, call: Call) -> Response:
        """Return the next event that is not confirmed."""
        caller, name = _caller(call), call.params["eventType"]
        event = await self._pulled(lambda: self._subscribing.next(caller, room_id_in(call), name))
        return Json(item(event))

    async def confirm(self, call: Call) -> Response:
        """Acknowledge an event."""
        caller, name, event_id = _caller(call), call.params["eventType"], call.params["eventId"]
        await self._pulled(lambda: self._subscribing.confirm(caller, room_id_in(call), name, event_id))
        return Response(status_code=204)

    async def _run(self, work: Callable[[], T]) -> T:
        """Run in the gate; bad input is 400, as the published contract has it."""
        try:
            return await self._gate.run(work)
        except InvalidInput as error:
            raise _bad(error) from error

    async def _pulled(self, work: Callable[[], T]) -> T:
        """Run in the gate; bad input is 409, as the published contract has it for pulling."""
        try:
            return await self._gate.run(work)
        except InvalidInput as error:
            raise Conflict(str(error)) from error


def pubsub_table(pubsub: PubSub, gate: Gate) -> dict[str, Handler]:
    """Return the handlers of Pub/Sub by operation id."""
    handlers = PubSubHandlers(pubsub, gate)
    return {
        "listRooms": handlers.rooms,
        "getRoom": handlers.get_room,
        "putRoom": handlers.put_room,
        "deleteRoom": handlers.delete_room,
        "createEventType": handlers.add_type,
        "getEventTypeList": handlers.types,
        "getEventType": handlers.get_type,
        "deleteEventType": handlers.delete_type,
        "publishEvent": handlers.publish,
        "getStatus": handlers.status,
        "deleteEvent": handlers.stop,
        "listSub": handlers.subscriptions,
        "addSub": handlers.subscribe,
        "getSub": handlers.get_subscription,
        "patchSub": handlers.update_subscription,
        "deleteSub": handlers.cancel,
        "pullEvent": handlers.next,
        "confirmEvent": handlers.confirm,
    }


def _caller(call: Call) -> Caller:
    """Return who calls; the header has to name the token's client. Raises: BadRequest, Forbidden."""
    try:
        client_of(call.caller, call.headers.get("x-govstack-client"), call.headers.get("x-road-client"))
    except InvalidInput as error:
        raise _bad(error) from error
    return call.caller


def _same_type(call: Call) -> str:
    """Return the event type of path and body. Raises: BadRequest when they differ, or another subscriber is named."""
    name: str = call.params["eventType"]
    if call.body["eventType"] != name:
        told = "path and body name two event types"
        raise BadRequest(told, (FieldError("/eventType", told),))
    named = call.body.get("subscriberId")
    if named is not None and named != client_parts(call.caller.client):
        told = "a client subscribes itself alone"
        raise BadRequest(told, (FieldError("/subscriberId", told),))
    return name


def _bad(error: InvalidInput) -> BadRequest:
    return BadRequest(str(error), (FieldError(error.field or "body", str(error)),))
