"""What is said of a Weaviate that is away, another's, too old or wrongly set up; without a real one."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jibu.adapters.index.weaviate.connection import Server, translated
from jibu.adapters.index.weaviate.failing import Failed
from jibu.adapters.index.weaviate.index import WeaviateIndex
from jibu.adapters.index.weaviate.schema import Layout
from jibu.domain.errors import Away, IndexMismatch, Misconfigured
from jibu.ports import WeightedTerm
from jibu.testing.index_samples import ALL, passage, vector

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.services.weaviate_script import Script, collection, scripted

LAYOUT = Layout("JibuTest", "model", 8)


@pytest.fixture
def script() -> Iterator[Script]:
    """A server that answers as the test says."""
    with scripted() as script:
        yield script


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def opened(script: Script, port: int = 9, layout: Layout = LAYOUT) -> WeaviateIndex:
    """Open an index on the script, whose gRPC service is not there."""
    server = Server(
        script.url, grpc_url=f"http://127.0.0.1:{port}", api_key="secret-key", query_timeout_s=2.0
    )
    return WeaviateIndex(server, layout)


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ((404, b"<html>Nothing here</html>"), "not Weaviate.*JIBU_WEAVIATE_URL"),
        ((200, b"<html>Welcome</html>"), "not Weaviate.*JIBU_WEAVIATE_URL"),
        ((200, {"name": "something else"}), "not Weaviate.*JIBU_WEAVIATE_URL"),
        ((401, {}), "refuses the API key.*JIBU_WEAVIATE_API_KEY_FILE"),
        ((403, {}), "refuses the API key.*JIBU_WEAVIATE_API_KEY_FILE"),
        ((200, {"version": "1.19.0"}), "too old.*1.30"),
        ((200, {"version": "1.29.4"}), "1.29.4 is too old.*1.30"),
        ((200, {"version": "2.0.0"}), "2.0.0 is newer"),
    ],
)
def test_a_server_that_cannot_serve_is_refused_at_start(
    script: Script, closed_port: int, meta: tuple[int, object], told: str
) -> None:
    """The message names the setting or the version to change, and never the key."""
    script.meta = meta
    with pytest.raises(Misconfigured, match=told) as raised:
        opened(script, closed_port)
    assert "secret-key" not in str(raised.value)


def test_the_key_is_sent(script: Script, closed_port: int) -> None:
    """As a bearer token, from the first request on."""
    opened(script, closed_port).close()
    assert set(script.keys) == {"Bearer secret-key"}


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"description": "Our products"}, Misconfigured, "not made by Jibu.*JIBU_WEAVIATE_COLLECTION"),
        ({"description": None}, Misconfigured, "not made by Jibu"),
        ({"description": json.dumps({"jibu-index": 99})}, IndexMismatch, "another release.*jibu reindex"),
        (
            {"description": replace(LAYOUT, embedder="old").note},
            IndexMismatch,
            "built with old.*jibu reindex",
        ),
        ({"description": replace(LAYOUT, dimension=9).note}, IndexMismatch, "9 dimensions.*jibu reindex"),
        ({"multiTenancyConfig": {"enabled": True}}, Misconfigured, "tenants is True, not False"),
        ({"properties": []}, Misconfigured, "differs.*properties"),
    ],
)
def test_a_collection_that_does_not_fit_is_refused_at_start(
    script: Script, closed_port: int, change: dict[str, object], error: type[Exception], told: str
) -> None:
    """Another's, another release's, another embedder's, or changed by hand: each is told apart."""
    script.collection = collection(LAYOUT) | change
    with pytest.raises(error, match=told):
        opened(script, closed_port)


def test_more_replicas_than_there_are_in_the_collection_are_refused(script: Script, closed_port: int) -> None:
    """The setting counts when the index is made: a later change would have no effect, so it is told."""
    script.collection = collection(LAYOUT)
    with pytest.raises(Misconfigured, match="replication factor is 1, not 3"):
        opened(script, closed_port, replace(LAYOUT, replication=3))


