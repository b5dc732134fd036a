"""What surrounds the API: ids, headers, logs, figures, probes, contracts, documentation, pages."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from http_support import TestServices, app_of, client_of, make_services
from structlog.testing import capture_logs

from jibu.adapters.auth.block_key import PublicKeys
from jibu.domain.errors import Unavailable
from jibu.http import logs
from jibu.http.contracts import load_contracts
from jibu.settings import Settings
from jibu.usecases.health import Health

pytestmark = pytest.mark.anyio
QUERY = "/rag/v1/query"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class TestIds:
    """Request ids and trace context."""

    @pytest.mark.parametrize("given", ["abc", "A-1.b_c:d/e@f+g=", "x" * 128])
    async def test_a_sane_request_id_comes_back(self, client: httpx.AsyncClient, given: str) -> None:
        """On answers and on problems alike."""
        for path in ("/rag/v1/collections", "/rag/v1/nowhere", "/health/live", "/elsewhere"):
            response = await client.get(path, headers={"X-Request-Id": given})
            assert response.headers["x-request-id"] == given

    @pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>", "é", "-a"])
    async def test_others_are_replaced(self, client: httpx.AsyncClient, given: str) -> None:
        """What could break a log or a page is not repeated."""
        headers = {b"X-Request-Id": given.encode()}
        response = await client.get("/health/live", headers=headers)  # type: ignore[arg-type]
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])

    async def test_the_trace_id_is_kept(self, client: httpx.AsyncClient) -> None:
        """A problem can be found in the caller's own traces."""
        for version in ("00", "cc"):
            headers = {"traceparent": f"{version}-{TRACE}-00f067aa0ba902b7-01"}
            assert (await client.get("/rag/v1/nowhere", headers=headers)).json()["traceId"] == TRACE

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "x",
            f"ff-{TRACE}-00f067aa0ba902b7-01",
            f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
            f"00-{'0' * 32}-00f067aa0ba902b7-01",
            f"00-{TRACE}-{'0' * 16}-01",
            f"00-{TRACE}-00f067aa0ba902b7-01-more",
        ],
    )
    async def test_a_broken_traceparent_is_ignored(self, client: httpx.AsyncClient, given: str) -> None:
        """A new trace begins."""
        told = (await client.get("/rag/v1/nowhere", headers={"traceparent": given})).json()
        assert told["traceId"] != TRACE
        assert re.fullmatch("[0-9a-f]{32}", told["traceId"])


