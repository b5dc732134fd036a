"""The generator behind Ollama: claims in constrained JSON, each one checked before anybody sees it."""

from __future__ import annotations

import time
from collections.abc import Generator as Steps
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from jibu.adapters.model.background import Background
from jibu.adapters.model.checking import ClaimCheck, Proved
from jibu.adapters.model.claim_stream import ClaimStream, Malformed, RawClaim
from jibu.adapters.model.failures import ModelFailed, Reason
from jibu.adapters.model.ollama.client import CHAT_REPLY, OllamaServer
from jibu.adapters.model.ollama.families import Family, estimate_tokens
from jibu.adapters.model.ollama.replies import ChatPart
from jibu.adapters.model.ollama.servers import ELSEWHERE, Servers
from jibu.adapters.model.prompts import SCHEMA, Prompt, as_messages, make_prompt
from jibu.adapters.model.turns import Turn, Turns
from jibu.domain.answers import Draft, Usage
from jibu.domain.citing import lay_out
from jibu.domain.errors import Unavailable
from jibu.ports import Entailment, GenerationRequest, LanguageDetector, Segmenter

TICK_S = 0.2
COUNTS_S = 0.5
WORDS_ROOM = 900
"""Tokens kept for what the model writes."""
GAP = " "
_UNSPACED = frozenset(("zh", "ja", "th", "km", "lo", "my"))


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and tokens. Both times count from the question, waiting for a turn included."""

    first_token_s: float = 15.0
    total_s: float = 25.0
    context: int = 4096
    keep_alive: str = "5m"


class _Writing:
    """What has been made of one question so far."""

    def __init__(self, check: ClaimCheck) -> None:
        self.check = check
        self.proved: list[Proved] = []
        self.dropped = 0
        self.usage = Usage()
        self.began = time.monotonic()


class OllamaGenerator:
    """Writes with any instruct model. It raises where it has said nothing; what it has said it keeps and ends."""

    def __init__(
        self,
        servers: Servers,
        model: str,
        *,
        entailment: Entailment,
        segmenter: Segmenter,
        detector: LanguageDetector,
        turns: Turns,
        limits: Limits,
    ) -> None:
        self._servers = servers
        self._model = model
        self._entailment = entailment
        self._segmenter = segmenter
        self._detector = detector
        self._turns = turns
        self._limits = limits

    @property
    def name(self) -> str:
        """What ``model.generator`` in an answer says."""
        return self._model

    def generate(self, request: GenerationRequest) -> Iterator[str | Draft]:
        """Yield claims as they are proved and last the draft. Raises: ModelFailed where nothing could be said."""
        if not request.sources:
            yield Draft("", (), ())
            return
        room = self._limits.context - WORDS_ROOM
        prompt = make_prompt(request, lambda text: estimate_tokens(text, Family()), room)
        check = ClaimCheck(
            request,
            prompt.sources,
            entailment=self._entailment,
            segmenter=self._segmenter,
            detector=self._detector,
            banned=prompt.fence,
        )
        writing = _Writing(check)
        gap = "" if request.language.split("-")[0] in _UNSPACED else GAP
        complete = True
        try:
            with self._turns.ask() as turn:
                yield from self._wait(turn, writing)
                for claim in self._proved(prompt, writing):
                    yield gap + claim.text if claim.text and len(writing.proved) > 1 else claim.text
        except ModelFailed:
            if not writing.proved:
                raise
            complete = False
        text, claims = lay_out([(c.text, c.citations, c.support) for c in writing.proved], gap)
        yield Draft(
            text,
            claims,
            check.citations,
            usage=writing.usage,
            complete=complete and not writing.dropped,
            language=None if request.language == "und" else request.language,
        )

    def _wait(self, turn: Turn, writing: _Writing) -> Iterator[str]:
        """Yield empty pieces until it is our turn. Raises: ModelFailed (busy)."""
        while not turn.come.wait(TICK_S):
            if time.monotonic() - writing.began > self._limits.first_token_s:
                raise ModelFailed("too many answers are waiting for the model", "busy")
            yield ""

    def _proved(self, prompt: Prompt, writing: _Writing) -> Iterator[Proved]:
        """Yield what stands, and claims without text while the work goes on. Raises: ModelFailed."""
        tried: set[str] = set()
        while True:
            try:
                with self._servers.one(tried) as server:
                    yield from self._from(server, prompt, writing)
                    return
            except ModelFailed as error:
                none_left = len(tried) == len(self._servers.all())
                if writing.proved or error.reason not in ELSEWHERE or none_left:
                    raise

    def _from(self, server: OllamaServer, prompt: Prompt, writing: _Writing) -> Iterator[Proved]:
        """Yield from one server. Raises: ModelFailed (what went wrong; empty; unsupported)."""
        left = writing.began + self._limits.total_s - time.monotonic()
        if left <= 0:
            raise ModelFailed("the model is too slow", "slow")
        stream = ClaimStream()
        with server.line(left, max_bytes=CHAT_REPLY) as line:
            running = Background(
                lambda: server.chat(
                    line,
                    self._model,
                    as_messages(prompt),
                    schema=SCHEMA,
                    options={
                        "temperature": 0,
                        "seed": 1,
                        "num_ctx": self._limits.context,
                        "num_predict": WORDS_ROOM,
                    },
                    keep_alive=self._limits.keep_alive,
                    seconds=left,
                ),
                stop=line.hang_up,
            )
            with closing(running):
                yield from self._read(running, stream, writing)
        self._judge_end(stream, writing)

    def _read(
        self, running: Background[ChatPart], stream: ClaimStream, writing: _Writing
    ) -> Iterator[Proved]:
        """Yield each claim as it is proved. Raises: ModelFailed."""
        first = True
        idle = Proved("", (), 0.0)
        while not stream.closed:
            part = yield from self._next(running, writing, first=first, idle=idle)
            if part is None:
                return
            first = False
            if part.last:
                writing.usage = Usage(part.prompt_tokens, part.completion_tokens)
            yield idle
            yield from self._claims(stream, part, writing)
            if part.last:
                return
        self._count(running, writing)

    def _count(self, running: Background[ChatPart], writing: _Writing) -> None:
        """Take the counts that follow the answer, where they come at once."""
        with suppress(ModelFailed, TimeoutError):
            part = running.next(COUNTS_S)
            if part is not None and part.last:
                writing.usage = Usage(part.prompt_tokens, part.completion_tokens)

    def _claims(self, stream: ClaimStream, part: ChatPart, writing: _Writing) -> Iterator[Proved]:
        try:
            found = stream.feed(part.text)
        except Malformed as error:
            raise ModelFailed("the model's answer makes no sense", "malformed") from error
        for raw in found:
            claim = self._prove(writing, raw)
            if claim is None:
                writing.dropped += 1
            else:
                writing.proved.append(claim)
                yield claim

    def _prove(self, writing: _Writing, raw: RawClaim) -> Proved | None:
        """Return the claim where it stands; one that cannot be checked now is not said."""
        try:
            return writing.check.prove(raw)
        except Unavailable:
            return None

    def _next(
        self, running: Background[ChatPart], writing: _Writing, *, first: bool, idle: Proved
    ) -> Steps[Proved, None, ChatPart | None]:
        """Return the next part, None at the end; yield ``idle`` while it is awaited. Raises: ModelFailed."""
        limit = self._limits.first_token_s if first else self._limits.total_s
        while True:
            left = writing.began + limit - time.monotonic()
            if left <= 0:
                raise ModelFailed("the model is too slow", "slow")
            try:
                return running.next(min(TICK_S, left))
            except TimeoutError:
                yield idle

    def _judge_end(self, stream: ClaimStream, writing: _Writing) -> None:
        """Raises: ModelFailed where the whole says nothing, or is not whole."""
        if stream.blank:
            raise ModelFailed("the model said nothing", "empty")
        if not stream.closed:
            raise ModelFailed("the model's answer is cut off", "malformed")
        if not writing.proved and not stream.unanswerable:
            reason: Reason = "unsupported" if writing.dropped else "empty"
            raise ModelFailed("nothing of what the model said stands in the sources", reason)
