"""Who may call through X-Road."""

from __future__ import annotations

import pytest

from jibu.domain.errors import Forbidden, InvalidInput
from jibu.domain.guests import read_client, read_guests

TEXT = """
# what partners may do
ZZ/GOV/agency/portal   rag.query mediator.client
ZZ/GOV/agency/*        rag.query   # everything else of the agency
ZZ/*                   read:open
"""


@pytest.mark.parametrize(
    ("client", "scopes"),
    [
        ("ZZ/GOV/agency/portal", {"rag.query", "mediator.client"}),
        ("ZZ/GOV/agency/other", {"rag.query"}),
        ("ZZ/GOV/agency2/portal", {"read:open"}),
        ("ZZ/COM/x/y", {"read:open"}),
    ],
)
def test_the_longest_rule_counts_alone(client: str, scopes: set[str]) -> None:
    """Part by part, never by letters; and the caller is nobody in person."""
    caller = read_guests(TEXT).caller(client)
    assert (caller.client, caller.scopes, caller.subject) == (client, scopes, None)


@pytest.mark.parametrize("text", ["", "# nobody\n", TEXT])
def test_nobody_comes_in_unless_named(text: str) -> None:
    """Another instance, and a name whose letters begin as one that is listed."""
    for client in ("YY/GOV/agency/portal", "ZZZ/GOV/agency/portal"):
        with pytest.raises(Forbidden, match=client):
            read_guests(text).caller(client)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ZZ/GOV/agency/portal", "line 1: a client is followed by"),
        ("\nZZ/GOV/agency rag.query", "line 2: a client is named"),
        ("ZZ/GOV/agency/portal/* rag.query", "line 1: a client is named"),
        ("* rag.query", "line 1: a client is named"),
        ("ZZ/*/agency/portal rag.query", "line 1: a code has"),
        ("ZZ/GOV/../portal rag.query", "line 1: a code has"),
        ('ZZ/* rag"query', "line 1: a client is followed by"),
        ("ZZ/* a\nZZ/* b", "line 2: ZZ/\\* is there twice"),
        ("\n" * 10_001, "more than 10000 lines"),
    ],
)
def test_mistakes_are_told_by_line(text: str, what: str) -> None:
    """None is passed over: a rule that does not count may be the one that was to narrow another."""
    with pytest.raises(InvalidInput, match=what):
        read_guests(text)


def test_names_may_be_encoded() -> None:
    """Each part by itself; decoded, it has to be a name."""
    assert read_client("ZZ/GOV/ag%65ncy/portal") == "ZZ/GOV/agency/portal"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "ZZ/GOV/agency",
        "ZZ/GOV/a/b/c",
        "ZZ/GOV/a%2Fb/c",
        "ZZ/GOV/%ff/c",
        "ZZ/GOV/%2e%2e/c",
        "ZZ/GOV/a/\n",
        "ZZ//a/b",
    ],
)
def test_names_that_are_none(header: str) -> None:
    """Members without a subsystem cannot call either: rights and logs know applications."""
    with pytest.raises(InvalidInput):
        read_client(header)