class TestHeadersAndProblems:
    """Everything leaves with the same care."""

    @pytest.mark.parametrize(
        "path", ["/rag/v1/collections", "/rag/v1/nowhere", "/health/live", "/nowhere", "/metrics"]
    )
    async def test_security_headers(self, client: httpx.AsyncClient, path: str) -> None:
        """No sniffing, no framing, no referrer, no active content, nothing kept."""
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers

    async def test_hsts_over_tls_only(self, services: TestServices) -> None:
        """The header means something on a secure line alone."""
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app_of(services)), base_url="https://jibu.test"
        ) as client:
            assert "max-age" in (await client.get("/health/live")).headers["strict-transport-security"]

    @pytest.mark.parametrize(
        "path",
        [
            "/rag/v1",
            "/rag/v1/",
            "/rag/v1/nowhere",
            "/rag/v1/collections/",
            "/rag/v2/query",
            "/x",
            "/openapi/x.yaml",
            "/docs/../settings.py",
            "/docs/x.js",
            "/docs/docs.html",
            "/health",
            "/rag/v1/openapi.json",
            "/rag/v1/ui/",
        ],
    )
    async def test_unknown_addresses(self, client: httpx.AsyncClient, path: str) -> None:
        """404 as a problem."""
        response = await client.get(path)
        assert (response.status_code, response.json()["type"]) == (404, "urn:problem-type:jibu:not-found")
        assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", QUERY, {"POST"}),
            ("POST", "/rag/v1/collections/travel", {"GET", "PUT", "DELETE"}),
            ("PATCH", "/rag/v1/documents/x", {"GET", "DELETE"}),
            ("OPTIONS", "/rag/v1/conversations", {"GET", "POST"}),
            ("TRACE", "/rag/v1/collections", {"GET"}),
            ("POST", "/health/live", {"GET", "HEAD"}),
            ("BREW", "/docs", {"GET", "HEAD"}),
        ],
    )
    async def test_wrong_methods(
        self, client: httpx.AsyncClient, method: str, path: str, allowed: set[str]
    ) -> None:
        """405 as a problem that lists what is allowed."""
        response = await client.request(method, path)
        assert (response.status_code, response.json()["status"]) == (405, 405)
        assert set(response.headers["allow"].split(", ")) == allowed

    async def test_head_is_get_without_a_body(self, client: httpx.AsyncClient) -> None:
        """HTTP says so."""
        assert (await client.head("/rag/v1/collections")).status_code == 200

    @pytest.mark.parametrize("end", ["%0AWk", "W%0Ak", "Wk%0A", "%00", "%7F"])
    async def test_a_path_with_control_characters_is_a_bad_request(
        self, client: httpx.AsyncClient, end: str
    ) -> None:
        """Not here one thing and there another: what parts of the service take for a line's end differs."""
        answer = await client.put(f"/mediator/v1/members/ZZ/GOV/{end}", json={"name": "x"})
        assert answer.status_code == 400
        answer = await client.get(f"/mediator/v1/messages/{end}")
        assert answer.status_code == 404

    async def test_a_fault_tells_nothing(self, services: TestServices) -> None:
        """500 with the trace id and no word of the inside; the log has where, and no message either."""

        class Broken:
            def page(self, *_args: Any, **_more: Any) -> None:
                raise RuntimeError("password=hunter2")

        services.collections = Broken()
        async with client_of(app_of(services), services.token()) as client:
            with capture_logs() as lines:
                response = await client.get("/rag/v1/collections")
        assert (response.status_code, response.json()["type"]) == (
            500,
            "urn:problem-type:jibu:internal-error",
        )
        assert "hunter2" not in response.text + json.dumps(lines)
        fault = next(line for line in lines if line["event"] == "failed")
        assert any("test_service.py" in frame for frame in fault["frames"])

    @pytest.mark.parametrize("length", ["x", "-1", "1" * 30, "1.5", "٣"])
    async def test_nonsense_lengths(self, client: httpx.AsyncClient, length: str) -> None:
        """A length that is none is a bad request."""
        headers = {b"Content-Length": length.encode(), b"Content-Type": b"application/json"}
        response = await client.post(QUERY, content=b"{}", headers=headers)  # type: ignore[arg-type]
        assert response.status_code == 400