def test_replicas_that_the_server_does_not_give_are_told(script: Script, closed_port: int) -> None:
    """A cluster that is too small."""
    script.create = 422
    with pytest.raises(Misconfigured, match="3 replicas and 1 shards: has it enough nodes"):
        opened(script, closed_port, replace(LAYOUT, replication=3))


def test_a_missing_collection_is_made(script: Script, closed_port: int) -> None:
    """Both that an index has, with what Jibu needs and a note of who made them for which embedder."""
    opened(script, closed_port).close()
    assert script.created == [LAYOUT.schema, LAYOUT.done_schema]


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://h", "http://", "http://h:x", "http://u:p@h", "http://h/v1"]
)
def test_a_bad_address_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(Misconfigured, match="JIBU_WEAVIATE_URL"):
        WeaviateIndex(Server(url), LAYOUT)


@pytest.mark.parametrize("name", ["", "jibu", "Jibu-2", "Jibu{x}", "J" * 65])
def test_a_bad_collection_name_is_refused(name: str) -> None:
    """Also because the name becomes part of a query."""
    with pytest.raises(Misconfigured, match="cannot name a Weaviate collection"):
        Layout(name, "model", 8)


def test_an_absent_server_stops_no_start_and_every_call_says_so(closed_port: int) -> None:
    """The index opens; each call fails with an error that means: try again."""
    index = WeaviateIndex(Server(f"http://127.0.0.1:{closed_port}"), LAYOUT)
    calls = [
        index.info,
        lambda: index.add([passage(0, "x")]),
        lambda: index.dense(vector(1.0), ALL, 3),
        lambda: index.lexical([WeightedTerm("x")], ALL, 3),
        lambda: index.frequencies(["x"]),
        lambda: index.vectors(["d1.1.0"], ALL),
        lambda: index.passage_ids("d1", 1),
        lambda: index.delete_document("d1"),
        index.compact,
    ]
    for call in calls:
        with pytest.raises(Away, match="does not answer") as raised:
            call()
        assert raised.value.retry_after > 0
    index.close()


def test_grpc_that_is_away_is_told_soon_and_named(script: Script, closed_port: int) -> None:
    """Left to itself the client would go on trying for a minute before a search fails."""
    script.collection = collection(LAYOUT)
    index = opened(script, closed_port)
    began = time.monotonic()
    with pytest.raises(Away, match=r"gRPC.*JIBU_WEAVIATE_GRPC_URL"):
        index.info()
    assert time.monotonic() - began < 20
    index.close()


def test_a_server_that_comes_up_is_looked_at_again(script: Script, closed_port: int) -> None:
    """Away, then starting, then there: nobody has to restart Jibu, and the collection is checked late but surely."""
    script.meta, script.ready = (503, {}), 503
    index = opened(script, closed_port)
    told = [_said(index)]
    script.meta = (200, {"version": "1.38.11"})
    told.append(_said(index))
    script.ready = 200
    told.append(_said(index))
    assert told == [
        "Weaviate does not answer (HTTP 503)",
        "Weaviate is starting",
        "Weaviate answers, but its gRPC service does not: see JIBU_WEAVIATE_GRPC_URL",
    ]
    assert script.created == [LAYOUT.schema, LAYOUT.done_schema]
    index.close()


def test_a_collection_that_does_not_fit_is_refused_late_too(script: Script, closed_port: int) -> None:
    """Where the server was away at the start, the first call after it came finds out."""
    script.ready = 503
    index = opened(script, closed_port)
    script.ready, script.collection = 200, collection(replace(LAYOUT, embedder="old"))
    time.sleep(0.6)
    with pytest.raises(IndexMismatch, match="reindex"):
        index.info()
    index.close()


def _said(index: WeaviateIndex) -> str:
    time.sleep(0.6)  # within half a second of a failure nobody looks again
    with pytest.raises(Away) as raised:
        index.info()
    return str(raised.value)


def test_a_dropped_index_is_told_with_what_to_do() -> None:
    """While Weaviate starts it says the same, so the caller is to come again; nothing of its words gets through."""
    with pytest.raises(Away, match=r"starting.*dropped.*restart.*`jibu reindex`") as caught, translated():
        raise Failed("UNKNOWN", "could not find class JibuTest in schema")
    assert "JibuTest" not in str(caught.value)
