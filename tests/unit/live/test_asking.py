"""Asking services about an individual: who may, in which order, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from typing import Any

import pytest
from live_block import AMINA, ASKED, BY_PATH, MINE, OFFICE, OWN, PERSON, PORTAL, TAX, LiveBlock, document

from jibu.domain.access import Caller
from jibu.domain.errors import ConsentRequired, Forbidden, InvalidInput, JibuError, Unavailable
from jibu.domain.live import LiveField
from jibu.domain.mediation import Endpoint
from jibu.domain.personal import PersonalContext
from jibu.usecases.live import CLOSED_LIVE, LivePlan

SAID = {"dob": "1990-01-02", "home": {"townName": "Kisumu"}}
BACKEND = Caller(str(PORTAL), frozenset({"rag.query", "consent.service"}))


def test_what_a_service_says_comes_with_where_and_when(live_block: LiveBlock) -> None:
    """Labels from its description and its names, paths into the body, the hash of the body, the language."""
    body = json.dumps(SAID).encode()
    live_block.registry.says(body, "Content-Language: sw-KE")
    found = live_block.ask()
    assert found.failures == ()
    (record,) = found.records
    assert record.fields == (
        LiveField("/dob", ("Date of birth",), "1990-01-02"),
        LiveField("/home/townName", ("home", "town name"), "Kisumu"),
    )
    assert (record.language, record.source.service_id, record.source.title) == (
        "sw-KE",
        PERSON,
        "Registry: person",
    )
    assert record.source.response_sha256 == hashlib.sha256(body).hexdigest()
    (kept,) = live_block.exchanges()
    assert record.source.message_id == kept.message_id
    assert record.source.retrieved_at >= kept.started_at


def test_the_exchange_is_in_the_message_log(live_block: LiveBlock) -> None:
    """Under the question's ids, this block as its consumer, with the template and the hashes, and no payload."""
    body = json.dumps(SAID).encode()
    live_block.registry.says(body)
    live_block.ask(BY_PATH)
    (kept,) = live_block.exchanges()
    assert (kept.request_id, kept.trace_id) == (ASKED.request_id, ASKED.trace_id)
    assert (kept.consumer, kept.provider, kept.service) == (str(OWN), str(OFFICE), "by-path")
    assert (kept.method, kept.endpoint, kept.status, kept.outcome) == ("GET", "/persons/{id}", 200, "ok")
    assert kept.request_sha256 == hashlib.sha256(b"GET /persons/amina\n").hexdigest()
    assert (kept.response_bytes, kept.response_sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_the_individual_goes_in_the_header_and_only_where_needed_in_the_path(live_block: LiveBlock) -> None:
    """An address stands in logs of servers and proxies."""
    live_block.ask(PERSON, BY_PATH)
    heads = sorted(head for head, _ in live_block.registry.seen)
    assert [head.split(b"\r\n")[0] for head in heads] == [
        b"GET /person HTTP/1.1",
        b"GET /persons/amina HTTP/1.1",
    ]
    assert all(b"\r\nx-individual-id: amina\r\n" in head.lower() for head in heads)
    assert all(
        b"authorization" not in head.lower() and b"x-road-userid" not in head.lower() for head in heads
    )


def test_ids_are_made_where_none_are_given(live_block: LiveBlock) -> None:
    """One pair for the question, whatever it asks."""
    live_block.live.fetch(live_block.live.admit(AMINA, MINE, (PERSON, BY_PATH)))
    kept = live_block.exchanges()
    assert len({one.request_id for one in kept}) == len({one.trace_id for one in kept}) == 1
    assert len({one.message_id for one in kept}) == 2
    assert [len(one.trace_id) for one in kept] == [32, 32]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", (), "204 No Content"),
        (b"no", ("Content-Type: text/plain",), "404 Not Found"),
        (b"null", (), "200 OK"),
    ],
)
def test_an_individual_that_is_unknown_there_is_a_record_without_fields(
    live_block: LiveBlock, body: bytes, headers: tuple[str, ...], status: str
) -> None:
    """It is an answer, not a failure."""
    live_block.registry.says(body, *headers, status=status)
    found = live_block.ask()
    assert [record.fields for record in found.records] == [()]
    assert (found.failures, live_block.exchanges()[0].outcome) == ((), "ok")


@pytest.mark.parametrize(
    ("tag", "language"), [("", "und"), ("en, fr", "und"), ("sw", "sw"), ("x" * 40, "und")]
)
def test_a_language_is_one_tag_or_unknown(live_block: LiveBlock, tag: str, language: str) -> None:
    """BCP 47."""
    live_block.registry.says(b"{}", f"Content-Language: {tag}")
    assert live_block.ask().records[0].language == language


# --- who may ---

