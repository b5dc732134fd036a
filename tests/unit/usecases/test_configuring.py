"""The configuration as a document: what was put is what is read, whole, whoever else writes meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.mediator.openapi import OpenApiReader
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.configuration import (
    Configuration,
    ConfiguredApplication,
    ConfiguredMember,
    ConfiguredRight,
    ConfiguredService,
    Mode,
)
from jibu.domain.errors import Conflict, InvalidInput
from jibu.domain.mediation import Endpoint, Service, application_id
from jibu.usecases.administering import Administration, Drafting, WantedService
from jibu.usecases.configuring import Configuring
from jibu.usecases.consent.noting import Actor
from jibu.usecases.directory import OwnServices

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OWN = application_id("ZZ/GOV/block/jibu")
BLOCK = OwnServices(OWN, "Jibu", (Service(OWN, "rag", "RAG", None, (Endpoint("/v1/query", "POST"),)),))
SPEC = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {/x: {get: {}}, /y: {get: {}, delete: {}}}\n"
ME = Actor("ZZ/GOV/operator/console")


class Configured:
    """One store's configuration; every OpenAPI document that is asked for is ``SPEC``."""

    def __init__(self, records: SqlRecords) -> None:
        parts = {"records": records, "own": BLOCK, "clock": lambda: NOW}
        drafting = Drafting(OpenApiReader(), addressed=False)
        self.use = Configuring(drafting=drafting, address="https://im.example", **parts)  # type: ignore[arg-type]
        self.administration = Administration(drafting=drafting, **parts)  # type: ignore[arg-type]
        self.own = self.use.read().members[0].applications[0]  # type: ignore[index]
        self.records = records

    def put(self, document: Configuration, mode: Mode = Mode.REPLACE) -> int:
        """Apply a document."""
        texts = {one.service_id: (one.url, SPEC) for one in self.use.wanted(document, mode)}
        return self.use.apply(document, mode, texts, by=ME)

    def described(self, *members: ConfiguredMember, domain: str = "im.example") -> Configuration:
        """Return a document with these members and this block."""
        mine = ConfiguredMember("Jibu", "GOV", "block", (self.own,))
        found = sorted((*members, mine), key=lambda one: (one.member_class, one.code))
        return Configuration(domain, "ZZ", tuple(found))


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    """Return a configuration that lasts: each document replaces the one before."""
    records = open_sqlite(tmp_path_factory.mktemp("configuring") / "jibu.db")
    yield Configured(records)
    records.close()


@pytest.fixture
def fresh(empty_records: SqlRecords) -> Configured:
    """Return an empty one, on either database."""
    return Configured(empty_records)


def member(code: str, *applications: ConfiguredApplication, name: str | None = None) -> ConfiguredMember:
    """Return a member."""
    return ConfiguredMember(name or f"The {code}", "GOV", code, applications)


def application(code: str, *services: ConfiguredService) -> ConfiguredApplication:
    """Return an application."""
    return ConfiguredApplication(code, "https", services)


def service(code: str, *rights: tuple[str, str], host: str = "a.example") -> ConfiguredService:
    """Return a service."""
    found = tuple(ConfiguredRight(*one) for one in rights)
    return ConfiguredService(code, f"https://{host}/openapi.yaml", f"https://{host}/{code}", found, False)


CODES = st.sampled_from(["a", "b-1", "C.x", "d_e"])
NAMES = st.sampled_from(["Office", "Büro Ω", "Jibu", "ZZ/GOV/a", "Agency"])


