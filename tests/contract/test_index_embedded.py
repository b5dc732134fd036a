"""The embedded index under the contract of every index."""

from __future__ import annotations

from pathlib import Path

import pytest

from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.testing.index_contract import IndexContract
from jibu.testing.index_samples import IndexSetup


class TestEmbeddedIndex(IndexContract):
    """Runs the whole contract."""

    @pytest.fixture
    def setup(self, tmp_path: Path) -> IndexSetup:
        """Indexes in folders of their own."""
        return IndexSetup(
            lambda name, embedder, dimension: EmbeddedIndex(
                tmp_path / name, embedder=embedder, dimension=dimension
            )
        )
