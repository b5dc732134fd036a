"""The pages' app, through Flask's test client: languages, headers, caching, escaping, and who gets a token."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from structlog.contextvars import bound_contextvars

from jibu.locales import Catalogue
from jibu.web.app import Example, create_pages

CATALOGUE = Catalogue()
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'words'"
EXAMPLES = (Example("How much is it?", "en"), Example("Ni bei gani?", "sw"), Example(HOSTILE, "fr"))
STATIC = Path(__file__).parents[2] / "src" / "jibu" / "web" / "static"


def client(*, mints: bool = True) -> FlaskClient:
    """Return a client of the pages."""
    mint = (lambda: "minted") if mints else None
    return create_pages(catalogue=CATALOGUE, mint_token=mint, examples=EXAMPLES).test_client()


class Tags(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag with its attributes."""
        self.tags.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("language", CATALOGUE.languages())
def test_each_language_has_its_page(language: str) -> None:
    """`?lang=` chooses the language; the page says so, and the way it is written."""
    response = client().get(f"/?lang={language}")
    page = Tags(response.text)
    assert (200, language) == (response.status_code, response.headers["Content-Language"])
    assert {"lang": language, "dir": CATALOGUE.direction(language)} == page.named("html")[0]
    assert CATALOGUE.message("page.tagline", language) in response.text
    chosen = [option["value"] for option in page.named("option") if "selected" in option]
    assert [language] == chosen


@pytest.mark.parametrize(
    ("header", "served"),
    [
        ("sw-TZ,sw;q=0.9,en;q=0.5", "sw"),
        ("ar-EG", "ar"),
        ("xx, km;q=0.4", "km"),
        ("xx", "en"),
        ("", "en"),
        ("zh-Hant-TW", "zh"),
        ("*", "en"),
        (";;;q=", "en"),
    ],
)
def test_browser_language_is_the_default(header: str, served: str) -> None:
    """Without a choice the browser's languages decide, English where none fits; caches are told."""
    response = client().get("/", headers={"Accept-Language": header})
    assert served == response.headers["Content-Language"]
    assert "Accept-Language" in response.headers["Vary"]
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("tag", ["xx", "../../etc/passwd", "<script>x", "sw-" * 3000])
def test_unknown_language_is_english_and_never_echoed(tag: str) -> None:
    """A tag that no catalogue serves falls back and is not repeated in the page."""
    response = client().get("/", query_string={"lang": tag})
    served = "sw" if tag.startswith("sw") else "en"
    assert (200, served) == (response.status_code, response.headers["Content-Language"])
    assert tag not in response.text.replace("</script>", "").replace('<script src="', "").replace(
        "<script ", ""
    )


@pytest.mark.parametrize(
    "path", ["/", "/page/messages/sw.json", "/nothing-here", "/page/static/0/js/main.js", "/page/token"]
)
def test_security_headers_are_on_everything(path: str) -> None:
    """Pages, data, files and errors carry the same strict headers."""
    headers = client().get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_page_has_nothing_inline_and_nothing_foreign() -> None:
    """Scripts and styles are files of this service; no attribute runs code or sets a style."""
    page = Tags(client().get("/").text)
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href"):
            assert re.match(r"[/#]", attributes.get(name) or "/"), (tag, attributes)
    assert all(script.get("src") for script in page.named("script"))
    assert page.named("style") == []


def test_examples_are_text() -> None:
    """Examples are escaped, carry their language, and follow the page's; a language without any gets all."""
    french, spanish = client().get("/?lang=fr"), client().get("/?lang=es")
    assert HOSTILE not in french.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in french.text
    shown = [b["lang"] for b in Tags(french.text).named("button") if b.get("class") == "example"]
    every = [b["lang"] for b in Tags(spanish.text).named("button") if b.get("class") == "example"]
    assert (shown, every) == (["fr"], ["en", "sw", "fr"])


def test_page_without_script_says_so() -> None:
    """The message stands in the page, in its language, for browsers that run no script or only old ones."""
    page = client().get("/?lang=sw").text
    inside = page.partition("<noscript><p")[2].partition("</noscript>")[0]
    assert CATALOGUE.message("page.noscript", "sw") in inside
    assert ["nomodule" in script for script in Tags(page).named("script") if "defer" in script] == [True]


