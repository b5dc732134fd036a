"""The extractive generator passes the generators' contract."""

from __future__ import annotations

import pytest

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.adapters.text.icu import IcuSegmenter
from jibu.testing.generator_contract import GeneratorContract


class TestExtractiveGenerator(GeneratorContract):
    """The embedded default."""

    @pytest.fixture
    def generator(self) -> ExtractiveGenerator:
        """Stateless, so a new one each time costs nothing."""
        return ExtractiveGenerator(IcuSegmenter())
