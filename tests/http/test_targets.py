"""Which addresses below /r1 are passed on, and which are the block's own."""

from __future__ import annotations

import pytest

from jibu.http.targets import is_relayed

APPLICATION = "/r1/ZZ/GOV/registry-office/citizens"


@pytest.mark.parametrize(
    ("path", "relayed"),
    [
        ("/registry", True),
        ("/registry/", True),
        ("/registry/citizens/7", True),
        ("/listMethods/x", True),
        ("/listMethods", False),
        ("/getOpenAPI", False),
        ("/api/v1/eventType", False),
        ("/pub/v1/newBirth", False),
        ("/pull/v1/newBirth/1", False),
        ("/apis/v1/eventType", True),
        ("", False),
    ],
)
def test_metaservices_and_rooms_are_not_relayed(path: str, *, relayed: bool) -> None:
    """Everything else below an application is."""
    assert is_relayed(APPLICATION + path) is relayed
