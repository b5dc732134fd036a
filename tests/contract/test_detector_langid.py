"""The language detector against its contract."""

from __future__ import annotations

import pytest

from jibu.adapters.text.language import LangidDetector
from jibu.testing.detector_contract import DetectorContract


class TestLangidDetector(DetectorContract):
    """Scripts and py3langid pass the contract."""

    @pytest.fixture
    def detector(self) -> LangidDetector:
        """Return a detector that has not loaded its model yet."""
        return LangidDetector()
