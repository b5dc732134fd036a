"""Services that misbehave: each becomes a failure with its code, in the data and in the message log; nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from live_block import BY_PATH, PERSON, LiveBlock
from registry_stand_in import BOMB, Registry

JSON = "Content-Type: application/json"
BAD = "upstream-bad-answer"
CHUNKED = "Transfer-Encoding: chunked"


def failed(block: LiveBlock, *services: str) -> list[tuple[str, str | None]]:
    """Ask; return (reason, stage) of what failed, which the message log must say too."""
    found = block.ask(*services)
    logged = {one.message_id: one.outcome for one in block.exchanges()}
    assert [logged[one.message_id or ""] for one in found.failures] == [one.reason for one in found.failures]
    return [(one.reason, one.stage) for one in found.failures]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", ("Location: http://127.0.0.1:22/",), "302 Found"),
        (b"{}", ("Location: http://169.254.169.254/latest/meta-data/",), "307 Temporary Redirect"),
        (b"{}", (), "500 Internal Server Error"),
        (b"{}", (), "401 Unauthorized"),
        (b"{}", (), "201 Created"),
        (b'{"a": "part"}', ("Content-Range: bytes 0-12/99",), "206 Partial Content"),
        (b"<p>hello</p>", ("Content-Type: text/html",), "200 OK"),
        (b"{}", ("Content-Type: text/plain",), "200 OK"),
        (b"{}", ("Content-Type: application/jsonp",), "200 OK"),
        (b"{}", ("Content-Type: application/json; charset=utf-16",), "200 OK"),
        (b"{}", ("Content-Type: application/json", "Content-Type: text/html"), "200 OK"),
        (b"{}", ("Content-Type:",), "200 OK"),
        (b"{}", ("Content-Encoding: br",), "200 OK"),
        (gzip.compress(b'{"a": 1}', mtime=0), ("Content-Encoding: gzip",), "200 OK"),
        (BOMB, ("Content-Encoding: gzip",), "200 OK"),
        (b'{"a": "\xff\xfe"}', (), "200 OK"),
        ('{"a": "é"}'.encode("latin-1"), (), "200 OK"),
        (b"\xef\xbb\xbf{}", (), "200 OK"),
        (b"", (), "200 OK"),
        (b"{}{}", (), "200 OK"),
        (b"{'a': 1}", (), "200 OK"),
        (b"[" * 9000, (), "200 OK"),
        (b"[" * 9 + b"]" * 9, (), "200 OK"),
        (b'{"a": NaN}', (), "200 OK"),
        (b'{"a": -Infinity}', (), "200 OK"),
        (b'{"a": 1e999}', (), "200 OK"),
        (b'{"a": ' + b"9" * 400 + b"}", (), "200 OK"),
        (b'{"a": 1, "a": 2}', (), "200 OK"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', (), "200 OK"),
        (b'{"": 1}', (), "200 OK"),
        (b'{"a\\nb": 1}', (), "200 OK"),
        (b'{"a": "\\ud800"}', (), "200 OK"),
        (b'{"a": "' + b"x" * 501 + b'"}', (), "200 OK"),
        (b"{" + b",".join(b'"k%d": 1' % n for n in range(201)) + b"}", (), "200 OK"),
        (b"[" + b",".join([b"1"] * 2001) + b"]", (), "200 OK"),
    ],
)
def test_answers_that_cannot_be_used(
    live_block: LiveBlock, body: bytes, headers: tuple[str, ...], status: str
) -> None:
    """Redirects, errors, other types, other codings, and JSON that two readers could read in two ways."""
    live_block.registry.says(body, *headers, status=status)
    assert failed(live_block) == [(BAD, "answer")]
    (kept,) = live_block.exchanges()
    assert kept.status == int(status[:3])
    assert len(live_block.registry.seen) == 1, "nobody was led elsewhere"


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        'application/JSON;charset="UTF-8"',
        "application/problem+json",
        "application/hal+json",
    ],
)
def test_json_has_several_names(live_block: LiveBlock, kind: str) -> None:
    """With or without what it is written in."""
    live_block.registry.says(b'{"a": 1}', f"Content-Type: {kind}", "Content-Encoding: identity")
    assert failed(live_block) == []


def test_a_body_that_never_ends_is_cut_off(live_block: LiveBlock) -> None:
    """At the bound, long before the time is over; the log has the hash of what passed."""
    endless = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    live_block.registry.answer = f"HTTP/1.1 200 OK\r\n{JSON}\r\n{CHUNKED}\r\n\r\n".encode() + endless * 40
    assert failed(live_block) == [(BAD, "answer")]
    assert 10_000 < live_block.exchanges()[0].response_bytes < 1_000_000


@pytest.mark.parametrize("path", ["drip", "slow"])
def test_one_that_wastes_time_costs_no_more_than_the_time_for_all(
    database: Path, tmp_path: Path, registry: Registry, path: str
) -> None:
    """A byte now and then, or nothing; what the other service says is there."""
    registry.forget()
    registry.says(b'{"a": 1}')
    block = LiveBlock(database, tmp_path, registry, seconds=2.0)
    block.put("person", base_url=f"http://127.0.0.1:{registry.port}/{path}")
    try:
        found = block.ask(PERSON, BY_PATH)
        assert [(one.service_id, one.reason) for one in found.failures] == [(PERSON, "upstream-timeout")]
        assert [one.source.service_id for one in found.records] == [BY_PATH]
        kept = {one.service: (one.outcome, one.endpoint) for one in block.exchanges()}
        assert kept == {"person": ("upstream-timeout", "/person"), "by-path": ("ok", "/persons/{id}")}
    finally:
        block.records.close()


HERE = "http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("url", "private", "told"),
    [
        ("http://127.0.0.1:{closed}", "allowed", ("upstream-refused", "connect")),
        (HERE, "no", ("upstream-unreachable", "connect")),
        ("http://localhost:{port}", "no", ("upstream-unreachable", "connect")),
        ("http://169.254.169.254", "allowed", ("upstream-unreachable", "connect")),
        ("http://no-such-host.invalid", "allowed", ("upstream-unreachable", "connect")),
        (f"{HERE}/hangup", "allowed", (BAD, "answer")),
        (f"{HERE}/noise", "allowed", (BAD, "answer")),
        (f"{HERE}/heads", "allowed", (BAD, "answer")),
    ],
)
def test_services_that_cannot_be_reached(
    live_block: LiveBlock, url: str, private: str, told: tuple[str, str], closed_port: int
) -> None:
    """Each in the mediator's words, and in the log though nothing came."""
    where = url.format(port=live_block.registry.port, closed=closed_port)
    live_block.put("person", base_url=where, private_host=private == "allowed")
    assert failed(live_block) == [told]
    assert live_block.exchanges()[0].status == 502


def test_a_service_that_is_left_alone_is_in_no_log(live_block: LiveBlock, closed_port: int) -> None:
    """Three attempts are exchanges, and counted; the fourth was none. It is a failure all the same."""
    live_block.put("person", base_url=f"http://127.0.0.1:{closed_port}")
    for _ in range(3):
        live_block.ask()
    (failure,) = live_block.ask().failures
    assert (failure.reason, failure.stage, failure.message_id) == ("upstream-unreachable", "connect", None)
    assert [one.outcome for one in live_block.exchanges()] == ["upstream-refused"] * 3
    assert {one.message_id for one in live_block.watched} == {
        one.message_id for one in live_block.exchanges()
    }
