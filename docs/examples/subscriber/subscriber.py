"""A block that subscribes: it is pushed to, or it pulls. It knows nothing of Jibu but two addresses and a name.

``listen`` takes signed pushes of a room's events at /events and, given the webhook's secret, changes of consent at
/consent. ``pull`` asks for what waits, and confirms each event once it is kept. ``follow`` reads Jibu's own events.
What was received is kept in a file, a line of JSON each, so that an event that comes twice is kept once, also after a
restart.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

MAX_BODY = 1_100_000
LONGEST_AGE_S = 300
LOOK_FOR_KEYS_S = 30.0
KIND = "jibu-push+jws"


class Refused(Exception):
    """A message that is not what it says it is."""


class Kept:
    """What was received, in a file. A message counts as received once it is on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._ids = {json.loads(line)["id"] for line in lines}

    def add(self, how: str, event_id: str, event: Any) -> bool:
        """Keep a message; return False where it was kept before."""
        with self._lock:
            if event_id in self._ids:
                return False
            with self._path.open("a", encoding="utf-8") as file:
                file.write(
                    json.dumps({"id": event_id, "how": how, "event": event}, ensure_ascii=False) + "\n"
                )
            self._ids.add(event_id)
        print(f"{how}: {json.dumps(event, ensure_ascii=False)}", flush=True)
        return True


class Keys:
    """The block's public keys. An unknown key id makes it look again, not more often than every half minute."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._looked = -LOOK_FOR_KEYS_S
        self._keys: dict[str, jwt.PyJWK] = {}

    def get(self, key_id: str) -> jwt.PyJWK:
        """Raises: Refused."""
        with self._lock:
            if key_id not in self._keys and time.monotonic() - self._looked >= LOOK_FOR_KEYS_S:
                self._looked = time.monotonic()
                found = httpx.get(self._url, timeout=5, trust_env=False).raise_for_status().json()
                self._keys = {str(one.key_id): one for one in jwt.PyJWKSet.from_dict(found).keys}
            if key_id not in self._keys:
                raise Refused("the signature names a key that the block does not have")
            return self._keys[key_id]


def check_push(signature: str, body: bytes, client: str, keys: Keys) -> None:
    """Check that the block itself pushed exactly this body to this client, lately. Raises: Refused."""
    try:
        header = jwt.get_unverified_header(signature)
        if header.get("typ") != KIND or header.get("alg") != "EdDSA":
            raise Refused("the signature is not one of a push")
        said = jwt.PyJWS().decode(signature, keys.get(str(header.get("kid"))), algorithms=["EdDSA"])
        claim = json.loads(said)
    except (jwt.PyJWTError, ValueError) as error:
        raise Refused("the signature does not hold") from error
    if claim["aud"] != client:
        raise Refused("the signature is for somebody else")
    if abs(time.time() - claim["iat"]) > LONGEST_AGE_S:
        raise Refused("the signature is too old")
    if not hmac.compare_digest(claim["sha256"], hashlib.sha256(body).hexdigest()):
        raise Refused("the signature is for another body")


def check_webhook(signature: str, body: bytes, secret: str) -> None:
    """Check the HMAC of a webhook's message, and its time. Raises: Refused."""
    found = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", signature)
    if found is None:
        raise Refused("the signature is not one of a webhook")
    wanted = hmac.new(secret.encode(), found[1].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, found[2]):
        raise Refused("the signature does not hold")
    if abs(time.time() - int(found[1])) > LONGEST_AGE_S:
        raise Refused("the signature is too old")


