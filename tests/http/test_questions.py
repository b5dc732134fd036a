"""Asking and searching over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from http_support import OTHER, TestServices, app_of, client_of

pytestmark = pytest.mark.anyio
TEXT = "A passport is valid for ten years."


async def load(client: httpx.AsyncClient, text: str = TEXT, collection: str = "travel") -> str:
    """Load a document; return its id."""
    body = {"title": "Passport guide", "text": text}
    response = await client.post(f"/rag/v1/collections/{collection}/documents", json=body)
    assert response.status_code == 202
    return str(response.json()["documentId"])


def events(body: str) -> list[tuple[str, Any]]:
    """Return the events of a stream."""
    found = []
    for block in body.strip().split("\n\n"):
        if not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_an_answer_cites_exact_spans(client: httpx.AsyncClient) -> None:
    """The quote is the slice of the text that the citation names."""
    document = await load(client)
    answer = (await client.post("/rag/v1/query", json={"question": "How long is a passport valid?"})).json()
    assert answer["status"] == "answered"
    citation = answer["citations"][0]
    where = f"/rag/v1/documents/{document}/text?version={citation['documentVersion']}"
    text = (await client.get(where)).text
    assert citation["quote"] == text[citation["start"] : citation["end"]]


async def test_not_found_is_an_answer(client: httpx.AsyncClient) -> None:
    """It is a 200 with a reason and no claims."""
    response = await client.post("/rag/v1/query", json={"question": "Who won the cup?"})
    answer = response.json()
    assert (
        response.status_code,
        answer["status"],
        answer["claims"],
        answer["reason"],
    ) == (200, "not_found", [], "not-in-documents")


async def test_a_stream_tells_sources_tokens_and_the_whole_answer(client: httpx.AsyncClient) -> None:
    """The tokens joined are the answer; the last event is the whole object."""
    await load(client)
    response = await client.post(
        "/rag/v1/query", json={"question": "passport"}, headers={"Accept": "text/event-stream"}
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    assert (response.headers["cache-control"], response.headers["x-accel-buffering"]) == ("no-store", "no")
    found = events(response.text)
    assert (found[0][0], found[-1][0]) == ("sources", "done")
    assert "".join(data["text"] for name, data in found if name == "token") == found[-1][1]["answer"] == TEXT
    assert found[0][1]["citations"][0]["quote"] == TEXT
    stored = await client.get(f"/rag/v1/answers/{found[-1][1]['answerId']}")
    assert stored.json() == found[-1][1]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("application/json;q=0.5, text/event-stream", "text/event-stream"),
        ("application/json, text/event-stream;q=0.5", "application/json"),
        ("text/event-stream;q=0", "application/json"),
        ("text/event-stream;q=x", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("", "application/json"),
    ],
)
async def test_accept_chooses_the_form(client: httpx.AsyncClient, accept: str, kind: str) -> None:
    """A stream comes only to who asks for one."""
    response = await client.post("/rag/v1/query", json={"question": "passport"}, headers={"Accept": accept})
    assert (200, kind) == (response.status_code, response.headers["content-type"].partition(";")[0])


async def test_problems_before_the_first_event_are_ordinary(client: httpx.AsyncClient) -> None:
    """A stream that cannot begin is a problem, not a 200."""
    response = await client.post(
        "/rag/v1/query",
        json={"question": "passport", "collections": ["nowhere"]},
        headers={"Accept": "text/event-stream"},
    )
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


PERSON = {"individualId": "i", "dataAgreementId": "1"}
BAD_QUESTIONS: list[tuple[Any, int, str | None]] = [
    ({}, 400, "question"),
    ([], 400, None),
    ("question", 400, None),
    (None, 400, None),
    ({"question": ""}, 400, "question"),
    ({"question": " \t\n\u3000"}, 400, "question"),
    ({"question": "x" * 4001}, 400, "question"),
    ({"question": "a\x00b"}, 400, "question"),
    ({"question": "a\x1b[31mb"}, 400, "question"),
    ({"question": "a\x85b"}, 400, "question"),
    ({"question": 7}, 400, "question"),
    ({"question": None}, 400, "question"),
    ({"question": "???"}, 422, "question"),
    ({"question": "passport", "extra": 1}, 400, "extra"),
    ({"question": "passport", "collections": []}, 400, "collections"),
    ({"question": "passport", "collections": ["travel", "travel"]}, 400, "collections"),
    ({"question": "passport", "collections": ["No Such"]}, 400, "collections/0"),
    ({"question": "passport", "collections": ["nowhere"]}, 404, None),
    ({"question": "passport", "language": "klingon"}, 400, "language"),
    ({"question": "passport", "language": "xx"}, 422, "language"),
    ({"question": "passport", "language": "und"}, 422, "language"),
    ({"question": "passport", "maxCitations": 0}, 400, "maxCitations"),
    ({"question": "passport", "maxCitations": 21}, 400, "maxCitations"),
    ({"question": "passport", "maxCitations": 2.5}, 400, "maxCitations"),
    ({"question": "passport", "maxCitations": True}, 400, "maxCitations"),
    ({"question": "passport", "conversationId": "no-such"}, 404, None),
    ({"question": "passport", "conversationId": "../x"}, 400, "conversationId"),
    *(
        ({"question": "passport", "personalContext": PERSON | {"services": named}}, status, field)
        for named, status, field in (
            (["a/b/c/d"], 422, "personalContext/services"),
            (["a/b/c/d/e", "a/b/c/d/e"], 422, "personalContext/services"),
            (["a/b/c/d/.."], 422, "personalContext/services"),
            ([f"a/b/c/d/{n}" for n in range(9)], 422, "personalContext/services"),
            (["a/b/c/d/e?x"], 400, "personalContext/services/0"),
            ("a/b/c/d/e", 400, "personalContext/services"),
        )
    ),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD_QUESTIONS)
async def test_bad_questions(
    client: httpx.AsyncClient, services: TestServices, body: Any, status: int, field: str | None
) -> None:
    """Each is the right problem, names its field, and nothing else happens."""
    for accept in ("application/json", "text/event-stream"):
        response = await client.post("/rag/v1/query", json=body, headers={"Accept": accept})
        told = response.json()
        assert (status, "application/problem+json") == (
            response.status_code,
            response.headers["content-type"],
        )
        assert told.get("field") == field
        assert told["traceId"]
        assert told["instance"] == "/rag/v1/query"
    assert services.store.answers == {}


async def test_a_refusal_does_not_repeat_the_question(client: httpx.AsyncClient) -> None:
    """Problems are kept in logs of others; what was asked does not belong there."""
    response = await client.post("/rag/v1/query", json={"question": "my secret illness \x00"})
    assert "illness" not in response.text


async def test_a_question_of_four_thousand_characters_passes(client: httpx.AsyncClient) -> None:
    """The limit counts characters, not bytes."""
    response = await client.post("/rag/v1/query", json={"question": "ញ" * 4000})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b'{"question": "a"} trailing',
        b'{"question": NaN}',
        b'{"question": Infinity}',
        b'{"question": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"question": ' + b"9" * 5000 + b"}",
    ],
)
async def test_malformed_json(client: httpx.AsyncClient, raw: bytes) -> None:
    """What is not strict JSON is a bad request, whatever it looks like."""
    response = await client.post("/rag/v1/query", content=raw, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["type"]) == (400, "urn:problem-type:jibu:bad-request")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "json",
        "*/*",
    ],
)
async def test_wrong_content_types(client: httpx.AsyncClient, kind: str) -> None:
    """Only JSON in UTF-8 is taken."""
    body = b'{"question": "passport"}'
    response = await client.post("/rag/v1/query", content=body, headers={"Content-Type": kind})
    assert response.status_code == 415


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=UTF-8"])
async def test_right_content_types(client: httpx.AsyncClient, kind: str) -> None:
    """Media types are compared without regard to case, and are still checked."""
    response = await client.post(
        "/rag/v1/query", content=b'{"question": "passport"}', headers={"Content-Type": kind}
    )
    assert response.status_code == 200
    response = await client.post("/rag/v1/query", content=b"{}", headers={"Content-Type": kind})
    assert response.status_code == 400


async def test_a_body_in_chunks_without_length(client: httpx.AsyncClient) -> None:
    """A chunked body is a body."""

    async def chunks() -> Any:
        for piece in (b'{"question"', b': "pass', b'port"}'):
            yield piece

    response = await client.post(
        "/rag/v1/query", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 200


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_over_the_limit(client: httpx.AsyncClient, chunked: bool) -> None:  # noqa: FBT001
    """Too much is told as soon as it is seen, with a length or without."""
    body = b" " * 1_200_000

    async def chunks() -> Any:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    response = await client.post(
        "/rag/v1/query",
        content=chunks() if chunked else body,
        headers={"Content-Type": "application/json"},
    )
    assert (response.status_code, response.json()["type"]) == (413, "urn:problem-type:jibu:too-large")


async def test_an_unreadable_collection_is_as_if_it_were_not_there(services: TestServices) -> None:
    """Asking in it and reading it give the same 404 as a made-up name."""
    async with client_of(app_of(services), services.token("rag.query")) as client:
        for path, named in (("/rag/v1/query", "question"), ("/rag/v1/search", "query")):
            closed = await client.post(path, json={named: "passport", "collections": ["secret"]})
            absent = await client.post(path, json={named: "passport", "collections": ["nowhere"]})
            assert closed.status_code == absent.status_code == 404
            same = {"type", "title", "status"}
            assert {k: closed.json()[k] for k in same} == {k: absent.json()[k] for k in same}


async def test_search_finds_passages(client: httpx.AsyncClient) -> None:
    """A passage carries what is needed to cite it."""
    document = await load(client)
    found = (await client.post("/rag/v1/search", json={"query": "passport", "limit": 1})).json()["passages"]
    assert (document, TEXT, {"dense": 0.8, "lexical": None}) == (
        found[0]["documentId"],
        found[0]["text"],
        found[0]["scores"],
    )


async def test_search_tells_its_times(client: httpx.AsyncClient) -> None:
    """The embedder's own and what the search took beyond it, in milliseconds."""
    response = await client.post("/rag/v1/search", json={"query": "passport"})
    assert response.headers["server-timing"] == "embedding;dur=1.0, search;dur=2.0"


