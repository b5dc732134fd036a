"""One Ollama server through the `ollama` client. Its errors become ours here, and nowhere else.

The client's own defaults suit one person's machine: it follows redirects, takes proxies and keys from the environment
and waits for ever. Here it does none of that.
"""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from jibu.adapters.model.failures import ModelFailed
from jibu.adapters.model.ollama.line import CONNECT_S, Line, TooMuch
from jibu.adapters.model.ollama.replies import ChatPart, Embedded, ModelFacts, Present, Pulling
from jibu.domain.errors import Misconfigured

if TYPE_CHECKING:
    from ollama import Client

SMALL_REPLY = 8_000_000  # bytes: what a server says of its models
VECTORS_REPLY = 64_000_000  # bytes: a full batch of the longest vectors there are, as text
CHAT_REPLY = 4_000_000  # bytes: a thousand times an answer
QUICK_S = 5.0
PULL_REPLY = 2_000_000_000  # bytes: news of a download come many times a second, for hours
PULL_S = 86_400.0
PULL_SILENT_S = 300.0
NO_EMBEDDINGS = 501
UNREACHABLE = "the model server cannot be reached: is Ollama running, and is JIBU_OLLAMA_HOSTS right?"
_ADDRESS = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?(/[A-Za-z0-9._/-]*)?"
)


class OllamaServer:
    """Calls one server. Safe from any thread: every call has a connection of its own."""

    def __init__(self, url: str, *, key: str | None = None, trust: ssl.SSLContext | bool = True) -> None:
        self.url = _checked(url)
        self._headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._trust = trust

    def line(self, seconds: float, *, max_bytes: int = SMALL_REPLY) -> Line:
        """Return a connection for one call."""
        return Line(seconds=seconds, max_bytes=max_bytes, trust=self._trust if self._secure else False)

    def version(self) -> str:
        """Return the server's version. Raises: ModelFailed."""
        with self.line(QUICK_S) as line, _translated("", line):
            reply = self._http(line, QUICK_S).get("/api/version")
            reply.raise_for_status()
            return _printable(reply.json()["version"])

    def models(self) -> list[Present]:
        """Return what the server has. Raises: ModelFailed."""
        with self.line(QUICK_S) as line, _translated("", line):
            found = self._client(line, QUICK_S).list().models
            return [
                Present(
                    _printable(one.model or ""),
                    int(one.size or 0),
                    _printable((one.details.parameter_size if one.details else None) or "") or None,
                )
                for one in found
            ]

    def loaded(self, model: str) -> int:
        """Return the bytes that a model takes where it is loaded now, 0 where it is not. Raises: ModelFailed."""
        with self.line(QUICK_S) as line, _translated(model, line):
            running = self._client(line, QUICK_S).ps().models
            names = {model, f"{model}:latest"}
            return max((int(one.size or 0) for one in running if one.model in names), default=0)

    def show(self, model: str) -> ModelFacts:
        """Return what the server says of a model. Raises: ModelFailed (missing)."""
        with self.line(QUICK_S) as line, _translated(model, line):
            found = self._client(line, QUICK_S).show(model)
            info: Mapping[str, Any] = found.modelinfo or {}
            context = next((int(v) for k, v in info.items() if k.endswith(".context_length")), None)
            details = found.details
            return ModelFacts(
                frozenset(found.capabilities or ()),
                context,
                details.parameter_size if details else None,
                details.quantization_level if details else None,
            )

    def embed(self, model: str, texts: Sequence[str], *, keep_alive: str, seconds: float) -> Embedded:
        """Return vectors; texts that are too long are cut by the server. Raises: ModelFailed."""
        with self.line(seconds, max_bytes=VECTORS_REPLY) as line, _translated(model, line):
            reply = self._client(line, seconds).embed(
                model=model, input=list(texts), truncate=True, keep_alive=_duration(keep_alive)
            )
            return Embedded([list(one) for one in reply.embeddings], int(reply.prompt_eval_count or 0))

    def chat(
        self,
        line: Line,
        model: str,
        messages: Sequence[tuple[str, str]],
        *,
        schema: dict[str, Any],
        options: Mapping[str, float],
        keep_alive: str,
        seconds: float,
    ) -> Iterator[ChatPart]:
        """Yield what the model writes for (role, text) messages, constrained to a JSON schema. Raises: ModelFailed."""
        with _translated(model, line):
            parts = self._client(line, seconds).chat(
                model=model,
                messages=[{"role": role, "content": text} for role, text in messages],
                format=schema,
                options=dict(options),
                stream=True,
                think=False,
                keep_alive=_duration(keep_alive),
            )
            for part in parts:
                yield ChatPart(
                    text=part.message.content or "",
                    last=bool(part.done),
                    prompt_tokens=_count(part.prompt_eval_count),
                    completion_tokens=_count(part.eval_count),
                    cut_off=part.done_reason == "length",
                )

    def pull(self, model: str) -> Iterator[Pulling]:
        """Have the server fetch a model from its registry; yield how far it is. Raises: ModelFailed."""
        import ollama

        status = ""
        with self.line(PULL_S, max_bytes=PULL_REPLY) as line, _translated(model, line):
            try:
                for part in self._client(line, PULL_SILENT_S).pull(model, stream=True):
                    status = _printable(part.status or "")
                    yield Pulling(status, part.digest, _count(part.completed), _count(part.total))
            except ollama.ResponseError as error:
                raise ModelFailed(f"{model!r} was not fetched: {_printable(error.error)}", "error") from error
        if status != "success":
            raise ModelFailed(f"{model!r} was not fetched: the server stopped halfway; try again", "error")

    @property
    def _secure(self) -> bool:
        return self.url.startswith("https://")

    def _client(self, line: Line, seconds: float) -> Client:
        from ollama import Client

        return Client(
            host=self.url,
            headers=self._headers,
            timeout=httpx.Timeout(seconds, connect=min(CONNECT_S, seconds)),
            follow_redirects=False,
            trust_env=False,
            transport=line,
            event_hooks={"request": [self._only_our_key]},
        )

    def _http(self, line: Line, seconds: float) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers=self._headers, timeout=seconds, trust_env=False, transport=line
        )

    def _only_our_key(self, request: httpx.Request) -> None:
        """Take away what the client found in the environment: it may be meant for another server."""
        if not self._headers:
            request.headers.pop("authorization", None)


