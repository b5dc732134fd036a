"""The test app under a real uvicorn: ``uvicorn --factory serving:app`` with the folder in JIBU_TEST_FOLDER."""

from __future__ import annotations

import os
import time
from pathlib import Path

from http_support import app_of, make_services
from starlette.types import ASGIApp

from jibu.http import logs


def app() -> ASGIApp:
    """Return the app; answers take JIBU_TEST_PAUSE seconds for each word."""
    folder = Path(os.environ["JIBU_TEST_FOLDER"])
    pause = float(os.environ.get("JIBU_TEST_PAUSE", "0"))
    services = make_services(folder, max_upload_bytes=200_000, max_concurrent_queries=8, query_timeout_s=60)
    services.answering.before_token = lambda _n: time.sleep(pause)
    logs.configure(services.settings)
    return app_of(services)
