# ruff: noqa: RUF001 - many scripts are the point
"""The embedder behind Ollama against its contract: on a loopback server that speaks the protocol, and on a real one.

JIBU_TEST_OLLAMA_URL names a real server and JIBU_TEST_OLLAMA_EMBED_MODEL a model that it has.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.adapters.model.failures import ModelFailed
from jibu.adapters.model.ollama.client import OllamaServer
from jibu.adapters.model.ollama.embedder import OllamaEmbedder
from jibu.adapters.model.ollama.families import FAMILIES, canonical, estimate_tokens, family_of
from jibu.adapters.model.ollama.servers import Servers
from jibu.ports import Embedder
from jibu.testing.embedder_contract import PASSPORT, WEATHER, EmbedderContract, cosine

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.services.hostile_ollama import EMBEDS, WRITES, Exchange, HostileOllama, embed
from tests.services.unrun import needs

URL = os.environ.get("JIBU_TEST_OLLAMA_URL")
MODEL = os.environ.get("JIBU_TEST_OLLAMA_EMBED_MODEL", "bge-m3")


@pytest.fixture(scope="module")
def double() -> Iterator[HostileOllama]:
    """An honest server for all tests of the contract."""
    with HostileOllama() as server:
        yield server


@pytest.fixture
def server() -> Iterator[HostileOllama]:
    """A server that a test may spoil."""
    with HostileOllama() as server:
        yield server


def embedder_of(*servers: HostileOllama, model: str = EMBEDS, timeout_s: float = 5.0) -> OllamaEmbedder:
    """Return an embedder on these servers."""
    return OllamaEmbedder(Servers([OllamaServer(one.url) for one in servers]), model, timeout_s=timeout_s)


class TestOllamaEmbedderOnLoopback(EmbedderContract):
    """The contract. Gap: the server's vectors know words, not meaning, so it is asked in one language only."""

    @pytest.fixture
    def embedder(self, double: HostileOllama) -> OllamaEmbedder:
        """A new embedder for each test."""
        return embedder_of(double)

    @pytest.mark.parametrize("question", ["How much is a passport?"])
    def test_a_question_is_nearest_to_its_answer(self, embedder: Embedder, question: str) -> None:
        """Where they share words."""
        super().test_a_question_is_nearest_to_its_answer(embedder, question)


@needs("Ollama", "JIBU_TEST_OLLAMA_URL")
class TestOllamaEmbedder(EmbedderContract):
    """The contract on a real server. Gap: an English model is asked in English only."""

    @pytest.fixture
    def embedder(self) -> OllamaEmbedder:
        """A new embedder; its server loads the model at the first call."""
        return OllamaEmbedder(Servers([OllamaServer(URL or "")]), MODEL, timeout_s=300)

    @pytest.mark.parametrize(
        "question", ["How much is a passport?", "Pasipoti inagharimu kiasi gani?", "护照多少钱？"]
    )
    def test_a_question_is_nearest_to_its_answer(self, embedder: Embedder, question: str) -> None:
        """In the languages that the model is made for."""
        if family_of(MODEL).english and question != "How much is a passport?":
            pytest.skip(f"{MODEL} is made for English")
        super().test_a_question_is_nearest_to_its_answer(embedder, question)


@pytest.mark.parametrize(
    ("model", "query", "passage"),
    [
        ("nomic-embed-text:v1.5", "search_query: Q", "search_document: P"),
        ("mxbai-embed-large", "Represent this sentence for searching relevant passages: Q", "P"),
        ("bge-m3:latest", "Q", "P"),
        ("jeffh/intfloat-multilingual-e5-large:f16", "query: Q", "passage: P"),
        ("snowflake-arctic-embed2", "query: Q", "P"),
        ("snowflake-arctic-embed:335m", "Represent this sentence for searching relevant passages: Q", "P"),
        ("embeddinggemma:300m", "task: search result | query: Q", "title: none | text: P"),
        (
            "qwen3-embedding:0.6b",
            "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:Q",
            "P",
        ),
        ("someone/unheard-of", "Q", "P"),
    ],
)
def test_each_family_gets_its_prefixes(server: HostileOllama, model: str, query: str, passage: str) -> None:
    """What is sent is what the model's card asks for."""
    server.models[model.removesuffix(":latest")] = {"capabilities": ["embedding"], "model_info": {}}
    server.scripts["/api/embed"] = _any_model
    embedder = embedder_of(server, model=model)
    embedder.embed_query("Q")
    embedder.embed_passages(["P"])
    sent = [body["input"] for body in server.asked("/api/embed")][-2:]
    assert sent == [[query], [passage]]
    assert all(body["keep_alive"] == "5m" for body in server.asked("/api/embed"))


def _any_model(exchange: Exchange) -> None:
    exchange.body["model"] = EMBEDS
    embed(exchange)


def test_names_that_mean_one_model_are_one_name() -> None:
    """An index made with `bge-m3` is not refused for `bge-m3:latest`."""
    assert canonical("bge-m3:latest") == canonical(" bge-m3") == "bge-m3"
    assert canonical("bge-m3:567m") != "bge-m3"


def test_every_family_takes_a_passage_whole() -> None:
    """Passages have 490 tokens at most; the table says which models cut them."""
    short = {pattern for pattern, family in FAMILIES if family.max_tokens < 490}
    assert short == {"paraphrase-multilingual", "all-minilm"}


