"""``jibu models`` against a loopback server that speaks Ollama's protocol."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jibu.adapters.model.failures import ModelFailed
from jibu.adapters.model.ollama.client import OllamaServer
from jibu.cli import cli
from jibu.domain.errors import JibuError

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.services.hostile_ollama import HostileOllama


@pytest.fixture
def server() -> Iterator[HostileOllama]:
    """A server with two models."""
    with HostileOllama() as server:
        yield server


def run(server: HostileOllama, *arguments: str, **settings: str) -> Result:
    """Run the command with these settings."""
    environment = {"JIBU_OLLAMA_HOSTS": server.url, "JIBU_EMBEDDER": "ollama", **settings}
    return CliRunner().invoke(cli, ["models", *arguments], env=environment)


def test_list_says_what_is_there_and_what_is_missing(server: HostileOllama) -> None:
    """The missing model comes with the command that fetches it."""
    found = run(server, "list")
    assert found.exit_code == 0, found.output
    assert "hash-embed:latest" in found.output
    assert "bge-m3  missing (embedder): `jibu models pull bge-m3`" in found.output


def test_a_server_that_nothing_needs_may_be_away(server: HostileOllama) -> None:
    """With embedded models the list says so and ends well; a configured model needs its server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{taken.getsockname()[1]}"
        found = run(server, "list", JIBU_EMBEDDER="embedded", JIBU_OLLAMA_HOSTS=f"{away},{server.url}")
        assert found.exit_code == 0, found.output
        assert "no model of Ollama is in use: embedder embedded, generator extractive" in found.output
        assert f"{away}  " in found.output
        assert "nothing here needs it" in found.output
        assert "hash-embed:latest" in found.output, "the others are listed all the same"
        needed = run(server, "list", JIBU_OLLAMA_HOSTS=away)
    assert (needed.exit_code, type(needed.exception)) == (1, ModelFailed)


def test_pull_fetches_what_is_configured(server: HostileOllama) -> None:
    """Without a name it is the embedder's model; afterwards nothing is missing."""
    found = run(server, "pull")
    assert found.exit_code == 0, found.output
    assert "bge-m3  fetched" in found.output
    assert "1.00k" in found.output
    assert "missing" not in run(server, "list").output


def test_pull_fetches_what_is_named(server: HostileOllama) -> None:
    """Any number of models by name."""
    assert run(server, "pull", "one", "two:7b").exit_code == 0
    assert [body["model"] for body in server.asked("/api/pull")] == ["one", "two:7b"]


def test_what_is_there_needs_no_registry(server: HostileOllama) -> None:
    """A set that starts again without a way out must not wait for a registry: nothing is asked for twice."""
    assert run(server, "pull", "--missing").exit_code == 0
    server.scripts["/api/pull"] = lambda exchange: exchange.raw(b'{"error": "no such host"}\n')
    again = run(server, "pull", "--missing", "bge-m3", "hash-embed:latest")
    assert again.exit_code == 0, again.output
    assert again.output.count("is there") == 2
    assert [body["model"] for body in server.asked("/api/pull")] == ["bge-m3"]
    assert run(server, "pull").exit_code == 1


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (b'{"error": "pull model manifest: file does not exist\\u001b[2J"}\n', "file does not exist"),
        (b'{"status": "pulling manifest"}\n', "stopped halfway"),
        (b"<html>\n", "makes no sense"),
    ],
)
def test_a_failed_download_is_told(server: HostileOllama, stream: bytes, says: str) -> None:
    """The server's words are shown without what they could do to a terminal."""
    server.scripts["/api/pull"] = lambda exchange: exchange.raw(stream)
    found = run(server, "pull", "one")
    assert isinstance(found.exception, JibuError)
    assert says in str(found.exception)
    assert "\x1b" not in str(found.exception)


def test_what_a_server_says_cannot_write_on_the_terminal(server: HostileOllama) -> None:
    """Neither how a download is going, nor the names and the version in the list, bring control characters."""
    news = b'{"status": "pulling \\u001b[2Jmanifest"}\n{"status": "success"}\n'
    server.scripts["/api/pull"] = lambda exchange: exchange.raw(news)
    told = [news.status for news in OllamaServer(server.url).pull("one")]
    assert told == ["pulling  [2Jmanifest", "success"]
    listed = (
        b'{"models": [{"model": "odd\\u001b[2J", "size": 1, "details": {"parameter_size": "7\\u001b[2JB"}}]}'
    )
    server.scripts["/api/tags"] = lambda exchange: exchange.raw(listed)
    server.scripts["/api/version"] = lambda exchange: exchange.raw(b'{"version": "1\\u001b[2J"}')
    found = run(server, "list")
    assert found.exit_code == 0, found.output
    assert "odd" in found.output
    assert "\x1b[2J" not in found.output


def test_with_embedded_models_there_is_nothing_to_fetch(server: HostileOllama) -> None:
    """The command says that a name is needed."""
    assert "name one" in run(server, "pull", JIBU_EMBEDDER="embedded").output


@pytest.mark.parametrize(
    "hosts", ["", "ftp://x", "http://", "http://user:word@host", "http://[", "host:11434"]
)
def test_a_bad_address_is_refused(server: HostileOllama, hosts: str) -> None:
    """Before anything is sent."""
    found = run(server, "list", JIBU_OLLAMA_HOSTS=hosts)
    assert "JIBU_OLLAMA_HOSTS" in str(found.exception)


def test_nothing_of_the_environment_goes_to_the_server(
    server: HostileOllama, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No proxy, no other server, no key of another program; our own key is sent."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OLLAMA_HOST"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("OLLAMA_API_KEY", "anothers")
    assert run(server, "list").exit_code == 0
    assert all("authorization" not in sent for sent in server.headers)
    key = tmp_path / "key"
    key.write_text("ours\n")
    assert run(server, "list", JIBU_OLLAMA_API_KEY_FILE=str(key)).exit_code == 0
    assert server.headers[-1]["authorization"] == "Bearer ours"
