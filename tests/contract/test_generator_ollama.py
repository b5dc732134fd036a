"""The generator behind Ollama against its contract: on a loopback server, and on a real one.

JIBU_TEST_OLLAMA_URL names a real server and JIBU_TEST_OLLAMA_GENERATE_MODEL a model that it has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.adapters.model.fallback import FallbackGenerator
from jibu.adapters.model.ollama.client import OllamaServer
from jibu.adapters.model.ollama.generator import Limits, OllamaGenerator
from jibu.adapters.model.ollama.servers import Servers
from jibu.adapters.model.support import EmbeddingSupport
from jibu.adapters.model.turns import Turns
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.ports import Generator
from jibu.testing.generator_contract import GeneratorContract
from jibu.testing.memory import HashEmbedder

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.services.hostile_ollama import WRITES, HostileOllama
from tests.services.unrun import needs

URL = os.environ.get("JIBU_TEST_OLLAMA_URL")
MODEL = os.environ.get("JIBU_TEST_OLLAMA_GENERATE_MODEL", "qwen3:4b-instruct")


def generator_of(url: str, model: str, limits: Limits) -> FallbackGenerator:
    """Return the generator as it is wired: the extractive one stands behind it."""
    segmenter = IcuSegmenter()
    own = OllamaGenerator(
        Servers([OllamaServer(url)]),
        model,
        entailment=EmbeddingSupport(HashEmbedder(), segmenter),
        segmenter=segmenter,
        detector=LangidDetector(),
        turns=Turns(running=2, waiting=8),
        limits=limits,
    )
    return FallbackGenerator(own, ExtractiveGenerator(segmenter))


@pytest.fixture(scope="module")
def double() -> Iterator[HostileOllama]:
    """An honest server."""
    with HostileOllama() as server:
        yield server


class TestOllamaGeneratorOnLoopback(GeneratorContract):
    """The contract on a server that speaks the protocol."""

    @pytest.fixture
    def generator(self, double: HostileOllama) -> Generator:
        """A new one for each test."""
        return generator_of(double.url, WRITES, Limits(first_token_s=5, total_s=10))


@needs("Ollama", "JIBU_TEST_OLLAMA_URL")
class TestOllamaGenerator(GeneratorContract):
    """The contract on a real server. A weak model falls back: the contract is exactness, not wit."""

    @pytest.fixture
    def generator(self) -> Generator:
        """A new one for each test; its server loads the model at the first call."""
        return generator_of(URL or "", MODEL, Limits(first_token_s=120, total_s=180))
