"""Search: who sees what, in which language, after which turns, and what the scores mean."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from ingestion import ADMIN, READER, Ingestion

from jibu.domain.access import Caller
from jibu.domain.errors import InvalidInput, NotFound, Unavailable
from jibu.domain.passages import Vector
from jibu.ports import Index, UnitOfWork
from jibu.usecases.conversations import Conversations
from jibu.usecases.search import Search, SearchRequest, SearchResult
from jibu.wiring.services import Services

CLERK = Caller("KE/GOV/B/tax", frozenset({"rag.query", "read:tax"}))
CITIZEN = Caller("KE/GOV/A/portal", frozenset({"rag.query"}), subject="ada")
PASSPORT = "# Passports\n\n## Fee\n\nThe fee for a passport is 60 crowns at every counter.\n"
PERMIT = "# Permits\n\n## Fee\n\nThe fee for a market permit is 15 crowns a month, paid in advance.\n"
SECRET = "# Audit\n\n## Fee\n\nThe audit fee for a passport counter is 900 crowns, not to be published.\n"


def search_over(block: Ingestion, index: Index | None = None) -> Search:
    """Return the use case over a block's parts."""
    return Search(
        records=block.records,
        index=index or block.index,
        embedder=block.embedder,
        segmenter=block.segmenter,
        detector=block.detector,
    )


def load(block: Ingestion, *texts: str, **said: str) -> None:
    """Receive documents and index all."""
    for text in texts:
        block.receive(text, **said)
    block.relay().run_until_idle()


def texts(found: SearchResult) -> list[str]:
    """Return what was found, best first."""
    return [one.passage.text for one in found.passages]


def collections(found: SearchResult) -> set[str]:
    """Return where it was found."""
    return {one.collection_id for one in found.passages}


@pytest.fixture
def stocked(block: Ingestion) -> Ingestion:
    """A public collection "travel" and a private one "tax"."""
    block.collection("tax", read=("read:tax",))
    load(block, PASSPORT, PERMIT)
    load(block, SECRET, collection_id="tax")
    return block


