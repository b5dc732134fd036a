"""The HTTP target against a small service that speaks the contract."""

from __future__ import annotations

import json
import re
from email import message_from_bytes
from pathlib import Path
from typing import Any

import httpx
import pytest

from jibu.domain.errors import JibuError, Unavailable
from jibu.evaluation import evaluate
from jibu.evaluation.datasets import load_dataset
from jibu.evaluation.http_target import HttpTarget


class SmallService:
    """Keeps documents and conversations; indexes one document per listing; finds by a shared word."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.conversations: dict[str, list[str]] = {}
        self.uploads = 0
        self.busy = 0
        self.shift = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        assert request.headers["Authorization"] == "Bearer t0ken"
        if self.busy:
            self.busy -= 1
            return httpx.Response(503, headers={"Retry-After": "2"})
        path = request.url.path.removeprefix("/rag/v1")
        name = f"{request.method.lower()}_{re.sub('[^a-z]', '', path.split('/')[1 if path.count('/') < 3 else 3])}"
        answer: httpx.Response = getattr(self, name)(path, request)
        return answer

    def put_collections(self, path: str, request: httpx.Request) -> httpx.Response:
        """Take a collection."""
        assert path == "/collections/eval-small-set"
        return httpx.Response(201, json=json.loads(request.content))

    def get_documents(self, _: str, request: httpx.Request) -> httpx.Response:
        """List two documents at a time, and index one."""
        offset = int(request.url.params["offset"])
        items = list(self.documents.values())
        page = [{k: v for k, v in d.items() if k != "text"} for d in items[offset : offset + 2]]
        waiting = [d for d in items if d["status"] == "received"]
        if waiting:
            waiting[0]["status"] = "failed" if waiting[0]["externalId"] == "ada" else "indexed"
            waiting[0]["failure"] = {"reason": "encrypted", "message": ""}
        return httpx.Response(200, json={"items": page, "total": len(items), "offset": offset, "limit": 2})

    def post_documents(self, _: str, request: httpx.Request) -> httpx.Response:
        """Take an upload."""
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
        parts = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in message_from_bytes(head + request.content).get_payload()
            if not isinstance(part, str)
        }
        self.uploads += 1
        number = f"d{self.uploads}"
        external = parts["externalId"].decode()
        self.documents[external] = {
            "documentId": number,
            "externalId": external,
            "status": "received",
            "text": parts["file"].decode(),
        }
        return httpx.Response(
            202, json={"documentId": number, "status": "received", "changed": True, "links": {}}
        )

    def post_conversations(self, _: str, request: httpx.Request) -> httpx.Response:
        """Keep turns."""
        number = f"c{len(self.conversations)}"
        self.conversations[number] = [t["text"] for t in json.loads(request.content)["turns"]]
        return httpx.Response(201, json={"conversationId": number})

    def delete_conversations(self, path: str, _: httpx.Request) -> httpx.Response:
        """Forget them."""
        del self.conversations[path.rsplit("/", 1)[1]]
        return httpx.Response(204)

    def _found(self, body: dict[str, Any], question: str) -> list[dict[str, Any]]:
        words = (
            " ".join([question, *self.conversations.get(body.get("conversationId", ""), [])]).lower().split()
        )
        assert body["collections"] == ["eval-small-set"]
        return [
            d
            for d in self.documents.values()
            if d["status"] == "indexed" and any(w in d["text"].lower() for w in words)
        ]

    def post_search(self, _: str, request: httpx.Request) -> httpx.Response:
        """Search."""
        body = json.loads(request.content)
        assert body["limit"] == 100
        found = [{"documentId": d["documentId"], "text": d["text"]} for d in self._found(body, body["query"])]
        return httpx.Response(200, json={"language": "en", "passages": found})

    def post_query(self, _: str, request: httpx.Request) -> httpx.Response:
        """Answer."""
        body = json.loads(request.content)
        citations = [
            {
                "documentId": d["documentId"],
                "documentVersion": 1,
                "quote": d["text"][3:9],
                "start": 3 + self.shift,
                "end": 9,
            }
            for d in self._found(body, body["question"])
        ]
        status = "answered" if citations else "not_found"
        return httpx.Response(200, json={"status": status, "confidence": 0.5, "citations": citations})

    def get_text(self, path: str, request: httpx.Request) -> httpx.Response:
        """Give the text out."""
        assert request.url.params["version"] == "1"
        text = next(d["text"] for d in self.documents.values() if d["documentId"] == path.split("/")[2])
        return httpx.Response(200, text=text)


@pytest.fixture
def service() -> SmallService:
    """Return the service."""
    return SmallService()


@pytest.fixture
def target(service: SmallService) -> HttpTarget:
    """Return the target that talks to it, and never really sleeps."""
    client = httpx.Client(transport=httpx.MockTransport(service))
    return HttpTarget("http://jibu.example/", "t0ken", client=client, sleep=lambda _: None)


def test_a_whole_evaluation(folder: Path, service: SmallService, target: HttpTarget) -> None:
    """Documents go up, earlier turns go along, answers come back, nothing is left behind."""
    report = evaluate([folder], target, progress=False)
    outcomes = {o.question_id: o for o in report.sets[0].outcomes}
    assert report.sets[0].errors == ()
    assert report.sets[0].failed == (("ada", "encrypted"),)
    assert (outcomes["q1"].recall, outcomes["q2"].recall, outcomes["q3"].recall) == (1.0, 1.0, 0.0)
    assert outcomes["q1"].citations == outcomes["q1"].exact_citations == 2
    assert outcomes["q4"].status == "not_found"
    assert service.conversations == {}


def test_quotes_that_are_not_exact_are_told(folder: Path, service: SmallService, target: HttpTarget) -> None:
    """Exactness is checked against the text as served, not taken on trust."""
    service.shift = 1
    outcome = evaluate([folder], target, progress=False).sets[0].outcomes[0]
    assert (outcome.citations, outcome.exact_citations) == (2, 0)


def test_what_is_there_is_not_sent_again(folder: Path, service: SmallService, target: HttpTarget) -> None:
    """A second run sends only what failed."""
    dataset = load_dataset(folder)
    first, second = target.load(dataset, lambda _: None), target.load(dataset, lambda _: None)
    assert (first.sent, first.kept) == (3, 0)
    assert (second.sent, second.kept) == (1, 2)
    assert service.uploads == 4


def test_a_busy_service_is_asked_again(folder: Path, service: SmallService, target: HttpTarget) -> None:
    """429 and 503 are waited out."""
    service.busy = 5
    assert target.load(load_dataset(folder), lambda _: None).sent == 3


def test_refusals_are_errors_that_say_why(folder: Path, service: SmallService) -> None:
    """A bad token or a service that is gone ends the evaluation with its reason."""
    refuse = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(401, text="token expired")))
    with pytest.raises(JibuError, match="401 token expired"):
        HttpTarget("http://jibu.example", "t", client=refuse).load(load_dataset(folder), lambda _: None)

    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    lost = httpx.Client(transport=httpx.MockTransport(gone))
    with pytest.raises(Unavailable, match="refused"):
        HttpTarget("http://jibu.example", "t", client=lost).load(load_dataset(folder), lambda _: None)
