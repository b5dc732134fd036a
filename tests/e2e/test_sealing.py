"""The relay's process signs the message log."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from jibu.adapters.store.sqlite import open_sqlite
from jibu.settings import Settings
from jibu.testing.records_mediation import exchange
from jibu.wiring.auditing import build_checks
from jibu.wiring.relay import build_relay


def test_the_relays_process_seals_what_waits(tmp_path: Path) -> None:
    """What other processes put into the log is signed within seconds, and checks out with the block's key."""
    settings = Settings(data_dir=tmp_path)
    records = open_sqlite(tmp_path / "jibu.db")
    stop = threading.Event()
    with build_relay(settings) as process:
        thread = threading.Thread(target=process.run_forever, args=(stop,))
        thread.start()
        try:
            with records.write() as uow:
                uow.mediator.exchanges.add([exchange(1), exchange(2)])
                uow.commit()
            assert _sealed(settings)
        finally:
            stop.set()
            thread.join()
            records.close()


def _sealed(settings: Settings) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with build_checks(settings) as checks:
            report = checks["messages"](None, lambda _: None)
        assert report.faults == ()
        if (report.entries, report.waiting) == (2, 0):
            return True
        time.sleep(0.2)
    return False
