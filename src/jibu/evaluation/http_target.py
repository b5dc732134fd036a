"""A running service, spoken to over HTTP with a token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

import httpx

from jibu.domain.errors import JibuError, Unavailable
from jibu.evaluation.datasets import Dataset, SourceDocument
from jibu.evaluation.targets import (
    Asked,
    Cited,
    Loading,
    Progress,
    Ranked,
    Turns,
    collection_id,
    usable,
)

_PAGE = 200
_TRIES = 8
_BUSY = (429, 503)
_STALL_S = 900.0  # without one more document indexed in this time the service is given up


class HttpTarget:
    """Evaluates ``base_url`` (up to, without, ``/rag/v1``). The token needs rag.query, rag.ingest and rag.admin."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        client: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = client or httpx.Client(timeout=120.0)
        self._base = base_url.rstrip("/") + "/rag/v1"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._sleep = sleep
        self._ids: dict[str, dict[str, str]] = {}
        self._text = lru_cache(maxsize=256)(self._fetch_text)

    @property
    def name(self) -> str:
        """The service's address."""
        return self._base

    def load(self, dataset: Dataset, progress: Progress) -> Loading:
        """Send what is not there by its external id, and wait until all is indexed. Raises: Unavailable, JibuError."""
        collection = collection_id(dataset)
        self._call("PUT", f"/collections/{collection}", json={"title": f"Evaluation: {dataset.name}"})
        states = self._states(collection)
        sent = 0
        for document in dataset.documents:
            if states.get(document.document_id, {}).get("status") not in ("indexed", "received"):
                self._send(collection, document)
                sent += 1
        states = self._wait(dataset, collection, progress)
        failed = tuple(
            (name, str((state.get("failure") or {}).get("reason", "unknown")))
            for name, state in states.items()
            if state["status"] == "failed"
        )
        return Loading(sent, len(dataset.documents) - sent, failed)

    def search(self, dataset: Dataset, question: str, history: Turns, limit: int) -> list[Ranked]:
        """Return passages of this corpus, best first. Raises: Unavailable, JibuError."""
        with _Conversation(self, history) as conversation:
            body = {
                "query": question,
                "collections": [collection_id(dataset)],
                "limit": limit,
                **conversation,
            }
            found = self._call("POST", "/search", json=body).json()["passages"]
        ids = self._known(dataset)
        return [Ranked(ids.get(p["documentId"], ""), p["text"]) for p in found]

    def ask(self, dataset: Dataset, question: str, history: Turns) -> Asked:
        """Answer from this corpus; quotes are compared with the text that the service gives out."""
        with _Conversation(self, history) as conversation:
            body = {
                "question": question,
                "collections": [collection_id(dataset)],
                "maxCitations": 20,
                **conversation,
            }
            answer = self._call("POST", "/query", json=body).json()
        answered = answer["status"] in ("answered", "partial")
        cited = tuple(
            self._cited(c, self._known(dataset))
            for c in answer["citations"]
            if c.get("kind", "document") == "document"
        )
        return Asked(answer["status"], float(answer["confidence"]), cited if answered else ())

    def start_conversation(self, history: Turns) -> str:
        """Return the id of a conversation with these turns."""
        turns = [{"role": role, "text": text} for role, text in usable(history)]
        return str(self._call("POST", "/conversations", json={"turns": turns}).json()["conversationId"])

    def end_conversation(self, conversation_id: str) -> None:
        """Remove a conversation."""
        self._call("DELETE", f"/conversations/{conversation_id}")

    def _cited(self, citation: dict[str, Any], ids: dict[str, str]) -> Cited:
        text = self._text(citation["documentId"], citation.get("documentVersion"))
        exact = citation["quote"] == text[citation["start"] : citation["end"]]
        return Cited(ids.get(citation["documentId"], ""), citation["quote"], exact)

    def _fetch_text(self, document_id: str, version: int | None) -> str:
        where = {"version": version} if version is not None else {}
        answer = self._call("GET", f"/documents/{document_id}/text", params=where)
        return str(answer.content.decode("utf-8"))

    def _known(self, dataset: Dataset) -> dict[str, str]:
        """Return the data set's ids by the service's."""
        collection = collection_id(dataset)
        if collection not in self._ids:
            self._ids[collection] = {s["documentId"]: name for name, s in self._states(collection).items()}
        return self._ids[collection]

    def _states(self, collection: str) -> dict[str, dict[str, Any]]:
        return {item["externalId"]: item for item in self._pages(collection) if item.get("externalId")}

    def _pages(self, collection: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            where = {"collectionId": collection, "offset": offset, "limit": _PAGE}
            page = self._call("GET", "/documents", params=where).json()
            yield from page["items"]
            offset += len(page["items"])
            if not page["items"] or offset >= page["total"]:
                return

    def _send(self, collection: str, document: SourceDocument) -> None:
        fields = {
            "title": document.title,
            "externalId": document.document_id,
            "mediaType": document.media_type,
        }
        if document.language:
            fields["language"] = document.language
        if document.url:
            fields["url"] = document.url
        file = (document.filename, document.content(), document.media_type)
        self._call("POST", f"/collections/{collection}/documents", data=fields, files={"file": file})

    def _wait(self, dataset: Dataset, collection: str, progress: Progress) -> dict[str, dict[str, Any]]:
        done, since = 0, time.monotonic()
        wanted = {document.document_id for document in dataset.documents}
        while True:
            states = {name: s for name, s in self._states(collection).items() if name in wanted}
            now_done = sum(s["status"] != "received" for s in states.values())
            progress(now_done - done)
            if now_done == len(wanted):
                return states
            if now_done > done:
                done, since = now_done, time.monotonic()
            elif time.monotonic() - since > _STALL_S:
                raise Unavailable(f"{len(wanted) - now_done} documents of {dataset.name} are not indexed")
            self._sleep(1.0)

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return a good response; wait where the service says that it is busy."""
        for attempt in range(_TRIES):
            try:
                answer = self._http.request(method, self._base + path, headers=self._headers, **options)
            except httpx.TransportError as error:
                raise Unavailable(f"{self._base} does not answer: {error}") from error
            if answer.status_code not in _BUSY:
                break
            self._sleep(_retry_after(answer.headers.get("Retry-After"), attempt))
        if answer.status_code >= 400:
            raise JibuError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer


class _Conversation:
    """The conversation that carries earlier turns, gone again afterwards; nothing where there are none."""

    def __init__(self, target: HttpTarget, history: Turns) -> None:
        self._target = target
        self._id = target.start_conversation(history) if usable(history) else None

    def __enter__(self) -> dict[str, str]:
        return {"conversationId": self._id} if self._id else {}

    def __exit__(self, *exc: object) -> None:
        if self._id:
            with suppress(JibuError):
                self._target.end_conversation(self._id)


def _retry_after(header: str | None, attempt: int) -> float:
    try:
        return min(float(header or ""), 30.0)
    except ValueError:
        return min(0.5 * 2.0**attempt, 30.0)