@contextmanager
def _translated(model: str, line: Line) -> Iterator[None]:
    """Raises: ModelFailed for everything that the client, httpx or a strange reply may raise."""
    import ollama

    try:
        yield
    except ollama.ResponseError as error:
        raise _from_status(model, error) from error
    except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _late(line) or ModelFailed(UNREACHABLE, "away") from error
    except httpx.TimeoutException as error:
        raise ModelFailed("the model server is too slow", "slow") from error
    except httpx.HTTPStatusError as error:
        raise ModelFailed("the model server gave an error", "error") from error
    except (httpx.HTTPError, OSError) as error:
        raise _late(line) or ModelFailed("the connection to the model server broke", "away") from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, TooMuch) as error:
        raise ModelFailed("the model server's reply makes no sense", "malformed") from error


def _late(line: Line) -> ModelFailed | None:
    return ModelFailed("the model server is too slow", "slow") if line.timed_out else None


def missing(model: str) -> ModelFailed:
    """Return the error for a model that a server does not have."""
    return ModelFailed(
        f"the model server has no model {model!r}: run `ollama pull {model}` there, or `jibu models pull {model}`",
        "missing",
        retry_after=60.0,
    )


def _from_status(model: str, error: Any) -> ModelFailed:
    """Return our error for a status, or for an error told within a stream (which has none)."""
    status: int = error.status_code
    if status == 404:
        return missing(model)
    if status in {401, 403, 407} or 300 <= status < 400:
        return ModelFailed("the model server refuses us: check its address and key", "refused", 60.0)
    if status in {429, 503}:
        return ModelFailed("the model server has too much to do", "busy")
    if status == NO_EMBEDDINGS:
        return unfit(model)
    if 400 <= status < 500:
        return ModelFailed("the model server refuses the input", "rejected")
    return ModelFailed("the model server gave an error", "error")


def unfit(model: str) -> ModelFailed:
    """Return the error for a model that makes no vectors."""
    return ModelFailed(
        f"the model {model!r} makes no vectors: set JIBU_OLLAMA_EMBED_MODEL to one that does, such as bge-m3",
        "unfit",
        retry_after=60.0,
    )


def _count(value: object) -> int:
    """Return a count that a server tells, 0 where it tells nonsense."""
    return value if isinstance(value, int) and 0 <= value < 2**53 else 0


def _printable(text: object) -> str:
    """Return what a server says in a form that is safe to show on a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:200])


def _duration(text: str) -> float | str:
    """Return how long a model stays loaded as the server takes it: seconds as a number, else such as "5m"."""
    try:
        seconds = float(text)
    except ValueError:
        return text
    return seconds if math.isfinite(seconds) else text


def _checked(url: str) -> str:
    """Return the address. Raises: Misconfigured for one that is no HTTP address of a server."""
    found = _ADDRESS.fullmatch(url.strip())
    if found is None or int(found["port"] or 1) > 65_535:
        raise Misconfigured(f"JIBU_OLLAMA_HOSTS: {url!r} has to look like http://127.0.0.1:11434")
    return url.strip().rstrip("/")
