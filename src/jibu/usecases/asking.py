"""Asks services of other blocks about an individual, under rights and consent; what they say is cited, never kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    UpstreamBadAnswer,
    UpstreamError,
    UpstreamTimeout,
)
from jibu.domain.exchanges import Exchange
from jibu.domain.live import Asked, LiveData, LiveFailure, LiveField, LiveRecord, LiveSource
from jibu.domain.live_reading import Unreadable, read_fields
from jibu.domain.mediation import ApplicationId, Service, application_id, check_code
from jibu.domain.personal import PersonalContext
from jibu.domain.targets import PREFIX, Target, read_target
from jibu.ports import Records
from jibu.ports.mediation import (
    DescriptionReader,
    IndividualOperation,
    Mediator,
    ServiceCall,
    ServiceReply,
)
from jibu.usecases.admitting import PURPOSE, Admitting
from jibu.usecases.checks import LANGUAGE
from jibu.usecases.consent_gate import Gate
from jibu.usecases.directory import OwnServices
from jibu.usecases.exchanges import MessageLog
from jibu.usecases.live import LiveCall, LivePlan

MAX_SERVICES = 8
REMEMBERED = 64
FIELD, INDIVIDUAL = "personalContext/services", "personalContext/individualId"
REFERENCE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
"""What can stand in a header as it is. Nothing is escaped: a service would have to know that it was."""
JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
NO_DATA = frozenset({204, 404})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for all services of a question together, and bytes of each one's answer."""

    seconds: float
    max_bytes: int


