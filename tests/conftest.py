"""What tests of several folders share: the sample library, loaded once with the real model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.cli.loading import load_sample
from jibu.settings import Settings
from jibu.wiring import Services, build


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the sample library in it. Copy it before you change it or serve it.

    JIBU_TEST_SAMPLE_DATA may name one that is loaded already: that saves half a minute.
    """
    if loaded_before := os.environ.get("JIBU_TEST_SAMPLE_DATA"):
        return Path(loaded_before)
    folder = tmp_path_factory.mktemp("sample") / "data"
    with build(Settings(data_dir=folder)) as services:
        loaded = load_sample(services)
    assert (loaded.failed, loaded.new) == ([], 20)
    return folder


@pytest.fixture(scope="session")
def sample(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Return the use cases over a copy of the sample library."""
    folder = tmp_path_factory.mktemp("sample") / "data"
    shutil.copytree(sample_data, folder)
    with build(Settings(data_dir=folder)) as services:
        yield services