@pytest.mark.parametrize(
    "text", ["A fee of 40 crowns is paid.", "护照多少钱", "Сколько стоит паспорт?", "?!"]
)
def test_an_estimate_is_no_less_than_half_the_words(text: str) -> None:
    """It errs on the long side, also for scripts without spaces."""
    for model in ("bge-m3", "mxbai-embed-large"):
        assert estimate_tokens(text, family_of(model)) >= len(text) / 4


def test_batches_are_bounded_and_in_order(server: HostileOllama) -> None:
    """Many texts go in several calls, and the vectors come back in order."""
    texts = [f"form number {n}" for n in range(70)]
    embedder = embedder_of(server)
    vectors = embedder.embed_passages(texts)
    assert [len(body["input"]) for body in server.asked("/api/embed")[1:]] == [32, 32, 6]
    assert cosine(vectors[69], embedder.embed_passages([texts[69]])[0]) > 0.999


def test_one_bad_text_costs_only_its_own_vector(server: HostileOllama) -> None:
    """The server refuses a whole batch for one text: the others are embedded all the same."""

    def fussy(exchange: Exchange) -> None:
        if any("bomb" in text for text in exchange.body["input"]):
            return exchange.json({"error": "input exceeds maximum context length"}, 400)
        return embed(exchange)

    embedder = embedder_of(server)
    expected = embedder.embed_passages([PASSPORT, WEATHER])
    server.scripts["/api/embed"] = fussy
    found = embedder.embed_passages([PASSPORT, "bomb", WEATHER])
    assert (found[0], found[2]) == (expected[0], expected[1])
    assert math.isclose(cosine(found[1], found[1]), 1.0, abs_tol=1e-4)


def test_a_slow_machine_gets_smaller_batches(server: HostileOllama) -> None:
    """What takes too long at once is asked for in halves; later calls begin with the size that worked."""

    def slow(exchange: Exchange) -> None:
        if len(exchange.body["input"]) > 8:
            exchange.silence(60)
        else:
            embed(exchange)

    embedder = embedder_of(server, timeout_s=2.0)
    expected = embedder.embed_passages([f"form {n}" for n in range(20)])
    server.scripts["/api/embed"] = slow
    assert embedder.embed_passages([f"form {n}" for n in range(20)]) == expected
    assert [len(body["input"]) for body in server.asked("/api/embed")][2:] == [20, 16, 8, 8, 4]
    assert len(embedder.embed_passages(["form"] * 9)) == 9


NAN = float("nan")


@pytest.mark.parametrize(
    "vectors",
    [[[NAN] * 256], [[0.0] * 256], [[1e30] * 256], [[]], [], [["x"] * 256], [None], "no", [[0.1] * 256] * 3],
    ids=["nan", "zero", "huge", "empty", "none", "words", "null", "text", "too-many"],
)
def test_nonsense_is_never_a_vector(server: HostileOllama, vectors: object) -> None:
    """A reply that holds no sound vector ends as an error, in a bounded number of calls."""
    embedder = embedder_of(server)
    assert embedder.dimension == 256
    server.scripts["/api/embed"] = lambda exchange: exchange.json({"embeddings": vectors})
    with pytest.raises(ModelFailed) as raised:
        embedder.embed_passages([PASSPORT, WEATHER])
    assert raised.value.reason == "malformed"
    assert len(server.asked("/api/embed")) < 8


def test_another_dimension_is_refused(server: HostileOllama) -> None:
    """A model that was replaced by another of the same name is noticed at the first vector."""
    embedder = embedder_of(server)
    assert embedder.dimension == 256
    server.scripts["/api/embed"] = lambda exchange: exchange.json({"embeddings": [[0.5, 0.5]]})
    with pytest.raises(ModelFailed, match=r"2 components, not 256.*jibu reindex"):
        embedder.embed_query("passport")


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        (WRITES, "JIBU_OLLAMA_EMBED_MODEL"),
        ("absent", "`ollama pull absent` there, or `jibu models pull absent`"),
    ],
)
def test_a_model_that_cannot_embed_is_refused_with_advice(
    server: HostileOllama, model: str, advice: str
) -> None:
    """Both a model that writes and one that is not there."""
    embedder = embedder_of(server, model=model)
    with pytest.raises(ModelFailed, match=advice):
        embedder.ping()
    with pytest.raises(ModelFailed, match=advice):
        _ = embedder.dimension


def test_an_old_server_that_tells_no_capabilities_is_asked_for_a_vector(server: HostileOllama) -> None:
    """The refusal of the call itself says that the model does not embed."""
    server.models[WRITES] = {"model_info": {}}
    embedder = embedder_of(server, model=WRITES)
    embedder.ping()
    with pytest.raises(ModelFailed, match="makes no vectors"):
        _ = embedder.dimension


def test_another_server_takes_over(server: HostileOllama) -> None:
    """A server that is gone is passed by."""
    gone = HostileOllama()
    gone.close()
    embedder = embedder_of(gone, server)
    assert len(embedder.embed_passages([PASSPORT] * 3)) == 3
    for _ in range(5):
        embedder.embed_query("passport")
