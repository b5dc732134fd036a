"""What every token verifier has to do, whatever stands behind it.

A subclass gives the fixture ``setup``: the verifier, and a way to make tokens that it should take.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from jibu.domain.errors import Unauthenticated
from jibu.ports import TokenVerifier

CLIENT = "ZZ/GOV/portal-agency/portal"


@dataclass(frozen=True, slots=True)
class TokenSetup:
    """``mint`` makes a token from changes to a good one's claims (None leaves a claim out)."""

    verifier: TokenVerifier
    mint: Callable[..., str]


class TokenVerifierContract:
    """Tests that each adapter of ``TokenVerifier`` runs."""

    def test_a_good_token_names_its_caller(self, setup: TokenSetup) -> None:
        """Client, scopes and subject come from the token."""
        caller = setup.verifier.verify(setup.mint(scope="rag.query rag.ingest", sub="person-1"))
        assert (CLIENT, {"rag.query", "rag.ingest"}, "person-1") == (
            caller.client,
            set(caller.scopes),
            caller.subject,
        )

    def test_scopes_may_be_a_list_named_scp(self, setup: TokenSetup) -> None:
        """Some issuers send ``scp`` as a list."""
        caller = setup.verifier.verify(setup.mint(scope=None, scp=["rag.query", "audit.read"]))
        assert {"rag.query", "audit.read"} == set(caller.scopes)

    def test_no_scope_means_no_rights(self, setup: TokenSetup) -> None:
        """A token without scopes is good but allows nothing."""
        assert frozenset() == setup.verifier.verify(setup.mint(scope=None)).scopes

    def test_a_token_without_subject_has_none(self, setup: TokenSetup) -> None:
        """Machine callers have no individual behind them."""
        assert setup.verifier.verify(setup.mint(sub=None)).subject is None

    @pytest.mark.parametrize("claim", ["azp", "client"])
    def test_other_names_of_the_client_claim(self, setup: TokenSetup, claim: str) -> None:
        """The client may stand in ``azp`` or ``client``; an opaque ``client_id`` beside it is passed over."""
        token = setup.mint(client_id="0a1b2c", **{claim: CLIENT})
        assert setup.verifier.verify(token).client == CLIENT

    @pytest.mark.parametrize(
        "client", [None, "", "portal", "ZZ/GOV/portal", "ZZ/GOV/a/b/c", "ZZ/GOV//x", 7, "ZZ/G V/a/b"]
    )
    def test_a_token_without_a_proper_client_is_refused(self, setup: TokenSetup, client: object) -> None:
        """A caller has to be INSTANCE/CLASS/MEMBER/APPLICATION."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(setup.mint(client_id=client))

    @pytest.mark.parametrize(
        "scope",
        [7, {"rag.query": True}, ["rag.query", 7], [["rag.query"]], True, "rag.query\nrag.admin", ["a b"]],
    )
    def test_scopes_of_a_wrong_type_are_refused(self, setup: TokenSetup, scope: object) -> None:
        """Nothing is guessed from a malformed scope."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(setup.mint(scope=scope))

    def test_too_many_scopes_are_refused(self, setup: TokenSetup) -> None:
        """The number of scopes is bounded."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(setup.mint(scope=" ".join(f"s{n}" for n in range(101))))

    def test_an_expired_token_is_refused(self, setup: TokenSetup) -> None:
        """Past ``exp`` and leeway there is no entry, and the message says why."""
        with pytest.raises(Unauthenticated, match="expired"):
            setup.verifier.verify(setup.mint(exp=int(time.time()) - 120))

    def test_a_little_clock_difference_is_allowed(self, setup: TokenSetup) -> None:
        """Leeway works both ways."""
        now = int(time.time())
        setup.verifier.verify(setup.mint(exp=now - 5, nbf=now - 60, iat=now - 60))
        setup.verifier.verify(setup.mint(nbf=now + 5, iat=now + 5))

    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    def test_a_token_from_the_future_is_refused(self, setup: TokenSetup, claim: str) -> None:
        """``nbf`` and ``iat`` are honoured."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(setup.mint(**{claim: int(time.time()) + 600}))

    @pytest.mark.parametrize("claim", ["exp", "iss", "aud"])
    def test_a_token_without_a_needed_claim_is_refused(self, setup: TokenSetup, claim: str) -> None:
        """A token that never expires, or that is for or from anybody, is no token."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(setup.mint(**{claim: None}))

    @pytest.mark.parametrize(
        ("claim", "value"),
        [
            ("aud", "another"),
            ("aud", ["another", "third"]),
            ("aud", 7),
            ("iss", "https://evil.example"),
            ("iss", ["x"]),
            ("exp", "soon"),
            ("exp", float("inf")),
            ("exp", [1]),
            ("nbf", "x"),
            ("iat", "x"),
            ("sub", 7),
            ("sub", "a\nb"),
            ("sub", "x" * 300),
        ],
    )
    def test_wrong_claims_are_refused(self, setup: TokenSetup, claim: str, value: object) -> None:
        """Another audience or issuer, or claims of a wrong type, are never let through nor crash."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(setup.mint(**{claim: value}))

    @pytest.mark.parametrize(
        "token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 100_000, "\x00", "{}", "e30.e30.e30"]
    )
    def test_what_is_not_a_token_is_refused(self, setup: TokenSetup, token: str) -> None:
        """Garbage of any size is refused at once."""
        with pytest.raises(Unauthenticated):
            setup.verifier.verify(token)

    def test_a_huge_token_is_refused_before_it_is_read(self, setup: TokenSetup) -> None:
        """The length is bounded, however good the signature."""
        with pytest.raises(Unauthenticated, match="too long"):
            setup.verifier.verify(setup.mint(padding="x" * 20_000))
