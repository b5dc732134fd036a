"""The ICU segmenter against the segmenter contract."""

from __future__ import annotations

import pytest

from jibu.adapters.text.icu import IcuSegmenter
from jibu.testing.segmenter_contract import SegmenterContract


class TestIcuSegmenter(SegmenterContract):
    """ICU passes the contract."""

    @pytest.fixture
    def segmenter(self) -> IcuSegmenter:
        """Return the adapter."""
        return IcuSegmenter()