async def test_search_filters_by_language(client: httpx.AsyncClient) -> None:
    """The primary subtag decides."""
    await load(client)
    for language, count in (("en-GB", 1), ("EN", 1), ("sw", 0)):
        body = {"query": "passport", "language": language}
        assert count == len((await client.post("/rag/v1/search", json=body)).json()["passages"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": " "}, "query"),
        ({"query": "x", "limit": 0}, "limit"),
        ({"query": "x", "limit": 101}, "limit"),
        ({"query": "x", "limit": "5"}, "limit"),
        ({"query": "x", "language": "english"}, "language"),
    ],
)
async def test_bad_searches(client: httpx.AsyncClient, body: Any, field: str) -> None:
    """The field is named."""
    response = await client.post("/rag/v1/search", json=body)
    assert (400, field) == (response.status_code, response.json()["field"])


async def test_feedback_and_stored_answers(services: TestServices) -> None:
    """The asker and the auditor may read an answer; only the asker may rate it."""
    app = app_of(services)
    async with client_of(app, services.token("rag.query")) as asker:
        answer = (await asker.post("/rag/v1/query", json={"question": "passport"})).json()
        where = f"/rag/v1/answers/{answer['answerId']}"
        assert (await asker.get(where)).json() == answer
        assert (await asker.post(f"{where}/feedback", json={"rating": "helpful"})).status_code == 204
        for bad in ({"rating": "good"}, {}, {"rating": "helpful", "reason": " "}):
            assert (await asker.post(f"{where}/feedback", json=bad)).status_code == 400
    async with client_of(app, services.token("rag.query", client=OTHER)) as other:
        assert (await other.get(where)).status_code == 404
        assert (await other.post(f"{where}/feedback", json={"rating": "helpful"})).status_code == 404
    async with client_of(app, services.token("audit.read", client=OTHER)) as auditor:
        assert (await auditor.get(where)).status_code == 200
        assert (await auditor.post(f"{where}/feedback", json={"rating": "helpful"})).status_code == 403
    assert services.store.feedback == {answer["answerId"]: ("helpful", None)}


