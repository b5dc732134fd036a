"""The page on which people ask questions; a Flask app that is mounted beside the API."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from flask import Flask, Response, abort, jsonify, render_template, request, url_for
from structlog.contextvars import get_contextvars
from werkzeug.exceptions import HTTPException

from jibu.domain.questions import MAX_QUESTION
from jibu.locales import DEFAULT_LANGUAGE, Catalogue
from jibu.web.assets import load_assets
from jibu.web.guards import protect, refuse_foreign

FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Example:
    """A question to try. ``language`` is the BCP 47 tag of ``text``."""

    text: str
    language: str


class Pages:
    """The handlers of the pages. ``mint_token`` returns a short-lived bearer token; None: people bring their own."""

    def __init__(
        self, *, catalogue: Catalogue, mint_token: Callable[[], str] | None, examples: Sequence[Example]
    ) -> None:
        self._catalogue = catalogue
        self._mint_token = mint_token
        self._examples = tuple(examples)
        self._assets = load_assets()

    @property
    def version(self) -> str:
        """The hash in every asset's URL."""
        return self._assets.version

    def index(self) -> Response:
        """Return the page in the asker's language."""
        language = self._language()
        page = render_template(
            "page.html",
            t=lambda key, **values: self._catalogue.message(key, language, **values),
            language=language,
            direction=self._catalogue.direction(language),
            languages=[
                (tag, self._catalogue.message("language.name", tag)) for tag in self._catalogue.languages()
            ],
            examples=self._examples_in(language),
            limit=MAX_QUESTION,
            mints=self._mint_token is not None,
            api=f"{request.script_root}/rag/v1",
            asset=self._asset_url,
        )
        response = Response(page, mimetype="text/html")
        response.headers["Content-Language"] = language
        response.headers["Cache-Control"] = "no-cache"
        response.vary.add("Accept-Language")
        return response

    def messages(self, language: str) -> Response:
        """Return the phrases of one language, so that the page can change language without losing its state."""
        if language not in self._catalogue.languages():
            abort(404)
        response = jsonify(
            language=language,
            direction=self._catalogue.direction(language),
            messages=dict(self._catalogue.messages(language)),
            examples=[asdict(example) for example in self._examples_in(language)],
        )
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        response.make_conditional(request)
        return response

    def token(self) -> Response:
        """Return a short-lived token to the page itself, on this machine only."""
        if self._mint_token is None:
            abort(404)
        refuse_foreign(request)
        response = jsonify(token=self._mint_token())
        response.headers["Cache-Control"] = "no-store"
        return response

    def asset(self, version: str, name: str) -> Response:
        """Return a style sheet, script or picture; its URL changes when its content does."""
        found = self._assets.get(version, name)
        if found is None:
            abort(404)
        response = Response(found.content, mimetype=found.media_type)
        response.headers["Cache-Control"] = FOREVER
        return response

    def _asset_url(self, name: str) -> str:
        return url_for("asset", version=self._assets.version, name=name)

    def _language(self) -> str:
        asked = request.args.get("lang", "")
        if asked:
            return self._catalogue.resolve(asked)
        offered = (DEFAULT_LANGUAGE, *self._catalogue.languages())  # the first one answers "*"
        return request.accept_languages.best_match(offered, DEFAULT_LANGUAGE)

    def _examples_in(self, language: str) -> tuple[Example, ...]:
        """Return the examples in a language, or all where it has none."""
        same = tuple(e for e in self._examples if self._catalogue.resolve(e.language) == language)
        return same or self._examples


def create_pages(
    *, catalogue: Catalogue, mint_token: Callable[[], str] | None, examples: Sequence[Example] = ()
) -> Flask:
    """Return the pages' app.

    ``mint_token`` returns a short-lived token for the page's own questions; give it in the development profile
    only. Without it the page asks for an access token and keeps it in memory.
    """
    pages = Pages(catalogue=catalogue, mint_token=mint_token, examples=examples)
    app = Flask("jibu.web", static_folder=None)
    app.add_url_rule("/", "index", pages.index)
    app.add_url_rule("/page/messages/<language>.json", "messages", pages.messages)
    app.add_url_rule("/page/static/<version>/<path:name>", "asset", pages.asset)
    if mint_token is not None:
        app.add_url_rule("/page/token", "token", pages.token, methods=["POST"])
    app.register_error_handler(HTTPException, _problem)
    app.after_request(protect)
    return app


def _problem(error: HTTPException) -> Response:
    """Return an HTTP error as RFC 9457 says."""
    kind = error.name.lower().replace(" ", "-")
    response = jsonify(
        type=f"urn:problem-type:jibu:{kind}",
        title=error.name,
        status=error.code,
        detail=error.description,
        instance=request.path,
        traceId=get_contextvars().get("trace_id") or secrets.token_hex(16),
    )
    response.status_code = error.code or 500
    response.content_type = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
    return response
