"""Builds what compares embedding models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jibu.domain.errors import InvalidInput
from jibu.evaluation.contest import Contender, Cutter
from jibu.settings import Settings
from jibu.wiring.engines import embedder_choice
from jibu.wiring.models import OLLAMA, make_embedder, ollama_servers


def contenders(settings: Settings, names: Sequence[str]) -> list[Contender]:
    """Return the embedders of these names, each once. Raises: InvalidInput (none), Misconfigured (no such one)."""
    choices = list(dict.fromkeys(embedder_choice(settings, name) for name in names))
    if not choices:
        raise InvalidInput("name at least one embedder")
    return [_contender(settings, choice) for choice in choices]


def _contender(settings: Settings, choice: str) -> Contender:
    embedder = make_embedder(settings, choice)
    kind, _, model = choice.partition(":")
    if kind == OLLAMA:
        servers = ollama_servers(settings).all()
        return Contender(choice, embedder, lambda: max((s.loaded(model) for s in servers), default=0) or None)
    before = _resident()
    return Contender(choice, embedder, lambda: max(_resident() - before, 0))


def cutter(settings: Settings, contender: Contender) -> Cutter:
    """Return what cuts documents, sized by this contender's tokens."""
    from jibu.adapters.parse.sandbox import SandboxedParser
    from jibu.adapters.text.icu import IcuSegmenter
    from jibu.adapters.text.language import LangidDetector

    parser = SandboxedParser(
        timeout_s=settings.parse_timeout_s,
        memory_bytes=settings.parse_memory_bytes,
        max_pages=settings.parse_max_pages,
        max_characters=settings.parse_max_characters,
        max_bytes=settings.max_upload_bytes,
    )
    return Cutter(
        parser=parser,
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        count_tokens=contender.embedder.count_tokens,
    )


def _resident() -> int:
    """Return the bytes that this process has in memory."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