def test_messages_hold_all_phrases_and_can_be_revalidated() -> None:
    """The phrases of a language come as JSON with direction and examples; unchanged ones are 304."""
    pages = client()
    response = pages.get("/page/messages/ar.json")
    value = response.json
    assert (value["language"], value["direction"]) == ("ar", "rtl")
    assert value["messages"] == CATALOGUE.messages("ar")
    assert [{"text": e.text, "language": e.language} for e in EXAMPLES] == value["examples"]
    again = pages.get("/page/messages/ar.json", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("language", ["xx", "sw-TZ", "..%2f..%2fen", "EN"])
def test_messages_in_no_such_language(language: str) -> None:
    """Only catalogues that exist are served; the error is a problem document."""
    response = client().get(f"/page/messages/{language}.json")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert response.json["status"] == 404


def test_problems_carry_the_trace_id_of_the_request() -> None:
    """The one that the layer around the pages logs; a made-up one where there is no such layer."""
    with bound_contextvars(trace_id="0af7651916cd43dd8448eb211c80319c"):
        assert client().get("/nowhere").json["traceId"] == "0af7651916cd43dd8448eb211c80319c"
    assert re.fullmatch("[0-9a-f]{32}", client().get("/nowhere").json["traceId"])


def test_assets_are_cached_for_good_under_a_hash() -> None:
    """Each file that the page names is there, typed, and cached; another hash or name is not found."""
    pages = client()
    page = Tags(pages.get("/").text)
    links = [s["src"] for s in page.named("script")] + [link["href"] for link in page.named("link")]
    assert len(links) >= 8
    for link in links:
        response = pages.get(link or "")
        assert response.status_code == 200, link
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response.content_type.split(";")[0] in {"text/javascript", "text/css", "image/svg+xml"}
    version = (links[0] or "").split("/")[3]
    for path in (f"/page/static/{'0' * 16}/js/main.js", f"/page/static/{version}/js/none.js"):
        assert pages.get(path).status_code == 404
    assert pages.get(f"/page/static/{version}/../app.py").status_code == 404


def test_scripts_import_only_files_that_exist_and_parse_no_html() -> None:
    """Every import resolves, and no script turns text into markup or code."""
    for script in STATIC.glob("js/*.js"):
        source = script.read_text(encoding="utf-8")
        for name in re.findall(r'from "\./([^"]+)"', source):
            assert (script.parent / name).is_file(), (script.name, name)
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", source
        )


def test_every_phrase_that_a_script_or_template_names_exists() -> None:
    """A key that is asked for is in the catalogue."""
    known = CATALOGUE.messages("en")
    files = [*STATIC.glob("js/*.js"), STATIC.parent / "templates" / "page.html"]
    pattern = re.compile(
        r"""["'`]((?:page|result|source|status|error|aria|feedback|notice|answer)\.[a-z_.]+)["'`]"""
    )
    asked = {key for file in files for key in pattern.findall(file.read_text(encoding="utf-8"))}
    assert len(asked) > 40
    assert set() == {key for key in asked if key not in known and not key.endswith(".")}


LOCAL = {"Host": "localhost:8080", "Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    "headers",
    [
        LOCAL,
        {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080"},
        {"Host": "[::1]:8080", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_page_gets_a_token(headers: dict[str, str]) -> None:
    """The page on this machine gets a token, which nobody may keep."""
    response = client().post("/page/token", headers=headers)
    assert (response.status_code, response.json) == (200, {"token": "minted"})
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        (LOCAL | {"Origin": "https://evil.example"}, "127.0.0.1"),
        (LOCAL | {"Origin": "null"}, "127.0.0.1"),
        (LOCAL | {"Origin": "http://localhost:9090"}, "127.0.0.1"),
        (LOCAL | {"Sec-Fetch-Site": "cross-site"}, "127.0.0.1"),
        (LOCAL | {"Sec-Fetch-Site": "same-site"}, "127.0.0.1"),
        (LOCAL | {"Sec-Fetch-Site": "none"}, "127.0.0.1"),
        ({"Host": "localhost:8080"}, "127.0.0.1"),
        (LOCAL | {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"}, "127.0.0.1"),
        (LOCAL | {"Host": "localhost.evil.example", "Origin": "http://localhost.evil.example"}, "127.0.0.1"),
        (LOCAL | {"Host": "192.168.1.9:8080", "Origin": "http://192.168.1.9:8080"}, "127.0.0.1"),
        (LOCAL | {"Host": "0.0.0.0:8080", "Origin": "http://0.0.0.0:8080"}, "127.0.0.1"),
        (LOCAL, "192.168.1.20"),
        (LOCAL, "2001:db8::1"),
    ],
)
def test_token_is_refused_to_others(headers: dict[str, str], peer: str) -> None:
    """Other sites, rebound names, other machines and callers that do not say who they are get none."""
    response = client().post("/page/token", headers=headers, environ_base={"REMOTE_ADDR": peer})
    assert (response.status_code, response.content_type) == (403, "application/problem+json")
    assert "minted" not in response.text


def test_token_is_posted_for_only() -> None:
    """A link or a picture cannot fetch a token."""
    response = client().get("/page/token", headers=LOCAL)
    assert (405, {"POST", "OPTIONS"}) == (response.status_code, set(response.headers["Allow"].split(", ")))


def test_production_mints_nothing() -> None:
    """Without a minter there is no token route, and the page does not ask for one."""
    pages = client(mints=False)
    assert pages.post("/page/token", headers=LOCAL).status_code == 404
    body = Tags(pages.get("/").text).named("body")[0]
    assert "data-mints" not in body
    assert "data-mints" in Tags(client().get("/").text).named("body")[0]


def test_page_can_live_under_a_prefix() -> None:
    """Mounted below a path, every address that the page names stays below it."""
    response = client().get("/", environ_overrides={"SCRIPT_NAME": "/jibu"})
    page = Tags(response.text)
    assert (
        page.named("body")[0]["data-api"],
        page.named("body")[0]["data-page"],
    ) == ("/jibu/rag/v1", "/jibu/page")
    assert all((script["src"] or "").startswith("/jibu/page/static/") for script in page.named("script"))
