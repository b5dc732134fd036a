"""What has to be done now and then for Pub/Sub, whoever publishes and pushes."""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog

from jibu.domain.errors import JibuError
from jibu.ports import Clock, Records

EVERY_S = 10.0
AT_ONCE = 2000


class Chores:
    """Parks what is out of time and forgets what is old. Several processes may do it at once."""

    def __init__(self, *, records: Records, clock: Clock, retention: timedelta) -> None:
        self._records = records
        self._clock = clock
        self._retention = retention
        self._log = structlog.get_logger("jibu.pubsub")

    def run_forever(self, stop: threading.Event) -> None:
        """Do them until ``stop`` is set. Errors are logged and never end the loop."""
        while True:
            try:
                self.run(stop)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must live
                name = error.code if isinstance(error, JibuError) else type(error).__name__
                self._log.warning("cleaning events failed", error=name)
            if stop.wait(EVERY_S):
                return

    def run(self, stop: threading.Event | None = None) -> None:
        """Do them once, a handful in each transaction. Raises: Unavailable."""
        parked = forgotten = 0
        more = True
        while more and not (stop is not None and stop.is_set()):
            at = self._clock()
            with self._records.write() as uow:
                late = uow.pubsub.expire(at=at, limit=AT_ONCE)
                old = uow.pubsub.forget(before=at - self._retention)
                uow.commit()
            parked, forgotten = parked + late, forgotten + old
            more = late == AT_ONCE or old > 0
        if parked or forgotten:
            self._log.info("events cleaned", parked=parked, forgotten=forgotten)
