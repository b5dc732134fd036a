"""Documents: hand in, look at, read, erase."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from jibu.domain.documents import NewDocument
from jibu.domain.errors import InvalidInput
from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.languages import known_language
from jibu.http.personal import UNCACHED, context_of
from jibu.usecases.documents import Documents

CACHING = {"Cache-Control": "private, no-cache"}
"""Kept by the caller, asked again each time: an erased document is gone at once."""


class DocumentHandlers:
    """``/documents`` and ``/collections/{collectionId}/documents``."""

    def __init__(self, documents: Documents, gate: Gate) -> None:
        self._documents = documents
        self._gate = gate

    async def add(self, call: Call) -> Response:
        """Receive a document."""
        document, changed = await self._gate.run(lambda: self._documents.receive(call.caller, _new(call)))
        links = views.links(document.document_id)
        body = {
            "documentId": document.document_id,
            "status": document.status.value,
            "changed": changed,
            "links": links,
        }
        return Json(body, status_code=202, headers={"Location": links["self"]})

    async def page(self, call: Call) -> Response:
        """List documents."""
        offset, limit, context = call.params["offset"], call.params["limit"], context_of(call)
        found = await self._gate.run(
            lambda: self._documents.page(
                call.caller,
                collection_id=call.params.get("collectionId"),
                status=call.params.get("status"),
                offset=offset,
                limit=limit,
                context=context,
            )
        )
        return Json(views.page(found, views.document, offset=offset, limit=limit))

    async def get(self, call: Call) -> Response:
        """Read a document's state."""
        name, context = call.params["documentId"], context_of(call)
        found = await self._gate.run(lambda: self._documents.get(call.caller, name, context=context))
        return Json(views.document(found))

    async def text(self, call: Call) -> Response:
        """Read the canonical text."""
        name, version = call.params["documentId"], call.params.get("version")
        context = context_of(call)
        body = await self._gate.run(
            lambda: self._documents.text(call.caller, name, version, context=context).encode()
        )
        if context is not None:
            return Response(body, media_type="text/plain; charset=utf-8", headers=UNCACHED)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {**CACHING, "ETag": tag}
        if tag in call.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/plain; charset=utf-8", headers=headers)

    async def passages(self, call: Call) -> Response:
        """List the passages of the live version."""
        name, offset, limit = (call.params[key] for key in ("documentId", "offset", "limit"))
        context = context_of(call)
        found = await self._gate.run(
            lambda: self._documents.passages(call.caller, name, offset=offset, limit=limit, context=context)
        )
        return Json(views.page(found, views.passage, offset=offset, limit=limit))

    async def erase(self, call: Call) -> Response:
        """Erase and prove it."""
        name = call.params["documentId"]
        return Json(views.receipt(await self._gate.run(lambda: self._documents.erase(call.caller, name))))


def _new(call: Call) -> NewDocument:
    """Read what was handed in. Called when it is its turn: what waits stays in its temporary file."""
    return _from_json(call) if call.form is None else _from_form(call, call.form)


def _from_json(call: Call) -> NewDocument:
    body = call.body
    if not body["text"].strip():
        raise InvalidInput("the text is blank", "text")
    return _document(call, body, body["text"].encode(), None, body.get("mediaType", "text/plain"))


def _from_form(call: Call, form: FormData) -> NewDocument:
    upload = form["file"]
    if not isinstance(upload, UploadFile):
        raise InvalidInput("file is not a file", "file")
    content = upload.file.read()
    fields = {key: value for key, value in form.items() if key != "file"}
    return _document(call, fields, content, upload.filename, fields.get("mediaType", _declared(upload)))


def _document(
    call: Call, fields: dict[str, Any], content: bytes, filename: str | None, media_type: Any
) -> NewDocument:
    return NewDocument(
        collection_id=call.params["collectionId"],
        content=content,
        filename=filename,
        title=fields.get("title"),
        media_type=media_type,
        url=fields.get("url"),
        language=known_language(fields.get("language")),
        external_id=fields.get("externalId"),
        licence=fields.get("licence"),
        individual_id=fields.get("individualId"),
        agreement_id=fields.get("dataAgreementId"),
    )


def _declared(upload: UploadFile) -> str | None:
    """Return the part's own media type; clients send the generic one when they do not know."""
    declared = (upload.content_type or "").partition(";")[0].strip().lower()
    return None if declared in {"", "application/octet-stream"} else declared[:127]
