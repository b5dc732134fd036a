"""Contract cases of the mediator's records: directory, rights, registrations, and the message log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jibu.domain.errors import Conflict, NotFound
from jibu.domain.exchanges import GENESIS, Batch, Exchange, ExchangeFilter
from jibu.domain.mediation import (
    AccessRight,
    Application,
    Endpoint,
    Member,
    Registration,
    RegistrationStatus,
    RightFilter,
    Service,
    application_id,
)
from jibu.ports import Records, UnitOfWork
from jibu.ports.mediation import ExchangeRecords

AT = datetime(2026, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
PROVIDER, CONSUMER = application_id("ZZ/GOV/office/registry"), application_id("ZZ/GOV/agency/portal")
ENDPOINTS = (Endpoint("/citizens", "POST", enabled=False), Endpoint("/citizens/{id}", "GET"))
SERVICE = Service(
    PROVIDER, "citizens", "Citizens", "https://x.example.org", ENDPOINTS, "openapi: 3.0.0", "1", updated_at=AT
)
RIGHT = AccessRight(CONSUMER, PROVIDER, "citizens", (ENDPOINTS[1],), AT)


def exchange(number: int, *, service: str = "citizens", status: int = 200, ms: int = 10) -> Exchange:
    """Return an exchange, one second after the one before."""
    return Exchange(
        message_id=f"m{number}",
        request_id=f"r{number}",
        trace_id="0" * 32,
        consumer=str(CONSUMER),
        provider=str(PROVIDER),
        service=service,
        method="GET",
        endpoint="/citizens/{id}",
        started_at=AT + timedelta(seconds=number),
        duration_ms=ms,
        request_bytes=1,
        response_bytes=5_000_000_000,
        request_sha256="a" * 64,
        response_sha256="b" * 64,
        status=status,
        outcome="ok",
    )


def _directory(uow: UnitOfWork) -> None:
    members = uow.mediator.members
    for name in (PROVIDER, CONSUMER):
        members.put(Member(name.member, "A member", AT))
        members.put_application(Application(name, "An application", AT))


def _found(log: ExchangeRecords, wanted: ExchangeFilter) -> list[str]:
    return [one.exchange.message_id for one in log.page(wanted, offset=0, limit=9).items]


def _place(seen: list[AccessRight]) -> tuple[str, str, str] | None:
    return (str(seen[-1].provider), seen[-1].service, str(seen[-1].consumer)) if seen else None


class MediationCases:
    """Cases for ``uow.mediator``."""

    def test_a_directory_is_kept(self, records: Records) -> None:
        """Members, applications, services and rights come back as they were put, in order."""
        with records.write() as uow:
            _directory(uow)
            m = uow.mediator
            assert m.services.put(SERVICE)
            assert not m.services.put(replace(SERVICE, title="Registry", agreement_id="a1"))
            assert m.services.grant(RIGHT)
            assert not m.services.grant(replace(RIGHT, endpoints=()))
            assert not m.members.put(Member(PROVIDER.member, "Office", AT + timedelta(days=1)))
            uow.commit()
        with records.read() as uow:
            m = uow.mediator
            assert m.services.get(PROVIDER, "citizens") == replace(
                SERVICE, title="Registry", agreement_id="a1"
            )
            assert m.services.get(PROVIDER, "citizens", described=False).description is None
            assert m.services.right(CONSUMER, PROVIDER, "citizens") == replace(RIGHT, endpoints=())
            assert m.members.get(PROVIDER.member) == Member(PROVIDER.member, "Office", AT)
            found = m.members.applications(None, offset=0, limit=10)
            assert [one.application_id for one in found.items] == [CONSUMER, PROVIDER]
            assert m.services.rights(PROVIDER, "citizens", offset=1, limit=10).total == 1

    def test_a_service_may_have_no_base_url(self, records: Records) -> None:
        """It is None again, registered or asked for: X-Road finds such a service. None is this block's own."""
        wish = replace(SERVICE, base_url=None, updated_at=None)
        with records.write() as uow:
            _directory(uow)
            uow.mediator.services.put(replace(SERVICE, base_url=None))
            asked = Registration("g9", PROVIDER, "Registry", wish, RegistrationStatus.PENDING, AT)
            uow.mediator.registrations.put(asked)
            uow.commit()
        with records.read() as uow:
            kept = uow.mediator.services.get(PROVIDER, "citizens")
            assert (kept.base_url, kept.own) == (None, False)
            assert uow.mediator.registrations.get("g9").service == wish

    def test_clients_are_listed_in_pages(self, records: Records) -> None:
        """Members before their applications, the block itself always and once, by instance."""
        own = application_id("ZZ/GOV/block/jibu")
        with records.write() as uow:
            _directory(uow)
            uow.mediator.members.put(Member(application_id("ZZX/GOV/a/b").member, "Elsewhere", AT))
            uow.commit()
        names = ["ZZ/GOV/agency", "portal", "ZZ/GOV/block", "jibu", "ZZ/GOV/office", "registry", "ZZX/GOV/a"]
        with records.read() as uow:
            members = uow.mediator.members
            found = members.clients(own, "Block", offset=0, limit=9)
            assert [one.application or str(one.member_id) for one in found.items] == names
            assert found.items[3].name == "Block"
            page = members.clients(own, "Block", offset=1, limit=3, instance="ZZ")
            assert ([one.application for one in page.items], page.total) == (["portal", None, "jibu"], 6)
        with records.write() as uow:
            uow.mediator.members.put(Member(own.member, "Agency", AT))
            uow.mediator.members.put_application(Application(own, "Mine", AT))
            found = uow.mediator.members.clients(own, "Block", offset=2, limit=2)
            assert [one.name for one in found.items] == ["Agency", "Mine"]
            assert found.total == 7

    def test_an_instance_is_listed_by_itself(self, records: Records) -> None:
        """Members, applications and services of one instance; its domain; what was fetched from where."""
        other = application_id("Z-Z/GOV/office/registry")
        with records.write() as uow:
            _directory(uow)
            m = uow.mediator
            m.members.put(Member(other.member, "Other", AT))
            m.members.put_application(Application(other, "Other", AT, "http"))
            fetched = replace(SERVICE, spec_url="https://x.example.org/openapi.yaml")
            m.services.put(fetched)
            m.services.put(replace(SERVICE, application_id=other))
            assert m.members.domain("ZZ") is None
            m.members.put_domain("ZZ", "a.example", at=AT)
            m.members.put_domain("ZZ", "b.example", at=AT)
            uow.commit()
        with records.read() as uow:
            m = uow.mediator
            assert (m.members.domain("ZZ"), m.members.domain("Z-Z")) == ("b.example", None)
            assert m.members.page(offset=0, limit=9, instance="ZZ").total == 2
            found = m.members.applications(None, offset=0, limit=9, instance="Z-Z").items
            assert [(one.application_id, one.connection) for one in found] == [(other, "http")]
            assert m.services.listed("ZZ") == [replace(fetched, description=None)]

    def test_rights_are_listed_behind_one_another(self, records: Records) -> None:
        """By whose service it is, letter for letter."""
        providers = [
            application_id(f"ZZ/{name}") for name in ("GOV/a_b/x", "GOV/a_b/y", "GOV/axb/x", "gov/a_b/x")
        ]
        with records.write() as uow:
            _directory(uow)
            for name in providers:
                uow.mediator.members.put(Member(name.member, "A member", AT))
                uow.mediator.members.put_application(Application(name, "An application", AT))
                for code in ("s", "t"):
                    uow.mediator.services.put(replace(SERVICE, application_id=name, code=code))
                    for consumer in (CONSUMER, PROVIDER):
                        uow.mediator.services.grant(AccessRight(consumer, name, code, (), AT))
            uow.commit()
        with records.read() as uow:
            services = uow.mediator.services
            every = services.rights_after(RightFilter(), None, limit=99)
            assert len(every) == 16
            for limit in (1, 3):
                seen: list[AccessRight] = []
                while page := services.rights_after(RightFilter(), _place(seen), limit=limit):
                    seen += page
                assert seen == every
            wanted = RightFilter(member_class="GOV", member_code="a_b")
            found = services.rights_after(wanted, None, limit=99)
            assert {one.provider for one in found} == set(providers[:2])
            found = services.rights_after(replace(wanted, application="y", service="t"), None, limit=1)
            assert [(str(one.provider), one.consumer) for one in found] == [("ZZ/GOV/a_b/y", CONSUMER)]
            assert services.rights_after(RightFilter(instance="YY"), None, limit=9) == []

    def test_a_directory_refuses_what_hangs_together(self, records: Records) -> None:
        """Nothing is put under what is not there, and nothing goes from under what is."""
        with records.write() as uow:
            m = uow.mediator
            with pytest.raises(NotFound):
                m.members.put_application(Application(PROVIDER, "x", AT))
            _directory(uow)
            with pytest.raises(NotFound):
                m.services.put(replace(SERVICE, application_id=application_id("ZZ/GOV/office/other")))
            with pytest.raises(NotFound):
                m.services.grant(RIGHT)
            m.services.put(SERVICE)
            m.services.grant(RIGHT)
            with pytest.raises(Conflict):
                m.members.delete(PROVIDER.member)
            with pytest.raises(Conflict):
                m.members.delete_application(PROVIDER)
            m.members.delete_application(CONSUMER)
            with pytest.raises(NotFound):
                m.services.right(CONSUMER, PROVIDER, "citizens")
            m.services.delete(PROVIDER, "citizens")
            m.members.delete_application(PROVIDER)
            m.members.delete(PROVIDER.member)
            with pytest.raises(NotFound):
                m.members.get(PROVIDER.member)

    def test_registrations_are_kept(self, records: Records) -> None:
        """With the service that is asked for; newest first; by applicant and status."""
        wish = replace(SERVICE, updated_at=None)
        asked = Registration("g1", PROVIDER, "Registry", wish, RegistrationStatus.PENDING, AT)
        later = Registration("g2", CONSUMER, "Portal", None, RegistrationStatus.PENDING, AT + timedelta(1))
        with records.write() as uow:
            uow.mediator.registrations.put(asked)
            uow.mediator.registrations.put(later)
            decided = replace(asked, status=RegistrationStatus.DECLINED, decided_at=AT, reason="no")
            uow.mediator.registrations.put(decided)
            uow.commit()
        with records.read() as uow:
            kept = uow.mediator.registrations
            assert kept.get("g1") == decided
            assert kept.page(None, None, offset=0, limit=5).items == (later, decided)
            assert kept.page(CONSUMER, "pending", offset=0, limit=5).items == (later,)
            with pytest.raises(NotFound):
                kept.get("g3")

    def test_exchanges_are_kept_and_sealed_once(self, records: Records) -> None:
        """They wait in order, get their place, and cannot be sealed again; old ones go with their batch."""
        batch = Batch(1, 1, 2, GENESIS, "c" * 64, AT, "k", "token")
        links = [("m1", 1, "d" * 64), ("m2", 2, "c" * 64)]
        with records.write() as uow:
            log = uow.mediator.exchanges
            log.add([exchange(1), exchange(2)])
            log.add([exchange(3)])
            assert log.waiting(limit=2) == [exchange(1), exchange(2)]
            log.seal(batch, links)
            assert log.waiting(limit=9) == [exchange(3)]
            assert log.count() == (3, 1)
            uow.commit()
        for again in (batch, replace(batch, number=2)):
            with records.write() as uow, pytest.raises(Conflict):
                uow.mediator.exchanges.seal(again, links)
        with records.write() as uow:
            log = uow.mediator.exchanges
            assert [(one.sequence, one.exchange) for one in log.of_batch(1)] == [
                (1, exchange(1)),
                (2, exchange(2)),
            ]
            assert log.old(before=AT, limit=5) == []
            assert log.old(before=AT + timedelta(1), limit=5) == [batch]
            gone = replace(batch, dropped_at=AT + timedelta(1), drop_token="x")  # noqa: S106 - a signature
            assert log.drop(gone) == 2
            assert log.batch(1) == gone
            assert log.count() == (1, 1)
            with pytest.raises(NotFound):
                log.get("m1")

    def test_exchanges_are_found(self, records: Records) -> None:
        """By party, service, time and outcome; newest first."""
        with records.write() as uow:
            log = uow.mediator.exchanges
            log.add(
                [
                    exchange(n, service="a" if n % 2 else "b", status=200 if n < 4 else 502, ms=n)
                    for n in range(6)
                ]
            )
            after, until = AT + timedelta(seconds=2), AT + timedelta(seconds=4)
            assert _found(log, ExchangeFilter()) == ["m5", "m4", "m3", "m2", "m1", "m0"]
            assert _found(log, ExchangeFilter(party=str(PROVIDER), service="a")) == ["m5", "m3", "m1"]
            assert _found(log, ExchangeFilter(party="ZZ/GOV/x/y")) == []
            assert _found(log, ExchangeFilter(since=after, until=until)) == ["m3", "m2"]
            assert _found(log, ExchangeFilter(request_id="r4", outcome="ok")) == ["m4"]

    def test_traffic_is_summed(self, records: Records) -> None:
        """Counts, failures, sizes and exact percentiles by service and client."""
        with records.write() as uow:
            log = uow.mediator.exchanges
            log.add([exchange(n, status=504 if n == 100 else 200, ms=n) for n in range(1, 101)])
            log.add([exchange(101, service="other", status=0, ms=7)])
            first, second = log.traffic("service", ExchangeFilter(), offset=0, limit=5).items
            assert (first.name, first.exchanges, first.failures) == (f"{PROVIDER}/citizens", 100, 1)
            assert (first.p50_ms, first.p95_ms, first.p99_ms, first.max_ms) == (50, 95, 99, 100)
            assert first.response_bytes == 500_000_000_000
            assert (second.failures, second.p99_ms) == (1, 7)
            client = log.traffic("client", ExchangeFilter(), offset=0, limit=5)
            assert (client.total, client.items[0].name, client.items[0].exchanges) == (1, str(CONSUMER), 101)