UNMARKED = document("/person").replace("x-jibu-individual", "x-other")
TWICE = document("/person", **{"/more": {"get": {"x-jibu-individual": True}}})


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"enabled": False}, Forbidden),
        ({"endpoints": (Endpoint("/person", "GET", enabled=False),)}, Forbidden),
        ({"endpoints": (Endpoint("/other", "GET"),)}, Forbidden),
        ({"agreement_id": None}, InvalidInput),
        ({"description": None}, InvalidInput),
        ({"description": UNMARKED}, InvalidInput),
        ({"description": TWICE}, InvalidInput),
    ],
)
def test_services_that_cannot_be_asked(
    live_block: LiveBlock, changes: dict[str, Any], kind: type[Exception]
) -> None:
    """Off, not offered, without an agreement, not marked for it, or marked in a way that is refused today."""
    live_block.put("person", **changes)
    with pytest.raises(kind) as caught:
        live_block.plan()
    assert getattr(caught.value, "field", "personalContext/services/0") == "personalContext/services/0"
    assert (live_block.registry.seen, live_block.decisions()) == ([], [])


@pytest.mark.parametrize(
    "services",
    [
        (),
        (PERSON, PERSON),
        tuple(f"{PERSON}{n}" for n in range(9)),
        ("person",),
        ("",),
        (f"{OFFICE}/nothing",),
        ("ZZ/GOV/nobody/registry/person",),
        (f"{PERSON}/person",),
        (f"{OFFICE}/../person",),
        (f"{OWN}/rag",),
    ],
)
def test_names_that_are_refused(live_block: LiveBlock, services: tuple[str, ...]) -> None:
    """None, twice, too many, not a name, unknown, or this block itself."""
    with pytest.raises(InvalidInput) as caught:
        live_block.live.admit(AMINA, MINE, services)
    assert (caught.value.field or "").startswith("personalContext/services")


@pytest.mark.parametrize("consumer", [PORTAL, OWN])
@pytest.mark.parametrize("partly", [False, True])
def test_both_need_the_right(live_block: LiveBlock, consumer: Any, partly: bool) -> None:  # noqa: FBT001
    """The asking application, or Jibu would be a way around rights; and Jibu, which calls. To this very endpoint."""
    if partly:
        live_block.put("person", endpoints=(Endpoint("/person", "GET"), Endpoint("/other", "GET")))
        live_block.grant(consumer, "person", Endpoint("/other", "GET"))
    else:
        live_block.revoke(consumer, "person")
    with pytest.raises(Forbidden) as caught:
        live_block.plan()
    assert not isinstance(caught.value, ConsentRequired)
    assert str(consumer) in str(caught.value)
    assert (live_block.registry.seen, live_block.decisions()) == ([], [])


def test_a_client_without_a_name_has_no_rights(live_block: LiveBlock) -> None:
    """Tokens of other issuers may have any client."""
    with pytest.raises(Forbidden):
        live_block.plan(caller=Caller("portal", frozenset({"rag.query"}), "amina"))


def test_consent_counts_for_the_services_own_agreement(live_block: LiveBlock) -> None:
    """Amina consented to benefits, not to taxes: the second is refused and both decisions are kept."""
    with pytest.raises(ConsentRequired):
        live_block.plan(PERSON, TAX)
    kept = {(one.agreement_id, one.granted, one.purpose) for one in live_block.decisions()}
    assert kept == {("benefits", True, "call service"), ("taxes", False, "call service")}
    assert live_block.registry.seen == []
    live_block.consent("amina", "taxes")
    plan = live_block.plan(PERSON, TAX)
    assert plan.contexts == (MINE, PersonalContext("amina", "taxes"))


def test_only_the_individual_or_who_acts_for_it_may_ask(live_block: LiveBlock) -> None:
    """Consent is there, and yet not for this caller."""
    for stranger in (Caller(str(PORTAL), AMINA.scopes, "bob"), Caller(str(PORTAL), AMINA.scopes)):
        with pytest.raises(ConsentRequired):
            live_block.plan(caller=stranger)
    assert [one.reason for one in live_block.decisions()] == ["not-this-individual"] * 2
    live_block.plan(caller=BACKEND)


@pytest.mark.parametrize("individual", ["ämina", "", "a\r\nX-Road-Client: ZZ/GOV/evil/app", " x", "x" * 256])
def test_references_that_cannot_be_told_are_refused(live_block: LiveBlock, individual: str) -> None:
    """A header takes printable ASCII; nothing is escaped, for the service would not know."""
    with pytest.raises(InvalidInput) as caught:
        live_block.plan(caller=BACKEND, context=PersonalContext(individual, "benefits"))
    assert caught.value.field == "personalContext/individualId"
    assert individual == "" or individual not in str(caught.value)


@pytest.mark.parametrize("individual", ["..", ".", "a/b", "a%2fb", "a\\b", "..;x"])
def test_references_that_would_change_the_path_are_refused(live_block: LiveBlock, individual: str) -> None:
    """Two readers could take them for two different paths."""
    with pytest.raises(InvalidInput) as caught:
        live_block.plan(BY_PATH, caller=BACKEND, context=PersonalContext(individual, "benefits"))
    assert caught.value.field == "personalContext/individualId"