class LiveServices:
    """See ``jibu.usecases.live.Live``. ``own`` names this block; ``watch`` is told of each exchange that was kept."""

    def __init__(
        self,
        *,
        records: Records,
        own: OwnServices,
        consent: Gate,
        mediator: Mediator,
        reader: DescriptionReader,
        limits: Limits,
        watch: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        self._records = records
        self._own = own
        self._consent = consent
        self._mediator = mediator
        self._reader = reader
        self._limits = limits
        self._watch = watch
        self._admitting = Admitting(records=records, own=own, consent=consent)
        self._messages = MessageLog(records=records)
        self._known: dict[str, tuple[IndividualOperation | None]] = {}

    def admit(
        self, caller: Caller, context: PersonalContext, services: Sequence[str], asked: Asked | None = None
    ) -> LivePlan:
        """Decide by rights, then by consent, of which each decision is kept.

        Both the asking application and this block need a right to each service's operation.
        Raises: InvalidInput; Forbidden; ConsentRequired; Unavailable.
        """
        client = _client_of(caller)
        if not 1 <= len(services) <= MAX_SERVICES or len(set(services)) < len(services):
            raise InvalidInput(f"name 1 to {MAX_SERVICES} services, each once", FIELD)
        if not REFERENCE.fullmatch(context.individual_id):
            raise InvalidInput(
                "services are told references of 1 to 255 printable ASCII characters", INDIVIDUAL
            )
        calls = tuple(
            self._planned(client, name, context.individual_id, f"{FIELD}/{number}")
            for number, name in enumerate(services)
        )
        agreements = dict.fromkeys(call.service.agreement_id or "" for call in calls)
        contexts = tuple(PersonalContext(context.individual_id, one) for one in agreements)
        for one in contexts:
            self._consent.admit(caller, one, PURPOSE)
        asked = asked or Asked(uuid4().hex, secrets.token_hex(16))
        return LivePlan(context, tuple(dict.fromkeys((context, *contexts))), str(client), asked, calls)

    def _planned(self, client: ApplicationId, name: str, individual: str, field: str) -> LiveCall:
        """Return the call of one service. Raises: InvalidInput; Forbidden."""
        service = self._service(name, field)
        operation = self._operation(service, field)
        target = _target(service, operation, individual)
        admitted = self._admitting.entitled(client, target, "GET")
        try:
            self._admitting.entitled(self._own.application_id, target, "GET")
        except Forbidden as error:
            raise Forbidden(f"{error}; this block needs that right too") from error
        if admitted.service.agreement_id is None:
            raise InvalidInput(f"{name} has no data agreement, so nobody can consent to it", field)
        if admitted.endpoint.weight < operation.endpoint.weight:
            raise InvalidInput("this reference leads to another operation of the service", INDIVIDUAL)
        return LiveCall(admitted.service, admitted.endpoint, target.path, operation.shape)

    def _service(self, name: str, field: str) -> Service:
        """Raises: InvalidInput where there is none that could be asked; Forbidden where it is off."""
        provider, _, code = name.rpartition("/")
        application, code = application_id(provider, field), check_code(code, field)
        if application == self._own.application_id:
            raise InvalidInput("this block's own services know no individuals", field)
        with self._records.read() as uow:
            try:
                service = uow.mediator.services.get(application, code)
            except NotFound as error:
                raise InvalidInput(str(error), field) from error
        if not service.enabled:
            raise Forbidden(f"{service.service_id} is switched off")
        return service

    def _operation(self, service: Service, field: str) -> IndividualOperation:
        """Return the operation that its document marks. Raises: InvalidInput."""
        text = service.description or ""
        key = hashlib.sha256(text.encode(errors="replace")).hexdigest()
        try:
            (operation,) = self._known[key]  # one look: another thread may clear the table at any time
        except KeyError:
            try:
                operation = self._reader.read(text).individual if text else None
            except InvalidInput as error:
                raise InvalidInput(f"{service.service_id} cannot be used: {error}", field) from error
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = (operation,)
        if operation is None:
            raise InvalidInput(
                f"{service.service_id} has no operation marked x-jibu-individual in an OpenAPI document",
                field,
            )
        return operation

    def fetch(self, plan: LivePlan) -> LiveData:
        """Ask all at once, keep the exchanges, and look again whether consent holds.

        Raises: ConsentRequired; Unavailable.
        """
        self._still(plan)
        asked = plan.asked or Asked(uuid4().hex, secrets.token_hex(16))
        calls = [self._call(plan, asked, one) for one in plan.calls]
        replies = self._mediator.ask(calls, seconds=self._limits.seconds, max_bytes=self._limits.max_bytes)
        outcomes: list[LiveRecord | LiveFailure] = []
        exchanges: list[Exchange] = []
        for call, reply in zip(plan.calls, replies, strict=True):
            message_id = uuid4().hex
            outcomes.append(_outcome(call, reply, message_id))
            if reply.asked:
                exchanges.append(self._exchange(asked, call, reply, outcomes[-1], message_id))
        if exchanges:
            self._messages.keep(exchanges)
        for one in exchanges:
            self._watch(one)
        self._still(plan)
        return LiveData(
            tuple(one for one in outcomes if isinstance(one, LiveRecord)),
            tuple(one for one in outcomes if isinstance(one, LiveFailure)),
        )

    def _still(self, plan: LivePlan) -> None:
        with self._records.read() as uow:
            for context in plan.contexts:
                self._consent.holds(uow, context)

    def _call(self, plan: LivePlan, asked: Asked, call: LiveCall) -> ServiceCall:
        return ServiceCall(
            service=call.service,
            target=call.target,
            reference=plan.context.individual_id,
            client=self._own.application_id,
            represented=application_id(plan.client),
            request_id=asked.request_id,
            trace_id=asked.trace_id,
        )

    def _exchange(
        self,
        asked: Asked,
        call: LiveCall,
        reply: ServiceReply,
        outcome: LiveRecord | LiveFailure,
        message_id: str,
    ) -> Exchange:
        """Return the line of the message log."""
        late = isinstance(reply.error, UpstreamTimeout)
        return Exchange(
            message_id=message_id,
            request_id=asked.request_id,
            trace_id=asked.trace_id,
            consumer=str(self._own.application_id),
            provider=str(call.service.application_id),
            service=call.service.code,
            method="GET",
            endpoint=call.endpoint.path,
            started_at=reply.started_at,
            duration_ms=reply.duration_ms,
            request_bytes=0,
            response_bytes=len(reply.body),
            request_sha256=hashlib.sha256(f"GET {call.target}\n".encode()).hexdigest(),
            response_sha256=hashlib.sha256(reply.body).hexdigest(),
            status=reply.status or (504 if late else 502),
            outcome=outcome.reason if isinstance(outcome, LiveFailure) else "ok",
        )


def _client_of(caller: Caller) -> ApplicationId:
    """Return the asking application. Raises: Forbidden."""
    try:
        return application_id(caller.client)
    except InvalidInput as error:
        raise Forbidden("the token's client is no INSTANCE/CLASS/MEMBER/APPLICATION") from error


def _target(service: Service, operation: IndividualOperation, individual: str) -> Target:
    """Return the address to call, the individual in its path where it has a place for one. Raises: InvalidInput."""
    path = re.sub(r"\{[^}/]*\}", lambda _: quote(individual, safe=""), operation.path)
    try:
        return read_target(f"{PREFIX}{service.service_id}{path}", "")
    except InvalidInput as error:
        raise InvalidInput("this reference cannot stand in the path of the service", INDIVIDUAL) from error


def _outcome(call: LiveCall, reply: ServiceReply, message_id: str) -> LiveRecord | LiveFailure:
    """Return what a service said, or why that cannot be used."""
    name = call.service.service_id
    try:
        fields = _said(call, reply)
    except UpstreamError as error:
        return LiveFailure(name, error.code, error.stage or None, message_id if reply.asked else None)
    source = LiveSource(
        service_id=name,
        title=call.service.title,
        retrieved_at=reply.started_at + timedelta(milliseconds=reply.duration_ms),
        message_id=message_id,
        response_sha256=hashlib.sha256(reply.body).hexdigest(),
    )
    tag = reply.language.strip()
    language = tag if len(tag) <= 35 and LANGUAGE.fullmatch(tag) else "und"
    return LiveRecord(source, fields, language)


def _said(call: LiveCall, reply: ServiceReply) -> tuple[LiveField, ...]:
    """Return the fields of an answer. Raises: UpstreamError."""
    name = call.service.service_id
    if reply.error is not None:
        raise reply.error
    if reply.status in NO_DATA:
        return ()
    if reply.status != 200:
        raise UpstreamBadAnswer(f"{name} answered with status {reply.status}", name, "answer")
    if reply.encoding.strip().lower() not in {"", "identity"} or not JSON.fullmatch(reply.media_type.strip()):
        raise UpstreamBadAnswer(f"{name} did not answer with plain JSON", name, "answer")
    try:
        return read_fields(reply.body, call.shape)
    except Unreadable as error:
        raise UpstreamBadAnswer(
            f"{name} answered with what cannot be used: {error}", name, "answer"
        ) from error