@st.composite
def documents(draw: st.DrawFn, own: ConfiguredApplication) -> Configuration:
    """Return a document as it would be read: everything said, in order, consumers by a name that is theirs alone."""
    keys = draw(st.sets(st.tuples(st.sampled_from(["COM", "GOV"]), CODES), max_size=4)) | {("GOV", "block")}
    names = {key: "Jibu" if key[1] == "block" else draw(NAMES) for key in keys}
    places = sorted((*key, code) for key in keys for code in draw(st.sets(CODES, max_size=2)))
    consumers = sorted([*places, ("GOV", "block", "jibu")])

    def by(consumer: tuple[str, str, str]) -> ConfiguredRight:
        name = names[consumer[:2]]
        alone = list(names.values()).count(name) == 1 and name.count("/") != 2
        return ConfiguredRight(name if alone else "/".join(("ZZ", *consumer[:2])), consumer[2])

    def of(place: tuple[str, str, str]) -> ConfiguredApplication:
        found = []
        for code in sorted(draw(st.sets(CODES, max_size=2))):
            spec = f"https://{draw(st.sampled_from(['s1', 's2']))}.example/o?v=1"
            url = f"{draw(st.sampled_from(['http', 'https']))}://h.example:8443/{code}"
            rights = tuple(by(one) for one in consumers if draw(st.booleans()))
            found.append(ConfiguredService(code, spec, url, rights, draw(st.booleans())))
        return ConfiguredApplication(place[2], draw(st.sampled_from(["http", "https"])), tuple(found))

    made = []
    for key in sorted(keys):
        applications = [of(one) for one in places if one[:2] == key]
        if key == ("GOV", "block"):
            applications = sorted([*applications, own], key=lambda one: one.code)
        made.append(ConfiguredMember(names[key], *key, tuple(applications)))
    return Configuration(draw(st.sampled_from(["a.example", "b.example"])), "ZZ", tuple(made))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_is_put_is_what_is_read(configured: Configured, data: st.DataObject) -> None:
    """Whatever was there before; a second time nothing changes, nor by what PATCH repeats of it."""
    document = data.draw(documents(configured.own))
    configured.put(document)
    assert configured.use.read() == document
    assert [configured.put(document, mode) for mode in (Mode.REPLACE, Mode.UPDATE)] == [0, 0]
    part = replace(document, members=(document.members or ())[:1])
    assert configured.put(part, Mode.UPDATE) == 0
    assert configured.use.read() == document


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_patch_leaves_the_rest(configured: Configured, data: st.DataObject) -> None:
    """All that was there and is not described is there afterwards, and all that is described too."""
    before = data.draw(documents(configured.own))
    configured.put(before)
    new = member("new", application("app", service("s", ("ZZ/GOV/block", "jibu"))), name="New one")
    configured.put(Configuration(before.domain, "ZZ", (new,)), Mode.UPDATE)
    found = {(one.member_class, one.code): one for one in configured.use.read().members or ()}
    assert found.pop(("GOV", "new")).applications == (
        application("app", service("s", (_shown(found), "jibu"))),
    )
    assert found == {(one.member_class, one.code): one for one in before.members or ()}


def _shown(found: dict[tuple[str, str], ConfiguredMember]) -> str:
    alone = [one.name for one in found.values()].count("Jibu") == 1
    return "Jibu" if alone else "ZZ/GOV/block"


def test_what_a_document_has_no_word_for_stays(fresh: Configured) -> None:
    """Consent, time, what is off and rights to some endpoints survive both ways, and so does a new document."""
    office = member("office", application("app", service("s", ("The shop", "app"))))
    shop = member("shop", application("app"))
    fresh.put(fresh.described(office, shop), Mode.CREATE)
    provider, consumer = application_id("ZZ/GOV/office/app"), application_id("ZZ/GOV/shop/app")
    wanted = WantedService(
        "T",
        "https://a.example/s",
        SPEC,
        timeout_s=3,
        agreement_id="a1",
        disabled=(Endpoint("/y", "DELETE"),),
        enabled=False,
    )
    fresh.administration.put_service(provider, "s", wanted)
    fresh.administration.grant(consumer, provider, "s", (Endpoint("/y", "GET"),))
    moved = fresh.described(
        member("office", application("app", service("s", ("The shop", "app"), host="b.example"))), shop
    )
    for mode in (Mode.UPDATE, Mode.REPLACE):
        fresh.put(moved, mode)
        with fresh.records.read() as uow:
            found = uow.mediator.services.get(provider, "s")
            right = uow.mediator.services.right(consumer, provider, "s")
        assert (found.timeout_s, found.agreement_id, found.enabled) == (3, "a1", False)
        assert found.base_url == "https://b.example/s"
        assert Endpoint("/y", "DELETE", enabled=False) in found.endpoints
        assert [one.path for one in right.endpoints] == ["/y"]


