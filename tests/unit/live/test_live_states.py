"""Whatever the state of services, rights and consent: a service is asked exactly when all of them allow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_block import AMINA, OFFICE, OWN, PERSON, PORTAL, LiveBlock, document
from registry_stand_in import Registry

from jibu.domain.access import Caller
from jibu.domain.errors import ConsentRequired, JibuError
from jibu.domain.live import LiveData
from jibu.domain.mediation import AccessRight, ApplicationId, Endpoint
from jibu.testing.records_samples import NOW

CALLERS = {
    "amina": AMINA,
    "bob": Caller(str(PORTAL), AMINA.scopes, "bob"),
    "nobody": Caller(str(PORTAL), AMINA.scopes),
    "on behalf": Caller(str(PORTAL), frozenset({"rag.query", "consent.service"})),
}
MAY = frozenset({"amina", "on behalf"})
ENDPOINTS = (Endpoint("/person", "GET"), Endpoint("/other", "GET"))
RIGHTS = {"all": (), "this": ENDPOINTS[:1], "another": ENDPOINTS[1:]}


@dataclass(frozen=True)
class State:
    """Everything that counts. ``ends``: the agreement whose consent ends while the service answers."""

    enabled: bool
    marked: bool
    agreement: str | None
    asking: str
    own: str
    consents: frozenset[str]
    caller: str
    ends: str | None

    @property
    def needed(self) -> set[str]:
        """The agreements that consent has to hold under."""
        return {"benefits", self.agreement or ""}

    @property
    def entitled(self) -> bool:
        """Whether rights and the service allow it."""
        offered = self.enabled and self.marked and self.agreement is not None
        return offered and {self.asking, self.own} <= {"all", "this"}

    @property
    def asked(self) -> bool:
        """Whether the service may be asked."""
        return self.entitled and self.caller in MAY and self.needed <= self.consents


YES = st.sampled_from([True, True, True, False])
STATES = st.builds(
    State,
    enabled=YES,
    marked=YES,
    agreement=st.sampled_from(["benefits", "taxes", "taxes", None]),
    asking=st.sampled_from(["all", "this", "this", "another", "none"]),
    own=st.sampled_from(["all", "this", "this", "another", "none"]),
    consents=st.sampled_from(
        [{"benefits", "taxes"}, {"benefits", "taxes"}, {"benefits"}, {"taxes"}, set()]
    ).map(frozenset),
    caller=st.sampled_from(["amina", "amina", "on behalf", "bob", "nobody"]),
    ends=st.sampled_from([None, None, "benefits", "taxes"]),
)


@pytest.fixture(scope="module")
def block(
    database: Path, tmp_path_factory: pytest.TempPathFactory, registry: Registry
) -> Iterator[LiveBlock]:
    """Return one block for all states."""
    found = LiveBlock(database, tmp_path_factory.mktemp("states"), registry)
    yield found
    found.records.close()


def arrange(block: LiveBlock, state: State) -> None:
    """Bring the block into a state."""
    block.registry.forget()
    block.registry.says(b'{"dob": "1990-01-02"}')
    text = document("/person") if state.marked else document("/person").replace("x-jibu-individual", "x-not")
    block.put(
        "person",
        enabled=state.enabled,
        description=text,
        agreement_id=state.agreement,
        endpoints=ENDPOINTS,
    )
    for consumer, right in ((PORTAL, state.asking), (OWN, state.own)):
        entitle(block, consumer, right)
    for agreement in ("benefits", "taxes"):
        block.consent("amina", agreement, opt_in=agreement in state.consents)
    if state.ends is not None:
        ending = state.ends
        block.registry.asked = lambda _head: block.consent("amina", ending, opt_in=False)


def entitle(block: LiveBlock, consumer: ApplicationId, right: str) -> None:
    """Give a right, or take it."""
    with block.records.write() as uow:
        uow.mediator.services.grant(AccessRight(consumer, OFFICE, "person", RIGHTS.get(right, ()), NOW))
        if right == "none":
            uow.mediator.services.revoke(consumer, OFFICE, "person")
        uow.commit()


def outcome(block: LiveBlock, state: State) -> LiveData | JibuError:
    """Ask; return what came of it."""
    try:
        return block.live.fetch(block.plan(PERSON, caller=CALLERS[state.caller]))
    except JibuError as error:
        return error


@given(STATES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_service_is_asked_exactly_when_everything_allows_it(block: LiveBlock, state: State) -> None:
    """Every request has its granted decisions and its line in the log; a refusal under consent has its decision too."""
    arrange(block, state)
    before = {one.decision_id for one in block.decisions()}
    logged = len(block.exchanges())
    found = outcome(block, state)
    decided = {one.granted for one in block.decisions() if one.decision_id not in before}
    assert bool(block.registry.seen) is state.asked
    assert len(block.exchanges()) - logged == int(state.asked)
    if not state.entitled:
        assert isinstance(found, JibuError)
        assert not isinstance(found, ConsentRequired)
        assert decided == set()
    elif not state.asked or state.ends in state.needed:
        assert isinstance(found, ConsentRequired)
        assert decided
    else:
        assert isinstance(found, LiveData)
        assert [field.text for field in found.records[0].fields] == ["1990-01-02"]
    if state.asked:
        assert decided == {True}