class TestLogs:
    """One line for each request, and nothing in it that is nobody's business."""

    async def test_a_line_has_what_an_operator_needs(self, services: TestServices) -> None:
        """Route, status, time and caller; no path, no query string, no token, no question."""
        token = services.token()
        async with client_of(app_of(services), token) as client:
            with capture_logs() as lines:
                await client.post(QUERY, json={"question": "my secret illness"})
                await client.get("/rag/v1/documents?status=failed&offset=0")
                await client.get("/rag/v1/documents/some-id-of-mine")
                await client.get("/private/path?name=me")
        found = [line for line in lines if line["event"] == "request"]
        assert [line["route"] for line in found] == [
            QUERY,
            "/rag/v1/documents",
            "/rag/v1/documents/{documentId}",
            "unmatched",
        ]
        assert [line["status"] for line in found] == [200, 200, 404, 404]
        assert found[0]["client"] == "ZZ/GOV/portal-agency/portal"
        assert {"ms", "bytes", "method"} <= set(found[0])
        text = json.dumps(lines)
        for private in (
            "illness",
            "status=failed",
            "some-id-of-mine",
            "private",
            "name=me",
            token,
            token.split(".")[2],
        ):
            assert private not in text

    @pytest.mark.usefixtures("restored_logging")
    async def test_lines_are_json_with_ids(
        self, services: TestServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each line is an object with time, level and ids; the standard library's logging joins in."""
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        logs.configure(Settings(log_level="info"))
        async with client_of(app_of(services)) as client:
            await client.get("/rag/v1/nowhere", headers={"X-Request-Id": "id-1"})
        logging.getLogger("uvicorn.error").info("from %s", "uvicorn")
        try:
            int("password=hunter2")
        except ValueError:
            logging.getLogger("somebody").exception("it broke")
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        request = next(line for line in lines if line["event"] == "request")
        assert (request["request_id"], request["level"]) == ("id-1", "info")
        assert request["timestamp"].endswith("Z")
        assert re.fullmatch("[0-9a-f]{32}", request["trace_id"])
        assert any(line["event"] == "from uvicorn" for line in lines)
        broke = next(line for line in lines if line["event"] == "it broke")
        assert broke["error"] == "ValueError"
        assert "hunter2" not in out.getvalue()

    @pytest.fixture
    def restored_logging(self) -> Iterator[None]:
        """Leave logging as it was."""
        root = logging.getLogger()
        before = (root.handlers, root.level)
        yield
        root.handlers, root.level = before
        structlog.reset_defaults()
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access", *logs.QUIET):
            logging.getLogger(name).setLevel(logging.NOTSET)


class TestMetrics:
    """``/metrics``."""

    async def test_they_need_a_scope(self, services: TestServices) -> None:
        """Not even a development profile gives them away."""
        app = app_of(services)
        async with client_of(app) as client:
            assert (await client.get("/metrics")).status_code == 401
        async with client_of(app, services.token("rag.query", "rag.admin")) as client:
            assert (await client.get("/metrics")).status_code == 403

    async def test_what_is_counted(self, client: httpx.AsyncClient) -> None:
        """Requests by template, answers by status and language, refusals, steps, queues, the relay's backlog."""
        await client.post(QUERY, json={"question": "passport", "language": "sw"})
        await client.post(QUERY, json={"question": "passport", "language": "abc"})
        await client.post(QUERY, json={"question": ""})
        await client.post("/rag/v1/search", json={"query": "passport"})
        await client.get("/some/made/up/path")
        text = (await client.get("/metrics", headers={"Accept": "text/plain"})).text
        for line in (
            'jibu_http_requests_total{method="POST",route="/rag/v1/query",status="200"} 2.0',
            'jibu_http_requests_total{method="POST",route="/rag/v1/query",status="400"} 1.0',
            'jibu_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
            'jibu_http_request_seconds_count{method="POST",route="/rag/v1/query"} 3.0',
            'jibu_answers_total{language="sw",status="not_found"} 1.0',
            'jibu_answers_total{language="other",status="not_found"} 1.0',
            'jibu_refusals_total{reason="not-in-documents"} 2.0',
            'jibu_stage_seconds_count{stage="retrieval"} 2.0',
            'jibu_stage_seconds_count{stage="generation"} 2.0',
            'jibu_stage_seconds_count{stage="embedding"} 1.0',
            'jibu_queue_length{queue="questions"} 0.0',
            "jibu_relay_jobs 2.0",
            "jibu_relay_parked 1.0",
            "jibu_relay_events 3.0",
            "jibu_relay_oldest_job_seconds 4.5",
        ):
            assert line in text
        assert "made" not in text
        assert "_created" not in text

    async def test_the_relay_being_away_takes_nothing_else_down(self, services: TestServices) -> None:
        """Figures of the requests are shown although the outbox cannot be asked."""

        def away() -> Any:
            raise Unavailable("the database does not answer")

        services.backlog = away
        async with client_of(app_of(services), services.token()) as client:
            response = await client.get("/metrics")
        assert response.status_code == 200
        assert "jibu_http_requests_total" in (await self._again(services)).text
        assert "jibu_relay_jobs" not in response.text

    async def _again(self, services: TestServices) -> httpx.Response:
        async with client_of(app_of(services), services.token()) as client:
            await client.get("/health/live")
            return await client.get("/metrics")


class TestHealth:
    """Probes."""

    async def test_ready_names_embedded_parts(self, client: httpx.AsyncClient) -> None:
        """Nobody can say that they did not know."""
        told = (await client.get("/health/ready")).json()
        assert (told["status"], told["embedded"]) == ("ready", ["index"])
        assert told["warnings"] == ["index, one machine only"]

    async def test_not_ready_says_what_is_wrong_within_a_second(self, services: TestServices) -> None:
        """Checks run at once; one that hangs does not hold up the others; one that breaks leaks nothing."""
        go = threading.Event()

        def away() -> None:
            raise Unavailable("the database does not answer")

        def broken() -> None:
            raise RuntimeError("password=hunter2")

        checks: tuple[tuple[str, Callable[[], None]], ...] = (
            ("slow", lambda: go.wait(20) and None),
            ("records", away),
            ("index", broken),
            ("broker", lambda: None),
            ("other-slow", lambda: go.wait(20) and None),
        )
        services.health = Health(checks, timeout_s=0.3)
        async with client_of(app_of(services)) as client:
            started = time.monotonic()
            response = await client.get("/health/ready")
            assert time.monotonic() - started < 3
            assert (await client.get("/health/live")).status_code == 200
        go.set()
        found = {check["name"]: check for check in response.json()["checks"]}
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        assert [found[name]["ok"] for name in ("slow", "records", "index", "broker")] == [
            False,
            False,
            False,
            True,
        ]
        assert found["slow"]["detail"] == "no answer within 0.3 s"
        assert found["records"]["detail"] == "the database does not answer"
        assert found["index"]["detail"] == "failed (RuntimeError)"

    def test_a_hanging_check_is_not_started_again(self) -> None:
        """Probes every second must not pile up threads."""
        go, started = threading.Event(), []

        def hangs() -> None:
            started.append(1)
            go.wait(20)

        health = Health((("hangs", hangs),), timeout_s=0.02)
        for _ in range(5):
            assert not health.ready().ready
        go.set()
        assert len(started) == 1
        assert _soon(lambda: health.ready().ready)

    def test_no_checks_is_ready(self) -> None:
        """Nothing to ask is nothing wrong."""
        assert Health(()).ready().ready


def _soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


class TestDocs:
    """Contracts and their page."""

    async def test_contracts_are_served_untouched(self, client: httpx.AsyncClient) -> None:
        """Byte for byte, and kept by who has them."""
        for contract in load_contracts():
            response = await client.get(f"/openapi/{contract.name}.yaml")
            assert (response.content, response.headers["content-type"]) == (contract.text, "application/yaml")
            headers = {"If-None-Match": response.headers["etag"]}
            assert (await client.get(f"/openapi/{contract.name}.yaml", headers=headers)).status_code == 304

    async def test_the_address_that_callers_use_is_in_the_contract(self, tmp_path: Path) -> None:
        """With a public URL the served contract names it; everything else is as published."""
        services = make_services(tmp_path, public_url="https://answers.example.org/")
        async with client_of(app_of(services)) as client:
            served = (await client.get("/openapi/rag.yaml")).text
        published = next(c for c in load_contracts() if c.name == "rag").text.decode()
        assert served == published.replace("- url: /rag/v1", "- url: https://answers.example.org/rag/v1")
        assert served != published

    async def test_the_page_needs_nothing_from_elsewhere(self, client: httpx.AsyncClient) -> None:
        """Every asset is here, there is no inline script, and the policy forbids the rest."""
        page = await client.get("/docs")
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert all(asset.startswith(("/docs/", "/openapi/")) for asset in assets)
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
        assert not re.search(r"\son\w+=|style=", page.text)
        for asset in assets:
            found = await client.get(asset)
            assert found.status_code == 200, asset
            assert found.headers["content-type"].partition(";")[0] in {
                "text/css",
                "text/javascript",
                "image/png",
                "application/yaml",
            }

    async def test_the_page_lists_all_contracts(self, client: httpx.AsyncClient) -> None:
        """By their titles."""
        page = (await client.get("/docs")).text
        for contract in load_contracts():
            assert f'href="/openapi/{contract.name}.yaml"' in page
            assert contract.title in page


class TestPages:
    """A WSGI app beside the API."""

    @pytest.fixture
    async def both(self, services: TestServices) -> Any:
        """Return a client of an app with pages."""

        def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Security-Policy", "own")])
            size = len(environ["wsgi.input"].read())
            return [f"page {environ['PATH_INFO']} {size}".encode()]

        async with client_of(app_of(services, pages=pages), services.token()) as client:
            yield client

    async def test_pages_get_what_nothing_else_takes(self, both: httpx.AsyncClient) -> None:
        """Their own headers win over the defaults."""
        for path in ("/", "/page/x", "/rag", "/rag/v11"):
            response = await both.get(path)
            assert response.text == f"page {path} 0"
        assert response.headers["content-security-policy"] == "own"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert (await both.post("/", content=b"hello")).text == "page / 5"

    async def test_the_api_wins(self, both: httpx.AsyncClient) -> None:
        """A page can never stand in front of the API."""
        for path in ("/rag/v1/nowhere", "/rag/v1", "/openapi/x.yaml"):
            assert (await both.get(path)).headers["content-type"] == "application/problem+json"
        assert (await both.get("/rag/v1/collections")).json()["total"] == 2
        assert (await both.post("/docs")).status_code == 405

    async def test_bodies_for_pages_are_bounded(self, both: httpx.AsyncClient) -> None:
        """As everywhere."""
        assert (await both.post("/", content=b"x" * 1_100_000)).status_code == 413


async def test_the_public_keys_are_open_and_check_what_the_block_signs(services: TestServices) -> None:
    """Anybody may fetch them, and they hold no secret."""
    async with client_of(app_of(services)) as anyone:
        response = await anyone.get("/.well-known/jwks.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/jwk-set+json")
    assert "max-age" in response.headers["cache-control"]
    assert PublicKeys(response.content).verify(services.signer.sign(b"x")) == b"x"
    assert '"d"' not in response.text
