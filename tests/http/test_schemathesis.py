"""Schemathesis over every operation of the running service: no fault, no undocumented answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from test_server import running

from jibu.http.contracts import Contract, load_contracts

ACCEPTED = [
    "2xx",
    "401",
    "403",
    "404",
    "409",
    "422",  # a rule that the schema cannot express
    "429",
]
REJECTED = ["400", "401", "403", "404", "406", "413", "415", "422", "428", "5xx"]
"""413: what is too long for the contract may be too long to be read at all."""
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ACCEPTED},
            "negative_data_rejection": {"expected-statuses": REJECTED},
        },
        "operations": [
            {  # the published directory tells of what it does not know in 400
                "include-path-regex": "^/(listClients|r1/)",
                "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400"]}},
            },
            {  # the published configuration management tells of every rule that is broken in 400
                "include-path-regex": "^/api/v1/",
                "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400"]}},
            },
            {  # and so does the published consent API
                "include-path-regex": "^/(config|service|audit)/",
                "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400"]}},
            },
        ],
    }
)
EXAMPLES = {"rag": 25}
"""How many requests for each operation of a contract; others get ``FEW``."""
FEW = 10
PATIENT = frozenset(map(str, range(1, 31)))
"""How long a reader of events may ask to wait: nothing is published here, and nobody waits in this test."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client that may do everything on a running server with a document in it."""
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    with running(folder, app="jibu.http.app:factory") as (process, client):
        client.put("/rag/v1/collections/travel", json={"title": "Travel"}).raise_for_status()
        body = {"title": "Guide", "text": "A passport is valid for ten years."}
        client.post("/rag/v1/collections/travel/documents", json=body).raise_for_status()
        yield client
        assert process.poll() is None, "the server is still there"


def operations_of(contract: Contract) -> Callable[..., None]:
    """Return the test of one contract: one case for each operation."""
    schema = schemathesis.openapi.from_dict(contract.document, config=CONFIG)

    @pytest.mark.slow
    @schema.parametrize()
    @settings(
        max_examples=EXAMPLES.get(contract.name, FEW),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def test_operation(case: Any, server: httpx.Client) -> None:
        """Whatever is sent, the answer is one that the contract declares."""
        if str(case.query.get("waitSeconds")) in PATIENT:
            case.query["waitSeconds"] = 0
        base_url = str(server.base_url).rstrip("/") + contract.base_path
        case.call_and_validate(base_url=base_url, headers={"Authorization": server.headers["Authorization"]})

    return test_operation  # type: ignore[no-any-return]


for _contract in load_contracts():
    if _contract.is_openapi:
        globals()[f"test_{_contract.name}"] = operations_of(_contract)
