"""Collections, documents and conversations over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from http_support import OTHER, TestServices, app_of, client_of

pytestmark = pytest.mark.anyio
UPLOAD = "/rag/v1/collections/travel/documents"


class TestCollections:
    """``/collections``."""

    async def test_put_creates_then_replaces(self, client: httpx.AsyncClient) -> None:
        """201 with Location, then 200."""
        body = {"title": "Health", "languages": ["en", "SW"], "read": ["read:health"]}
        made = await client.put("/rag/v1/collections/health", json=body)
        assert (made.status_code, made.headers["location"]) == (201, "/rag/v1/collections/health")
        assert made.json()["languages"] == ["en", "sw"]
        again = await client.put("/rag/v1/collections/health", json={"title": "Health 2"})
        assert (again.status_code, again.json()["read"]) == (200, "public")
        assert (await client.get("/rag/v1/collections/health")).json() == again.json()

    @pytest.mark.parametrize(
        ("name", "body", "status"),
        [
            ("x", {}, 400),
            ("x", {"title": ""}, 400),
            ("x", {"title": "a\nb"}, 400),
            ("x", {"title": "t" * 201}, 400),
            ("x", {"title": "t", "read": []}, 400),
            ("x", {"title": "t", "read": "everyone"}, 400),
            ("x", {"title": "t", "read": ["a b"]}, 400),
            ("x", {"title": "t", "read": ["rag.everything"]}, 400),
            ("x", {"title": "t", "read": ["public"]}, 400),
            ("x", {"title": "t", "languages": ["zz"]}, 422),
            ("x", {"title": "t", "languages": ["english"]}, 400),
            ("X", {"title": "t"}, 400),
            ("a" * 64, {"title": "t"}, 400),
        ],
    )
    async def test_bad_collections(
        self, client: httpx.AsyncClient, services: TestServices, name: str, body: Any, status: int
    ) -> None:
        """Nothing is made."""
        assert (await client.put(f"/rag/v1/collections/{name}", json=body)).status_code == status
        assert set(services.store.collections) == {"travel", "secret"}

    async def test_a_listing_shows_what_may_be_read(self, services: TestServices) -> None:
        """Closed collections are not even counted."""
        async with client_of(app_of(services), services.token("rag.query")) as client:
            found = (await client.get("/rag/v1/collections")).json()
        assert (
            [one["collectionId"] for one in found["items"]],
            found["total"],
            found["offset"],
            found["limit"],
        ) == (["travel"], 1, 0, 50)

    @pytest.mark.parametrize(
        "query",
        [
            "offset=-1",
            "limit=0",
            "limit=201",
            "limit=x",
            "offset=1e3",
            "limit=",
            "page=2",
            "offset=" + "9" * 5000,
        ],
    )
    async def test_bad_pages(self, client: httpx.AsyncClient, query: str) -> None:
        """Bounds are kept and unknown parameters are told."""
        response = await client.get(f"/rag/v1/collections?{query}")
        assert (400, query.partition("=")[0]) == (response.status_code, response.json()["field"])

    async def test_delete(self, client: httpx.AsyncClient) -> None:
        """Only an empty collection goes; what is gone is gone."""
        await client.post(UPLOAD, json={"title": "t", "text": "x"})
        assert (await client.delete("/rag/v1/collections/travel")).status_code == 409
        assert (await client.delete("/rag/v1/collections/secret")).status_code == 204
        assert (await client.delete("/rag/v1/collections/secret")).status_code == 404


class TestUpload:
    """``POST /collections/{collectionId}/documents``."""

    async def test_text_in_json(self, client: httpx.AsyncClient) -> None:
        """202 with a Location that can be followed; the same content changes nothing."""
        body = {
            "title": "Guide",
            "text": "Ten years.",
            "mediaType": "text/markdown",
            "url": "https://example.org/guide",
            "language": "en",
            "externalId": "g-1",
            "licence": "CC-BY-4.0",
        }
        first = await client.post(UPLOAD, json=body)
        assert (first.status_code, first.json()["changed"]) == (202, True)
        document = (await client.get(first.headers["location"])).json()
        kept = {k: document[k] for k in ("title", "mediaType", "url", "language", "externalId", "licence")}
        assert kept == {k: v for k, v in body.items() if k != "text"}
        again = await client.post(UPLOAD, json=body)
        assert (202, False, first.json()["documentId"]) == (
            again.status_code,
            again.json()["changed"],
            again.json()["documentId"],
        )

    async def test_a_file(self, client: httpx.AsyncClient) -> None:
        """Name, type and bytes arrive as they were sent."""
        content = bytes(range(256)) * 500
        response = await client.post(
            UPLOAD,
            files={"file": ("Führer ខ្មែរ.pdf", content, "application/pdf")},
            data={"title": "Guide", "licence": "MIT"},
        )
        assert response.status_code == 202
        document = (await client.get(response.headers["location"])).json()
        assert ("Führer ខ្មែរ.pdf", "application/pdf", len(content), "Guide", "MIT") == tuple(
            document[key] for key in ("filename", "mediaType", "size", "title", "licence")
        )

    async def test_a_generic_part_type_is_no_type(self, client: httpx.AsyncClient) -> None:
        """What clients send when they do not know is not taken for knowledge; a field says more than a part."""
        sent = await client.post(UPLOAD, files={"file": ("a.bin", b"x", "application/octet-stream")})
        assert (await client.get(sent.headers["location"])).json()["mediaType"] == "application/octet-stream"
        sent = await client.post(
            UPLOAD, files={"file": ("a", b"y", "text/html")}, data={"mediaType": "text/markdown"}
        )
        assert (await client.get(sent.headers["location"])).json()["mediaType"] == "text/markdown"

    @pytest.mark.parametrize(
        ("files", "data", "field"),
        [
            ({"file": (None, b"hello")}, {}, "file"),
            ({"file": ("", b"hello")}, {}, "file"),
            ({"other": ("a.txt", b"hello")}, {}, "other"),
            ({"file": ("a.txt", b"hello"), "title": ("t.txt", b"x")}, {}, None),
            ({"file": ("a.txt", b"hello")}, {"title": " "}, "title"),
            ({"file": ("a.txt", b"hello")}, {"title": ["a", "b"]}, "title"),
            ({"file": ("a.txt", b"hello")}, {"unknown": "x"}, "unknown"),
            ({"file": ("a.txt", b"hello")}, {"url": "javascript:alert(1)"}, "url"),
            ({"file": ("a.txt", b"hello")}, {"language": "english"}, "language"),
            ({"file": ("a.txt", b"hello")}, {"title": "x" * 70_000}, None),
        ],
    )
    async def test_bad_forms(
        self, client: httpx.AsyncClient, services: TestServices, files: Any, data: Any, field: str | None
    ) -> None:
        """A form without a file name, with strange parts or bad fields, is a bad request."""
        response = await client.post(UPLOAD, files=files, data=data)
        assert (400, field) == (response.status_code, response.json().get("field"))
        assert services.store.documents == {}

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=b", b""),
            ("multipart/form-data; boundary=b", b"garbage"),
            (
                "multipart/form-data; boundary=b",
                b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
            ),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx',
            ),
            ("multipart/form-data; boundary=\xc3\xa9".encode("latin-1"), b"--b--\r\n"),
        ],
    )
    async def test_broken_forms(
        self, client: httpx.AsyncClient, services: TestServices, kind: str | bytes, body: bytes
    ) -> None:
        """Broken multipart is a bad request, never a fault."""
        response = await client.post(UPLOAD, content=body, headers={b"Content-Type": kind})  # type: ignore[dict-item]
        assert response.status_code == 400, response.text
        assert services.store.documents == {}

    @pytest.mark.parametrize("charset", ["hex", "punycode", "utf-16", '"idna"', ""])
    async def test_forms_in_other_encodings(
        self, client: httpx.AsyncClient, services: TestServices, charset: str
    ) -> None:
        """Text comes in UTF-8: other decoders may take very long or make halves of characters."""
        kind = f"multipart/form-data; boundary=b; charset={charset}"
        response = await client.post(UPLOAD, content=b"--b--\r\n", headers={"Content-Type": kind})
        assert (response.status_code, response.json()["detail"]) == (415, "a form is sent in UTF-8")
        assert services.store.documents == {}

    async def test_many_parts(self, client: httpx.AsyncClient) -> None:
        """The number of parts is bounded."""
        files = [("file", (f"{n}.txt", b"x")) for n in range(50)]
        assert (await client.post(UPLOAD, files=files)).status_code == 400
        data = {f"f{n}": "x" for n in range(100)}
        assert (await client.post(UPLOAD, files={"file": ("a", b"x")}, data=data)).status_code == 400

    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            ({"text": "x"}, 400, "title"),
            ({"title": "t"}, 400, "text"),
            ({"title": "t", "text": ""}, 400, "text"),
            ({"title": "t", "text": " \n"}, 422, "text"),
            ({"title": "t", "text": "x", "mediaType": "markdown"}, 400, "mediaType"),
            ({"title": "t", "text": "x", "url": "file:///etc/passwd"}, 400, "url"),
            ({"title": "t", "text": "x", "externalId": ""}, 400, "externalId"),
            ({"title": "t", "text": "x", "individualId": "i"}, 422, "individualId"),
            ({"title": "t", "text": "x", "language": "xx"}, 422, "language"),
        ],
    )
    async def test_bad_texts(
        self, client: httpx.AsyncClient, services: TestServices, body: Any, status: int, field: str
    ) -> None:
        """The field is named and nothing is kept."""
        response = await client.post(UPLOAD, json=body)
        assert (status, field) == (response.status_code, response.json().get("field"))
        assert services.store.documents == {}

    async def test_too_large(self, client: httpx.AsyncClient, services: TestServices) -> None:
        """A document over the limit is refused while it comes, whichever way."""
        content = b"x" * 300_000
        assert (await client.post(UPLOAD, files={"file": ("a.txt", content)})).status_code == 413

        async def chunks() -> Any:
            for start in range(0, len(content), 10_000):
                yield content[start : start + 10_000]

        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        assert (await client.post(UPLOAD, content=chunks(), headers=kind)).status_code in {400, 413}
        just_over = b"x" * 200_001
        assert (await client.post(UPLOAD, files={"file": ("a.txt", just_over)})).status_code == 413
        assert services.store.documents == {}

    async def test_into_collections_that_are_not_there(self, services: TestServices) -> None:
        """A closed collection and a made-up one are the same."""
        async with client_of(app_of(services), services.token("rag.ingest")) as client:
            for name in ("secret", "nowhere"):
                response = await client.post(
                    f"/rag/v1/collections/{name}/documents", json={"title": "t", "text": "x"}
                )
                assert response.status_code == 404
        assert services.store.documents == {}


class TestDocuments:
    """``/documents``."""

    async def load(self, client: httpx.AsyncClient, text: str = "Ten years.") -> str:
        """Load a document; return where it is."""
        return str((await client.post(UPLOAD, json={"title": "t", "text": text})).headers["location"])

    async def test_a_listing_can_be_filtered(self, client: httpx.AsyncClient) -> None:
        """By collection and by state."""
        await self.load(client)
        for query, total in (
            ("", 1),
            ("?collectionId=travel&status=indexed", 1),
            ("?status=failed", 0),
            ("?collectionId=secret", 0),
        ):
            assert (await client.get(f"/rag/v1/documents{query}")).json()["total"] == total
        assert (await client.get("/rag/v1/documents?collectionId=nowhere")).status_code == 404
        assert (await client.get("/rag/v1/documents?status=lost")).status_code == 400

    async def test_text_comes_exactly(self, client: httpx.AsyncClient) -> None:
        """Line ends and characters of any plane are kept, so that offsets hold."""
        text = "Línea\n\n\U0001f9ff ខ្មែរ\tend "
        where = await self.load(client, text)
        response = await client.get(f"{where}/text")
        assert (text, "text/plain; charset=utf-8") == (response.text, response.headers["content-type"])
        assert (await client.get(f"{where}/text?version=1")).text == text
        assert (await client.get(f"{where}/text?version=2")).status_code == 404
        assert (await client.get(f"{where}/text?version=0")).status_code == 400

    async def test_text_can_be_kept_and_asked_again(self, client: httpx.AsyncClient) -> None:
        """A reader that has the text already gets 304, until the document is erased."""
        where = await self.load(client)
        tag = (await client.get(f"{where}/text")).headers["etag"]
        again = await client.get(f"{where}/text", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        await client.delete(where)
        assert (await client.get(f"{where}/text", headers={"If-None-Match": tag})).status_code == 404

    async def test_passages(self, client: httpx.AsyncClient) -> None:
        """A passage is a slice of the text."""
        where = await self.load(client)
        found = (await client.get(f"{where}/passages?limit=5")).json()
        assert (found["total"], found["limit"], found["items"][0]["text"]) == (1, 5, "Ten years.")

    async def test_erasure_gives_a_receipt(self, client: httpx.AsyncClient) -> None:
        """What was removed, from where, and how that was checked."""
        where = await self.load(client)
        receipt = (await client.delete(where)).json()
        assert (receipt["removed"], receipt["verified"]) == ({"documents": 1}, ["records", "index"])
        for path in (where, f"{where}/text", f"{where}/passages"):
            assert (await client.get(path)).status_code == 404

    @pytest.mark.parametrize("name", ["nowhere", "a%20b", "a%00", "%2e%2e", "x" * 129, "ü", "a%2Fb"])
    async def test_made_up_ids(self, client: httpx.AsyncClient, name: str) -> None:
        """Odd ids are refused or unknown, never a fault."""
        for path in ("", "/text", "/passages"):
            assert (await client.get(f"/rag/v1/documents/{name}{path}")).status_code in {400, 404}


class TestConversations:
    """``/conversations``."""

    async def test_create_with_history_and_read(self, client: httpx.AsyncClient) -> None:
        """A chat client hands over its turns."""
        turns = [{"role": "user", "text": "Hello?"}, {"role": "assistant", "text": "Hello!\nAsk."}]
        made = await client.post("/rag/v1/conversations", json={"turns": turns})
        assert made.status_code == 201
        read = (await client.get(made.headers["location"])).json()
        assert turns == [{"role": t["role"], "text": t["text"]} for t in read["turns"]]
        listed = (await client.get("/rag/v1/conversations")).json()
        assert [{"conversationId": read["conversationId"], "createdAt": read["createdAt"]}] == listed["items"]
        assert (await client.delete(made.headers["location"])).status_code == 204
        assert (await client.get(made.headers["location"])).status_code == 404

    async def test_create_without_a_body(self, client: httpx.AsyncClient) -> None:
        """The body is optional."""
        for body in ({}, {"content": b"", "headers": {"Content-Type": "application/json"}}, {"json": {}}):
            response = await client.post("/rag/v1/conversations", **body)  # type: ignore[arg-type]
            assert (response.status_code, response.json()["turns"]) == (201, [])

    @pytest.mark.parametrize(
        ("turns", "field"),
        [
            ([{"role": "system", "text": "x"}], "turns/0/role"),
            ([{"role": "user", "text": " "}], "turns/0/text"),
            ([{"role": "user", "text": "x" * 4001}], "turns/0/text"),
            ([{"role": "user"}], "turns/0/text"),
            ([{"role": "user", "text": "x"}] * 51, "turns"),
        ],
    )
    async def test_bad_histories(self, client: httpx.AsyncClient, turns: Any, field: str) -> None:
        """The turn and the field in it are named."""
        response = await client.post("/rag/v1/conversations", json={"turns": turns})
        assert (400, field) == (response.status_code, response.json()["field"])

    async def test_they_belong_to_caller_and_subject(self, services: TestServices) -> None:
        """Another client, or the same client for another person, sees nothing."""
        app = app_of(services)
        async with client_of(app, services.token(subject="person-1")) as owner:
            where = (await owner.post("/rag/v1/conversations")).headers["location"]
        for token in (services.token(subject="person-2"), services.token(), services.token(client=OTHER)):
            async with client_of(app, token) as other:
                assert (await other.get(where)).status_code == 404
                assert (await other.delete(where)).status_code == 404
                assert (await other.get("/rag/v1/conversations")).json()["total"] == 0