async def test_an_empty_question_is_told_once(client: httpx.AsyncClient) -> None:
    """One error for the field, however many rules it breaks."""
    for text in ("", "  "):
        problem = (await client.post("/rag/v1/query", json={"question": text})).json()
        assert problem["errors"] == [{"field": "question", "message": "is blank"}]
        assert problem["detail"] == "question is blank"


async def test_a_body_of_another_type_is_told_what_to_send(client: httpx.AsyncClient) -> None:
    """A sentence as in the contract's example; a strange type is not repeated."""
    for sent, told in (("Text/HTML; charset=utf-8", "text/html"), ("<script>/x", "such a body")):
        response = await client.post("/rag/v1/query", content=b"x", headers={"Content-Type": sent})
        assert response.status_code == 415
        assert response.json()["detail"] == f"{told} is not taken here; send application/json"


async def test_json_is_compact_everywhere(client: httpx.AsyncClient) -> None:
    """Answers, problems and events have no blank space between names and values."""
    await load(client)
    asked = {"question": "How long is a passport valid?"}
    whole = await client.post("/rag/v1/query", json=asked)
    wrong = await client.post("/rag/v1/query", json={})
    stream = await client.post("/rag/v1/query", json=asked, headers={"Accept": "text/event-stream"})
    for body in (whole.text, wrong.text, *re.findall("^data: (.*)$", stream.text, re.MULTILINE)):
        assert body == json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":"))
