"""A small civil registry: a building block of its own that tells other systems what it holds of a person.

It knows nothing of Jibu. Callers come through an information mediator, which says in ``X-Road-Client`` (GovStack:
``X-GovStack-Client``) who they are; only those that are allowed by name get an answer. Whoever can reach the port can
write that header, so let nobody but the mediator reach it. It serves with Werkzeug's own server, which is good enough
for an example; put the app behind a real WSGI server to use it for more.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

HERE = Path(__file__).resolve().parent
CLIENT_HEADERS = ("X-Road-Client", "X-GovStack-Client")
PERSONAL_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
MAX_BODY = 1024
IDLE_S = 10.0

People = Mapping[str, Mapping[str, Any]]


def create_app(people: People, allowed: Sequence[str]) -> Flask:
    """Return the app. ``people``: personal number → record; ``allowed``: INSTANCE/CLASS/MEMBER/APPLICATION each."""
    app = Flask("civil-registry", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.get("/health")
    def health() -> Response:
        return _json({"status": "ok", "people": len(people)})

    @app.get("/openapi.yaml")
    def description() -> Response:
        return Response((HERE / "openapi.yaml").read_bytes(), mimetype="application/yaml")

    @app.get("/person")
    def person() -> Response:
        refused = _refuse(allowed)
        if refused is not None:
            return refused
        number = request.headers.get("X-Individual-Id", "")
        if not PERSONAL_NUMBER.fullmatch(number):
            return _problem(400, "X-Individual-Id has to be a personal number")
        found = people.get(number)
        if found is None:
            return _problem(404, "nobody with this personal number is registered")
        answer = _json(found)
        answer.headers["Content-Language"] = "en"
        return answer

    app.before_request(_start)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _failed)
    return app


def _refuse(allowed: Sequence[str]) -> Response | None:
    """Return why the caller gets nothing, None when it may ask. Two headers that disagree are believed neither."""
    named = {request.headers[name] for name in CLIENT_HEADERS if name in request.headers}
    if len(named) == 1 and named <= set(allowed):
        return None
    return _problem(403, "this client may not ask the civil registry")


def _json(value: object, status: int = 200, kind: str = "application/json") -> Response:
    text = json.dumps(value, ensure_ascii=False)
    return Response(text, status, content_type=kind, headers={"Cache-Control": "no-store"})


def _problem(status: int, detail: str) -> Response:
    title = {400: "Bad request", 403: "Forbidden", 404: "Not found"}.get(status, "Error")
    told = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return _json(told, status, "application/problem+json")


def _failed(error: HTTPException) -> Response:
    return _problem(error.code or 500, error.name)


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    """Log who asked for what, never about whom and never what was said."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "client": request.headers.get(CLIENT_HEADERS[0], "")[:255],
        "requestId": request.headers.get("X-Road-Id", "")[:100],
        "method": request.method,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.started) * 1000, 1),
    }
    print(json.dumps(line), file=sys.stderr, flush=True)
    return response


class Handler(WSGIRequestHandler):
    """A connection that says nothing is closed; the app's own log is the only one."""

    timeout = IDLE_S

    def log(self, *_: Any) -> None:
        """Say nothing: the address in a request line is not for a log."""


def read_people(path: Path) -> People:
    """Read the records. Raises: SystemExit with a sentence where the file is none."""
    try:
        people = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path} cannot be read: {error}") from error
    if not isinstance(people, dict) or not all(isinstance(one, dict) for one in people.values()):
        raise SystemExit(f"{path} has to be an object of personal number: record")
    return people


def main() -> None:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(
        description="A small civil registry with made-up people, for trying Jibu."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on [default: %(default)s]")
    parser.add_argument("--port", type=int, default=20080, help="port to listen on [default: %(default)s]")
    parser.add_argument("--people", type=Path, default=HERE / "people.json", help="file with the records")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="CLIENT",
        help="application that may ask, INSTANCE/CLASS/MEMBER/APPLICATION; may be given again [default: nobody]",
    )
    given = parser.parse_args()
    app = create_app(read_people(given.people), given.allow)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = make_server(given.host, given.port, app, threaded=True, request_handler=Handler)
    print(f"civil registry: http://{given.host}:{server.server_port}/  (Ctrl-C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


if __name__ == "__main__":
    main()