def create_app(kept: Kept, client: str, keys: Keys, secret: Callable[[], str]) -> Flask:
    """Return the app. Anything but 2xx makes Jibu push again, later; so 401 and 500 lose nothing."""
    app = Flask("subscriber", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.get("/health")
    def health() -> Response:
        return Response("ok")

    @app.post("/events")
    def pushed() -> Response:
        body = request.get_data()
        check_push(request.headers.get("X-Jibu-Signature", ""), body, client, keys)
        event = json.loads(body)
        kept.add("pushed", event["id"], event)
        return Response(status=204)

    @app.post("/consent")
    def changed() -> Response:
        body = request.get_data()
        check_webhook(request.headers.get("X-Jibu-Signature", ""), body, secret())
        event = json.loads(body)
        kept.add("webhook", event["id"], event)
        return Response(status=204)

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        print(f"refused: {error}", flush=True)
        return Response(f"{error}\n", 401)

    return app


class Handler(WSGIRequestHandler):
    """A connection that says nothing is closed."""

    timeout = 10.0

    def log(self, *_: Any) -> None:
        """Say nothing."""


def listen(given: argparse.Namespace) -> None:
    """Take pushes until Ctrl-C or SIGTERM."""

    def secret() -> str:
        """Return the webhook's secret: it is known once the webhook has been registered."""
        try:
            return str(given.consent_secret_file.read_text(encoding="utf-8").strip())
        except (AttributeError, OSError) as error:
            raise Refused("no webhook has been registered") from error

    keys = Keys(f"{given.jibu}/.well-known/jwks.json")
    app = create_app(Kept(given.kept), given.client, keys, secret)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = make_server(given.host, given.port, app, threaded=True, request_handler=Handler)
    print(f"subscriber: http://{given.host}:{server.server_port}/  (Ctrl-C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def pull(given: argparse.Namespace) -> None:
    """Take what waits, oldest first: keep it, then confirm it, so that a crash in between loses nothing."""
    kept = Kept(given.kept)
    token = given.token_file.read_text(encoding="utf-8").strip()
    headers = {"Authorization": f"Bearer {token}", "X-GovStack-Client": given.client}
    where = f"{given.jibu}/r1/{given.room}/pull/v1/{given.type}"
    with httpx.Client(headers=headers, timeout=30, trust_env=False) as http:
        while (found := http.get(where)).status_code != 404:
            event = found.raise_for_status().json()
            kept.add("pulled", event["id"], event)
            http.delete(f"{where}/{event['id']}").raise_for_status()


def follow(given: argparse.Namespace) -> None:
    """Read Jibu's own events from where the last run ended, until none came for ``--wait`` seconds."""
    kept = Kept(given.kept)
    position = int(given.position.read_text("utf-8")) if given.position.exists() else 0
    token = given.token_file.read_text(encoding="utf-8").strip()
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as http:
        while True:
            asked = {"after": position, "waitSeconds": given.wait}
            found = http.get(f"{given.jibu}/mediator/v1/events", params=asked).raise_for_status().json()
            if found["missed"]:
                print("some events are gone: look at the things themselves once", flush=True)
            for one in found["items"]:
                kept.add("event", one["event"]["id"], one["event"])
            if found["next"] == position:
                return
            position = found["next"]
            given.position.write_text(str(position), encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="A block that subscribes to another block's events.")
    parser.add_argument("--jibu", required=True, metavar="URL", help="where Jibu is")
    parser.add_argument("--client", required=True, help="this block: INSTANCE/CLASS/MEMBER/APPLICATION")
    parser.add_argument(
        "--kept", type=Path, default=Path("received.jsonl"), help="file for what was received"
    )
    ways = parser.add_subparsers(required=True)
    listening = ways.add_parser("listen", help="be pushed to")
    listening.add_argument("--host", default="127.0.0.1", help="[default: %(default)s]")
    listening.add_argument("--port", type=int, default=20081, help="[default: %(default)s]")
    listening.add_argument(
        "--consent-secret-file", type=Path, help="file with the secret of the consent webhook"
    )
    listening.set_defaults(run=listen)
    pulling = ways.add_parser("pull", help="take what waits, and end")
    pulling.add_argument("--room", required=True, help="INSTANCE/CLASS/MEMBER/APPLICATION of the room")
    pulling.add_argument("--type", required=True, help="event type")
    pulling.add_argument("--token-file", type=Path, required=True, help="file with this block's bearer token")
    pulling.set_defaults(run=pull)
    following = ways.add_parser("follow", help="read Jibu's own events, and end when none come")
    following.add_argument("--token-file", type=Path, required=True, help="file with a token (events.read)")
    following.add_argument("--position", type=Path, default=Path("position"), help="file for where to go on")
    following.add_argument("--wait", type=int, default=20, metavar="SECONDS", help="at most 30 [default: 20]")
    following.set_defaults(run=follow)
    given = parser.parse_args()
    try:
        given.run(given)
    except (httpx.HTTPError, OSError) as error:
        sys.exit(f"subscriber: {error}")


if __name__ == "__main__":
    main()