def test_a_reference_is_never_the_name_of_another_operation(live_block: LiveBlock) -> None:
    """Where `/persons/{id}` is marked, `/persons/all` may not be reached as a person called "all"."""
    live_block.put("by-path", endpoints=(Endpoint("/persons/{id}", "GET"), Endpoint("/persons/all", "GET")))
    with pytest.raises(InvalidInput):
        live_block.plan(BY_PATH, caller=BACKEND, context=PersonalContext("all", "benefits"))


def test_what_a_reference_holds_is_escaped_in_the_path(live_block: LiveBlock) -> None:
    """It stays one segment, whatever else is in that segment."""
    name = "a?b=c&d #e%"
    live_block.consent(name, "benefits")
    live_block.put("by-path", description=document("/persons/{id}.json"), endpoints=(Endpoint("/**", "*"),))
    plan = live_block.plan(BY_PATH, caller=BACKEND, context=PersonalContext(name, "benefits"))
    live_block.live.fetch(plan)
    ((head, _),) = live_block.registry.seen
    assert head.startswith(b"GET /persons/a%3Fb%3Dc%26d%20%23e%25.json HTTP/1.1\r\n")
    assert b"\r\nx-individual-id: a?b=c&d #e%\r\n" in head.lower()
    assert live_block.exchanges()[0].endpoint == "/**"


# --- in which order ---


def test_the_decision_is_kept_before_a_byte_goes_out(live_block: LiveBlock) -> None:
    """While the registry holds the request in its hands, the decision is in the database."""
    found: list[list[tuple[str, bool]]] = []

    def look(_head: bytes) -> None:
        database = sqlite3.connect(live_block.path)
        rows = database.execute("SELECT agreement_id, granted FROM consent_decisions").fetchall()
        found.append([(agreement, bool(granted)) for agreement, granted in rows])
        database.close()

    live_block.registry.asked = look
    plan = live_block.plan()
    assert live_block.registry.seen == [], "admitting sends nothing"
    live_block.live.fetch(plan)
    assert found == [[("benefits", True)]]


@pytest.mark.parametrize("agreement", ["benefits", "taxes"])
def test_consent_that_ends_during_the_call_ends_it_all(live_block: LiveBlock, agreement: str) -> None:
    """Nothing that was said is used; that it passed is in the message log."""
    live_block.consent("amina", "taxes")
    live_block.registry.asked = lambda _head: live_block.consent("amina", agreement, opt_in=False)
    plan = live_block.plan(TAX)
    with pytest.raises(ConsentRequired):
        live_block.live.fetch(plan)
    assert [one.outcome for one in live_block.exchanges()] == ["ok"]


def test_consent_that_ended_before_the_call_stops_it(live_block: LiveBlock) -> None:
    """A plan is no permission for later."""
    plan = live_block.plan()
    live_block.consent("amina", "benefits", opt_in=False)
    with pytest.raises(ConsentRequired):
        live_block.live.fetch(plan)
    assert live_block.registry.seen == []


def test_what_cannot_be_proved_is_not_used(live_block: LiveBlock) -> None:
    """Where the exchange cannot be kept, nobody has its answer."""
    plan = live_block.plan()
    database = sqlite3.connect(live_block.path)
    with database:
        database.execute(
            "CREATE TRIGGER no BEFORE INSERT ON mediator_messages BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    database.close()
    with pytest.raises(JibuError) as caught:
        live_block.live.fetch(plan)
    assert not isinstance(caught.value, ConsentRequired)
    assert (len(live_block.registry.seen), live_block.exchanges()) == (1, [])


# --- what is kept ---


def test_nothing_of_it_is_in_logs_or_on_disk(live_block: LiveBlock, caplog: pytest.LogCaptureFixture) -> None:
    """Neither what was said nor, but for the log of decisions, about whom."""
    caplog.set_level(logging.DEBUG)
    live_block.registry.says(b'{"secret": "zebrafish-77", "other": [1e999]}')
    live_block.ask(PERSON, BY_PATH)
    live_block.registry.says(b'{"secret": "zebrafish-77"}')
    live_block.ask(PERSON, BY_PATH)
    assert "zebrafish" not in caplog.text
    assert "amina" not in caplog.text
    assert "amina" not in str(live_block.exchanges())
    live_block.records.close()
    stored = b"".join(path.read_bytes() for path in live_block.path.parent.glob("jibu.db*"))
    assert b"zebrafish" not in stored


def test_a_block_without_services_asks_none() -> None:
    """It says so, and opens nothing."""
    with pytest.raises(Unavailable):
        CLOSED_LIVE.admit(AMINA, MINE, (PERSON,))
    with pytest.raises(Unavailable):
        CLOSED_LIVE.fetch(LivePlan(MINE, (MINE,)))