def test_the_best_passage_comes_first_with_its_scores(stocked: Ingestion) -> None:
    """Scores are within 0 and 1 and fall; a passage that no word shares with has no lexical score."""
    found = search_over(stocked).search(READER, SearchRequest("How much is the fee for a passport?"))
    assert "60 crowns" in texts(found)[0]
    scores = [one.score for one in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert found.passages[0].lexical is not None
    assert found.passages[0].lexical > 0
    assert found.language == "en"
    assert 0 <= found.confidence <= 1


def test_a_private_collection_is_found_by_its_readers_only(stocked: Ingestion) -> None:
    """The same question; the private passage would be the best answer to it."""
    search = search_over(stocked)
    asked = SearchRequest("audit fee for a passport counter 900 crowns published", limit=100)
    assert collections(search.search(READER, asked)) == {"travel"}
    assert collections(search.search(CLERK, asked)) == {"travel", "tax"}
    assert collections(search.search(ADMIN, asked)) == {"travel", "tax"}
    assert "900" in texts(search.search(CLERK, asked))[0]


def test_what_may_not_be_read_takes_no_place_in_the_result(block: Ingestion) -> None:
    """The filter acts inside the queries: many better private passages do not push the public one out."""
    block.collection("tax", read=("read:tax",))
    sections = "\n\n".join(
        f"## Part {n}\n\nPassport fee passport fee rule {n}. " + f"Word{n} " * 40 for n in range(130)
    )
    load(block, f"# Private\n\n{sections}\n", collection_id="tax")
    load(block, PASSPORT)
    found = search_over(block).search(READER, SearchRequest("passport fee", limit=1))
    assert collections(found) == {"travel"}
    assert "60 crowns" in texts(found)[0]


@pytest.mark.parametrize("asked", [("tax",), ("travel", "tax"), ("nowhere",), ("travel", "nowhere")])
def test_a_collection_that_may_not_be_read_is_as_if_it_were_not_there(
    stocked: Ingestion, asked: tuple[str, ...]
) -> None:
    """Naming it is NotFound, in the same words as an unknown one, and nothing else is said."""
    with pytest.raises(NotFound) as refused:
        search_over(stocked).search(READER, SearchRequest("audit fee", asked))
    assert str(refused.value) == f"no collection {asked[-1]!r}"


def test_a_search_may_be_narrowed_to_collections(stocked: Ingestion) -> None:
    """Only the named ones; none when none is named."""
    search = search_over(stocked)
    assert collections(search.search(CLERK, SearchRequest("passport fee", ("tax",)))) == {"tax"}
    assert search.search(CLERK, SearchRequest("passport fee", ())).passages == ()


def test_a_search_may_be_narrowed_to_a_language(block: Ingestion) -> None:
    """Passages in it alone, whatever region the tag names."""
    load(block, PASSPORT, language="en")
    load(block, "# Pasipoti\n\nAda ya passport ni crowns 60 katika kila ofisi.\n", language="sw-KE")
    search = search_over(block)
    assert len(search.search(READER, SearchRequest("passport 60 crowns")).passages) == 2
    for tag in ("sw", "SW", "sw-TZ"):
        [text] = texts(search.search(READER, SearchRequest("passport", language=tag)))
        assert "Ada ya" in text
    assert search.search(READER, SearchRequest("passport", language="fr")).passages == ()


@pytest.mark.parametrize(
    "query", ["fee", "zebra quagga okapi", "?! 7", "ក្រសួង", "a" * 4000, "🏛 passport\n\tfee"]
)
def test_an_empty_store_answers_nothing(block: Ingestion, query: str) -> None:
    """No passages, no confidence, no error."""
    found = search_over(block).search(READER, SearchRequest(query))
    assert found.passages == ()
    assert found.confidence < 0.01


def test_a_question_with_no_known_word_still_gets_the_nearest(stocked: Ingestion) -> None:
    """The dense side finds passages; none has a lexical score, and confidence is low."""
    found = search_over(stocked).search(READER, SearchRequest("Zebra quagga okapi?"))
    assert found.passages
    assert {one.lexical for one in found.passages} == {None}
    known = search_over(stocked).search(READER, SearchRequest("fee for a passport"))
    assert found.confidence < known.confidence


@pytest.mark.parametrize("query", ["", " \n ", "?!…", "x" * 4001, "a\x00b", "\ud800 fee"])
def test_what_is_no_question_is_refused(stocked: Ingestion, query: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidInput) as refused:
        search_over(stocked).search(READER, SearchRequest(query))
    assert refused.value.field == "query"


def test_a_follow_up_is_read_with_the_turns_before_it(stocked: Ingestion) -> None:
    """The fee is that of the permit that was asked about before."""
    search = search_over(stocked)
    talk = Conversations(records=stocked.records, clock=stocked.clock)
    said = (("user", "I want a market permit"), ("assistant", "Passport passport passport"))
    conversation = talk.create(CITIZEN, said).conversation_id
    alone = search.search(CITIZEN, SearchRequest("How much is the fee?"))
    followed = search.search(CITIZEN, SearchRequest("How much is the fee?", conversation_id=conversation))
    assert "market permit" in texts(followed)[0]
    assert {t.term for t in alone.terms} < {t.term for t in followed.terms}
    weights = {t.term: t.weight for t in followed.terms}
    assert weights["fee"] > weights["permit"] > 0
    assert "passport" not in weights, "the assistant's words are not the user's"
    assert followed.question_vector != alone.question_vector


@pytest.mark.parametrize("other", [READER, ADMIN, CLERK])
def test_anothers_conversation_is_not_found(stocked: Ingestion, other: Caller) -> None:
    """Nor one that does not exist; whatever scopes the caller has, also for the same client without the subject."""
    talk = Conversations(records=stocked.records, clock=stocked.clock)
    conversation = talk.create(CITIZEN).conversation_id
    search = search_over(stocked)
    assert search.search(CITIZEN, SearchRequest("fee", conversation_id=conversation)).passages
    for wanted in (conversation, "f" * 32):
        with pytest.raises(NotFound):
            search.search(other, SearchRequest("fee", conversation_id=wanted))


def test_copies_take_one_place_each(block: Ingestion) -> None:
    """The same text in five documents is shown once, and others come up behind it."""
    for n in range(5):
        block.receive(PASSPORT, external_id=f"copy-{n}")
    load(block, PERMIT)
    found = search_over(block).search(READER, SearchRequest("fee for a passport", limit=2))
    assert ["passport" in text for text in texts(found)] == [True, False]


def test_more_copies_than_are_looked_at(block: Ingestion) -> None:
    """With over a hundred equal best passages every score is still a number between 0 and 1."""
    copy = "Passport fee passport fee."
    load(block, "# Copies\n\n" + "\n\n".join(f"## Part\n\n{copy}" for _ in range(130)) + "\n")
    load(block, "# Other\n\nA counter is open on weekdays.\n")
    found = search_over(block).search(READER, SearchRequest("passport fee counter", limit=100))
    assert found.passages
    assert all(0 <= one.score <= 1 for one in found.passages)


def test_no_more_than_asked_for(stocked: Ingestion) -> None:
    """``limit`` bounds the result."""
    for limit in (1, 2):
        found = search_over(stocked).search(ADMIN, SearchRequest("fee", limit=limit))
        assert len(found.passages) == limit


class Between:
    """An index that lets something happen between what it finds and what the caller does with it."""

    def __init__(self, inner: Index, happen: Callable[[], None]) -> None:
        self._inner = inner
        self._happen = happen

    def __getattr__(self, name: str) -> Any:
        """As the inner one; ``lexical`` is the last list that a search reads."""
        if name == "lexical":
            self._happen()
        return getattr(self._inner, name)


def test_a_search_sees_the_version_that_was_live_when_it_began(block: Ingestion) -> None:
    """A replacement that goes live in the middle of a search changes nothing for it, and all for the next."""
    load(block, PASSPORT, external_id="guide")
    replaced = threading.Event()

    def replace_it() -> None:
        if not replaced.is_set():
            replaced.set()
            load(block, PASSPORT.replace("60 crowns", "75 crowns"), external_id="guide")

    search = search_over(block, Between(block.index, replace_it))  # type: ignore[arg-type]
    first = texts(search.search(READER, SearchRequest("passport fee")))
    second = texts(search.search(READER, SearchRequest("passport fee")))
    assert replaced.is_set()
    assert ["60 crowns" in text for text in first] == [True]
    assert ["75 crowns" in text for text in second] == [True]


@pytest.mark.parametrize("asked", [("tax",), ("nowhere",)])
def test_a_refused_search_asks_the_index_nothing(stocked: Ingestion, asked: tuple[str, ...]) -> None:
    """Though the model starts before it is known what the caller may read."""
    used: list[str] = []

    class Seen:
        """An index that tells what it is asked."""

        def __getattr__(self, name: str) -> Any:
            used.append(name)
            return getattr(stocked.index, name)

    search = search_over(stocked, Seen())  # type: ignore[arg-type]
    search.search(READER, SearchRequest("audit fee"))
    assert {"lexical", "dense", "vectors"} <= set(used)
    used.clear()
    with pytest.raises(NotFound):
        search.search(READER, SearchRequest("audit fee", asked))
    assert used == []


def test_nothing_of_a_search_goes_on_when_it_has_failed(
    stocked: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that fails at once still waits for what was begun beside it: a gate that counts searches stays right."""
    ended: list[str] = []

    class Slow:
        """An index that takes its time."""

        def __getattr__(self, name: str) -> Any:
            if name == "lexical":
                time.sleep(0.2)
                ended.append(name)
            return getattr(stocked.index, name)

    def broken(_text: str) -> Vector:
        raise Unavailable("no model")

    search = search_over(stocked, Slow())  # type: ignore[arg-type]
    monkeypatch.setattr(stocked.embedder, "embed_query", broken)
    with pytest.raises(Unavailable):
        search.search(READER, SearchRequest("passport fee"))
    assert ended == ["lexical"]


def test_the_times_cover_the_whole_search(stocked: Ingestion) -> None:
    """The read of access rights and conversation counts as well: whoever waits, waits for it too."""
    pause = 0.05

    class Slow:
        """Records that take their time."""

        def read(self) -> UnitOfWork:
            time.sleep(pause)
            return stocked.records.read()

    conversation = Conversations(records=stocked.records, clock=stocked.clock).create(CITIZEN)
    search = search_over(stocked)
    asked = SearchRequest("passport fee", conversation_id=conversation.conversation_id)
    search.search(CITIZEN, asked)
    slow = Search(
        records=Slow(),  # type: ignore[arg-type]
        index=stocked.index,
        embedder=stocked.embedder,
        segmenter=stocked.segmenter,
        detector=stocked.detector,
    )
    began = time.perf_counter()
    found = slow.search(CITIZEN, asked)
    took = 1000 * (time.perf_counter() - began)
    assert 1000 * pause <= found.retrieval_ms
    assert found.embed_ms + found.retrieval_ms <= took


def test_an_erased_document_is_not_found_again(block: Ingestion) -> None:
    """At once, also before anything is swept."""
    document = block.receive(PASSPORT)
    block.relay().run_until_idle()
    block.documents.erase(ADMIN, document.document_id)
    assert search_over(block).search(READER, SearchRequest("passport fee")).passages == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How much is the old-age pension?", "Importes mensuales"),
        ("Combien coûte un passeport express pour adulte de 48 pages ?", "150"),
    ],
)
def test_a_question_finds_passages_in_other_languages(sample: Services, question: str, words: str) -> None:
    """With the real model: passages in a language that shares no word with the question are among the best."""
    found = sample.search.search(READER, SearchRequest(question, limit=8))
    assert any(words in text for text in texts(found))
    assert {one.passage.language for one in found.passages} - {found.language}
