"""Says loudly which real servers no test was run against.

A test module that needs one calls ``needs``; the end of the test run then names what was left out and how to run it.
"""

from __future__ import annotations

import os

import pytest

LEFT_OUT: dict[str, str] = {}
"""What was not exercised in this run, and how it would be."""


def needs(server: str, variable: str) -> pytest.MarkDecorator:
    """Return the mark for tests that need a running server, whose address the variable gives."""
    missing = not os.environ.get(variable)
    if missing:
        LEFT_OUT[server] = f"set {variable} to run its tests on a running server"
    return pytest.mark.skipif(missing, reason=f"no {server}: {variable} is not set")
