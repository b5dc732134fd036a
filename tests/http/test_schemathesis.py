"""Schemathesis over every operation of the running service: no fault, no undocumented answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from test_server import running

from jibu.http.contracts import load_contracts

RAG = next(contract for contract in load_contracts() if contract.name == "rag")
ACCEPTED = [
    "2xx",
    "401",
    "403",
    "404",
    "409",
    "422",  # a rule that the schema cannot express
    "429",
]
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}}}
)
schema = schemathesis.openapi.from_dict(RAG.document, config=CONFIG)
EXAMPLES = 25


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return the base URL and the Authorization header of a running server with a document in it."""
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    with running(folder, app="jibu.http.app:factory") as (process, client):
        client.put("/rag/v1/collections/travel", json={"title": "Travel"}).raise_for_status()
        body = {"title": "Guide", "text": "A passport is valid for ten years."}
        client.post("/rag/v1/collections/travel/documents", json=body).raise_for_status()
        yield str(client.base_url).rstrip("/") + RAG.base_path, client.headers["Authorization"]
        assert process.poll() is None, "the server is still there"


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_operation(case: Any, server: tuple[str, str]) -> None:
    """Whatever is sent, the answer is one that the contract declares."""
    base_url, authorization = server
    case.call_and_validate(base_url=base_url, headers={"Authorization": authorization})