def test_an_internal_host_is_allowed_for_that_host_alone(fresh: Configured) -> None:
    """PATCH keeps the word while the host is the same; another host, or PUT without it, does not inherit it."""
    inside = replace(service("s", host="10.0.0.1"), private_host=True)
    fresh.put(fresh.described(member("office", application("app", inside))))
    silent = replace(inside, private_host=None)
    assert fresh.put(fresh.described(member("office", application("app", silent))), Mode.UPDATE) == 0
    other = replace(silent, base_url="https://10.0.0.2/s")
    for change, mode in ((other, Mode.UPDATE), (silent, Mode.REPLACE)):
        with pytest.raises(InvalidInput) as told:
            fresh.put(fresh.described(member("office", application("app", change))), mode)
        assert told.value.field == "members/1/applications/0/services/0/serviceUrl"


def test_a_service_that_only_x_road_finds_is_called_through_this_block(fresh: Configured) -> None:
    """It has no address of its own, and keeps having none when the document is sent back."""
    fresh.put(fresh.described(member("office", application("app"))))
    provider = application_id("ZZ/GOV/office/app")
    fresh.administration.put_service(provider, "s", WantedService("T", None, SPEC))
    found = fresh.use.read()
    assert found.members is not None
    shown = found.members[1].applications[0].services[0]  # type: ignore[index]
    assert shown.base_url == "https://im.example/r1/ZZ/GOV/office/app/s"
    assert [fresh.put(found, mode) for mode in (Mode.REPLACE, Mode.UPDATE)] == [0, 0]


def test_a_document_changes_only_so_much(fresh: Configured) -> None:
    """More is refused before anything is written: others would wait too long."""
    for kind, count in (("applications", 5001), ("rights", 2500)):
        many = tuple(application(f"x{n}") for n in range(count))
        rights = [("The office", f"x{n}") for n in range(count)] if kind == "rights" else []
        document = fresh.described(member("office", application("app", service("s", *rights)), *many))
        with pytest.raises(InvalidInput, match="more than 5000 changes"):
            fresh.use.wanted(document, Mode.UPDATE)
    assert fresh.use.read() == fresh.described()


def test_the_directory_may_not_change_between_looking_and_writing(fresh: Configured) -> None:
    """A document that was fetched for another address is not taken."""
    document = fresh.described(member("office", application("app", service("s"))))
    with pytest.raises(Conflict):
        fresh.use.apply(document, Mode.REPLACE, {}, by=ME)
    wrong = {"ZZ/GOV/office/app/s": ("https://elsewhere.example/openapi.yaml", SPEC)}
    with pytest.raises(Conflict):
        fresh.use.apply(document, Mode.REPLACE, wrong, by=ME)
    assert fresh.use.read() == fresh.described()


def test_two_who_write_at_once_never_leave_a_mixture(fresh: Configured) -> None:
    """PUT against PUT: one of the two. PUT against PATCH: the PUT, or the PUT with what was added."""
    one = fresh.described(
        *(member(f"a{n}", application("x", service("s", (f"The a{n}", "x")))) for n in range(4))
    )
    two = fresh.described(
        *(member(f"b{n}", application("x", service("s", (f"The b{n}", "x")))) for n in range(4))
    )
    added = Configuration("im.example", "ZZ", (member("c", application("x")),))
    both = fresh.described(
        *(m for m in one.members or () if m.code != "block"), member("c", application("x"))
    )
    for _ in range(3):
        assert _after(fresh, (one, Mode.REPLACE), (two, Mode.REPLACE)) in (one, two)
        fresh.put(two)
        assert _after(fresh, (one, Mode.REPLACE), (added, Mode.UPDATE)) in (one, both)


def _after(fresh: Configured, *writes: tuple[Configuration, Mode]) -> Configuration:
    """Return what is there after these were written at once. One that saw another's change first tries again."""
    start, faults = threading.Barrier(len(writes)), []

    def write(document: Configuration, mode: Mode) -> None:
        start.wait(10)
        for _ in range(20):
            try:
                fresh.put(document, mode)
            except Conflict:
                continue
            except Exception as error:  # noqa: BLE001 - told below
                faults.append(error)
            return

    threads = [threading.Thread(target=write, args=one) for one in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    return fresh.use.read()
