# ruff: noqa: RUF001 - signs of many scripts
"""The small parts around a generating model: quotes, claims in half-written JSON, breaker, queue, servers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.model.background import Background
from jibu.adapters.model.breaker import Breaker
from jibu.adapters.model.claim_stream import ClaimStream, Malformed, RawClaim
from jibu.adapters.model.failures import ModelFailed
from jibu.adapters.model.ollama.client import OllamaServer
from jibu.adapters.model.ollama.servers import Servers
from jibu.adapters.model.support import EmbeddingSupport
from jibu.adapters.model.turns import Turns
from jibu.adapters.text.icu import IcuSegmenter
from jibu.domain.quoting import find_quote
from jibu.testing.memory import HashEmbedder

SOURCE = "The fee — for all — is\n 1,200 shillings. “Children” pay nothing; education is free."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("The fee — for all", "The fee — for all"),
        ("the FEE - for all - is 1,200 shillings.", "The fee — for all — is\n 1,200 shillings."),
        ('"children" pay', "Children” pay"),
        ('"Children pay nothing"', None),
        ("… pay nothing ...", "pay nothing"),
        ("cat", None),
        ("200 shillings", "200 shillings"),
        ("20 shillings", None),
        ("1,20", None),
        ("a", None),
        ("", None),
        ("…", None),
        ("free.", "free."),
    ],
)
def test_a_quote_is_found_or_it_is_not(quote: str, found: str | None) -> None:
    """Spacing, case and the shape of signs do not matter; words and numbers are whole."""
    span = find_quote(SOURCE, quote)
    assert (None if span is None else SOURCE[slice(*span)]) == found


def test_scripts_without_spaces_are_quoted_anywhere() -> None:
    """There is no sign between words to look for."""
    assert find_quote("护照的费用是六十元。", "费用是六十元") == (3, 9)


WORDS = st.text(st.sampled_from("ab ßİﬁ①é\u0301\u200b\t\n'’—-ก我9٣"), max_size=30)


@given(WORDS, WORDS)
def test_a_span_is_always_of_the_source(text: str, quote: str) -> None:
    """Whatever is asked for, what is found lies in the text and is not blank."""
    span = find_quote(text, quote)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(text)
        assert text[start:end].strip()


@given(
    st.lists(st.sampled_from(["fee", "is", "60", "crowns", "für", "Straße"]), min_size=3, max_size=9),
    st.data(),
)
def test_whole_words_are_found_where_they_stand(words: list[str], data: st.DataObject) -> None:
    """In another case and with other spaces they are found as well, and the span says the same."""
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    span = find_quote(" ".join(words), "  ".join(words[first:last]).upper())
    assert span is not None
    assert " ".join(words)[slice(*span)].casefold() == " ".join(words[first:last]).casefold()


CLAIMS = st.lists(
    st.builds(
        lambda text, n, quote: {"citations": [{"source": n, "quote": quote}], "text": text},
        st.text(max_size=20),
        st.integers(-2, 9),
        st.text(st.sampled_from('ab"\\{}[],: \n'), max_size=20),
    ),
    max_size=4,
)


def fed(text: str, step: int) -> list[RawClaim]:
    """Feed a text in pieces."""
    stream = ClaimStream()
    return [claim for start in range(0, len(text), step) for claim in stream.feed(text[start : start + step])]


@settings(max_examples=40, deadline=None)
@given(claims=CLAIMS, step=st.integers(1, 50), spaced=st.booleans())
def test_claims_do_not_depend_on_where_the_stream_is_cut(
    *, claims: list[dict[str, object]], step: int, spaced: bool
) -> None:
    """Each claim comes once, as it was written, whatever its strings hold."""
    whole = json.dumps({"answerable": True, "claims": claims}, indent=1 if spaced else None)
    found = fed(whole, step)
    assert [claim.text for claim in found] == [claim["text"] for claim in claims]
    assert found == fed(whole, len(whole))


@given(st.text(st.sampled_from('{}[]",:\\ae1'), max_size=60), st.integers(1, 9))
def test_nonsense_is_told_as_malformed_and_as_nothing_else(text: str, step: int) -> None:
    """No input raises anything but Malformed."""
    try:
        claims = fed(text, step)
    except Malformed:
        return
    assert all(isinstance(claim, RawClaim) for claim in claims)


def test_only_a_whole_object_says_that_there_is_no_answer() -> None:
    """Half of it, or one with a claim, does not."""
    stream = ClaimStream()
    stream.feed('{"answerable": false, "claims": [')
    assert not stream.unanswerable
    stream.feed("]}")
    assert stream.unanswerable


class Hands:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_breaker_opens_rests_and_lets_one_try() -> None:
    """The trial decides; while it runs others wait."""
    clock = Hands()
    breaker = Breaker(failures=2, rest_s=10, monotonic=clock)
    breaker.failed()
    assert breaker.admit()
    breaker.failed()
    assert not breaker.admit()
    assert breaker.wait_s() == 10
    clock.now += 10
    assert breaker.admit()
    assert not breaker.admit()
    breaker.failed()
    assert not breaker.admit()
    clock.now += 10
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.admit()
    assert breaker.closed


def test_a_trial_that_never_reports_back_blocks_for_one_rest_only() -> None:
    """A caller may leave in the middle of it."""
    clock = Hands()
    breaker = Breaker(failures=1, rest_s=10, monotonic=clock)
    breaker.failed()
    clock.now += 10
    assert breaker.admit()
    clock.now += 10
    assert breaker.admit()


def test_turns_come_in_order_and_their_number_is_bounded() -> None:
    """First come, first served; one who leaves the queue is passed by; too many are refused."""
    turns = Turns(running=1, waiting=2)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    with pytest.raises(ModelFailed) as raised:
        turns.ask()
    assert raised.value.reason == "busy"
    assert (first.come.is_set(), second.come.is_set()) == (True, False)
    with second:
        pass
    with first:
        pass
    assert third.come.is_set()
    with third:
        pass
    assert turns.ask().come.is_set()


def failing(reason: str, calls: list[str]) -> Callable[[OllamaServer], str]:
    """Return work that fails on the first server."""

    def work(server: OllamaServer) -> str:
        calls.append(server.url)
        if server.url.endswith(":1"):
            raise ModelFailed("no", reason)  # type: ignore[arg-type]
        return server.url

    return work


@pytest.mark.parametrize(("reason", "moves_on"), [("away", True), ("missing", True), ("rejected", False)])
def test_a_call_goes_to_the_next_server_where_that_can_help(*, reason: str, moves_on: bool) -> None:
    """An input that one server refuses is not offered to all of them."""
    servers = Servers([OllamaServer("http://127.0.0.1:1"), OllamaServer("http://127.0.0.1:2")])
    calls: list[str] = []
    if moves_on:
        assert servers.use(failing(reason, calls)) == "http://127.0.0.1:2"
    else:
        with pytest.raises(ModelFailed):
            servers.use(failing(reason, calls))
    assert len(calls) == 1 + moves_on


def test_the_server_with_the_least_to_do_is_chosen() -> None:
    """While one works the next call goes to the other."""
    servers = Servers([OllamaServer("http://127.0.0.1:1"), OllamaServer("http://127.0.0.1:2")])
    with servers.one() as first, servers.one() as second:
        assert {first.url, second.url} == {"http://127.0.0.1:1", "http://127.0.0.1:2"}


def test_when_no_server_may_be_called_the_error_says_when_to_come_back() -> None:
    """The breakers are open: nothing is called."""
    servers = Servers([OllamaServer("http://127.0.0.1:1")], breaker=lambda: Breaker(failures=1, rest_s=30))
    calls: list[str] = []
    for _ in range(2):
        with pytest.raises(ModelFailed) as raised:
            servers.use(failing("away", calls))
    assert len(calls) == 1
    assert 25 < raised.value.retry_after <= 30


def test_a_background_iterator_hands_on_items_and_errors() -> None:
    """It ends with None, with its error, or when it is closed."""

    def three() -> object:
        yield from (1, 2)
        raise ModelFailed("no", "error")

    running: Background[int] = Background(three, stop=lambda: None)  # type: ignore[arg-type]
    assert (running.next(5), running.next(5)) == (1, 2)
    with pytest.raises(ModelFailed):
        running.next(5)
    running.close()
    ended: Background[int] = Background(lambda: iter(()), stop=lambda: None)
    assert ended.next(5) is None
    ended.close()


@pytest.mark.parametrize(
    ("claim", "supported"),
    [
        ("The fee for a passport is 60 crowns.", True),
        ("A passport fee is 60 crowns.", True),
        ("Bananas are rich in potassium.", False),
    ],
)
def test_support_follows_words_and_meaning(*, claim: str, supported: bool) -> None:
    """The same words support; other ones do not."""
    support = EmbeddingSupport(HashEmbedder(), IcuSegmenter())
    found = support.support(claim, ["The fee for a passport is 60 crowns."], language="en")
    assert 0 <= found <= 1
    assert (found >= 0.5) is supported
