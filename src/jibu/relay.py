"""The relay: does the jobs and publishes the events that wait in the outbox.

Several relays may work on one store: jobs are leased, and one relay at a time publishes. A relay that
dies leaves leases that run out; whoever takes a job over goes on where it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import structlog

from jibu.domain.errors import Away, IndexBusy, JibuError, Misconfigured
from jibu.domain.events import Job
from jibu.ports import Broker, Clock, Records
from jibu.usecases.erasing import Erasing
from jibu.usecases.indexing import Indexing
from jibu.usecases.publishing import FIRST_DELAY_S, Publisher, backoff
from jibu.usecases.publishing import LEASE_S as PUBLISHER_LEASE_S
from jibu.usecases.work import Handler, Keep, Later, LeaseLost, Stopping

BUSY_INDEX_PAUSE_S = 2.0
LONGEST_ABSENCE_S = 15.0
PULSE_S = 5.0
CHORES_EVERY_S = 3600.0


class Relay:
    """Works on the outbox, one job at a time. Answers older than ``keep_answers`` are forgotten on the way.

    ``others`` are handlers of further kinds of jobs.
    """

    def __init__(
        self,
        *,
        records: Records,
        broker: Broker,
        indexing: Indexing,
        erasing: Erasing,
        clock: Clock,
        lease_s: float = 60.0,
        poll_s: float = 0.5,
        max_attempts: int = 8,
        first_delay_s: float = FIRST_DELAY_S,
        keep_answers: timedelta | None = None,
        others: Mapping[str, Handler] = MappingProxyType({}),
    ) -> None:
        self._records = records
        self._handlers = {**indexing.handlers, **erasing.handlers, **others}
        self._give_up = indexing.give_up
        self._clock = clock
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._max_attempts = max_attempts
        self._first_delay_s = first_delay_s
        self._id = uuid4().hex
        self._job: Job | None = None
        self._keep_answers = keep_answers
        self._away = 0
        self._jobs_from = self._chores_from = 0.0
        self._publisher = Publisher(
            records=records,
            broker=broker,
            clock=clock,
            holder=self._id,
            max_attempts=max_attempts,
            first_delay_s=first_delay_s,
            lease_s=min(PUBLISHER_LEASE_S, lease_s),
        )
        self._log = structlog.get_logger("jibu.relay").bind(relay=self._id[:8])

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. Errors are logged and never end the loop.

        Events are published from a thread of their own: no long document keeps them waiting.
        """
        publishing = threading.Thread(target=self._publish_until, args=(stop,), name="relay-publisher")
        with self._alive():
            publishing.start()
            try:
                while not stop.is_set():
                    if not self._guarded(lambda: self._work(stop), stop):
                        stop.wait(self._poll_s)
            finally:
                stop.set()
                publishing.join()

    def run_until_idle(self, stop: threading.Event | None = None) -> None:
        """Work until no job is due, running or waiting for another try, and all events are published.

        Events wait for another run when the broker is away or refuses them. Raises: Unavailable (records).
        """
        stop = stop or threading.Event()
        with self._alive():
            while not stop.is_set():
                if not self._turn(stop):
                    if self._idle():
                        return
                    stop.wait(min(self._poll_s, 0.05))

    def _idle(self) -> bool:
        with self._records.read() as uow:
            backlog = uow.outbox.backlog(at=self._clock())
            told = self._publisher.broker_away or not uow.outbox.publishable(at=self._clock(), limit=1)
        return backlog.jobs == 0 and told

    def _turn(self, stop: threading.Event) -> bool:
        """Publish once and do one job; return whether there was anything to do."""
        published = self._guarded(self._publisher.turn, stop)
        return self._guarded(lambda: self._work(stop), stop) or published

    def _publish_until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if not self._guarded(self._publisher.turn, stop):
                stop.wait(self._poll_s)

    def _guarded(self, step: Callable[[], bool], stop: threading.Event) -> bool:
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the relay must live
            self._log.warning("relay turn failed", error=_name(error), at=_place(error))
            stop.wait(1.0)
            return False

    def _forget_answers(self) -> None:
        if self._keep_answers is None or time.monotonic() < self._chores_from:
            return
        with self._records.write() as uow:
            before = self._clock() - self._keep_answers
            dropped = uow.conversations.drop_answers(before=before)
            uow.decisions.drop(before=before)
            uow.commit()
        self._chores_from = time.monotonic() + CHORES_EVERY_S
        self._log.info("old answers forgotten", answers=dropped)

    # --- jobs ---

    def _work(self, stop: threading.Event) -> bool:
        self._forget_answers()
        job = None if time.monotonic() < self._jobs_from else self._claim()
        if job is None:
            return False
        self._job = job
        try:
            self._run(job, stop)
        finally:
            self._job = None
        return True

    def _claim(self) -> Job | None:
        at = self._clock()
        with self._records.read() as uow:
            if not uow.outbox.due(at=at):
                return None
        with self._records.write() as uow:
            jobs = uow.outbox.claim_jobs(at=at, lease_s=self._lease_s, limit=1)
            uow.commit()
        return jobs[0] if jobs else None

    def _run(self, job: Job, stop: threading.Event) -> None:
        log = self._log.bind(job=job.kind, key=job.key, version=job.version, attempt=job.attempts)
        started = time.monotonic()
        try:
            self._do(job, self._keeper(job, stop))
        except LeaseLost:
            log.info("job withdrawn")
        except Stopping:
            self._give_back(job, 0.0, "stopped")
        except Later as later:
            self._give_back(job, later.seconds, "later")
        except IndexBusy as error:
            # Another process writes the index and will do the job: let it have it.
            self._jobs_from = time.monotonic() + BUSY_INDEX_PAUSE_S
            self._give_back(job, 0.0, error.code)
        except (Away, Misconfigured) as error:
            self._wait_for_server(job, error, log)
        except Exception as error:  # noqa: BLE001 - one bad job must not stop the others
            parked = self._retry(job, error)
            log.warning("job failed", error=_name(error), at=_place(error), parked=parked)
        else:
            self._away = 0
            log.info("job done", seconds=round(time.monotonic() - started, 3))

    def _do(self, job: Job, keep: Keep) -> None:
        if job.attempts > self._max_attempts:
            raise RuntimeError("the job ended its relay too often")
        self._handlers[job.kind](job, keep)

    def _wait_for_server(self, job: Job, error: JibuError, log: Any) -> None:
        """Give the job back uncounted and take none for a while: it is not to blame, nor would another fare better."""
        self._away += 1
        delay = backoff(self._away, self._first_delay_s, LONGEST_ABSENCE_S)
        self._jobs_from = time.monotonic() + delay
        self._give_back(job, 0.0, error.code)
        log.warning("a server is away", error=_name(error), at=_place(error), again_in_s=delay)

    def _keeper(self, job: Job, stop: threading.Event) -> Keep:
        def keep() -> None:
            if stop.is_set():
                raise Stopping
            if not self._extend(job):
                raise LeaseLost

        return keep

    def _extend(self, job: Job) -> bool:
        with self._records.write() as uow:
            held = uow.outbox.extend(job, at=self._clock(), lease_s=self._lease_s)
            uow.commit()
        return held

    def _give_back(self, job: Job, delay_s: float, why: str) -> None:
        with self._records.write() as uow:
            at = self._clock()
            uow.outbox.retry(job, at=at, delay_s=delay_s, error=why, park=False, counted=False)
            uow.commit()

    def _retry(self, job: Job, error: Exception) -> bool:
        """Put the job off, or park it after too many attempts; return whether it was parked."""
        park = job.attempts >= self._max_attempts
        reason = error.code if isinstance(error, JibuError) else "internal-error"
        delay = backoff(job.attempts, self._first_delay_s)
        with self._records.write() as uow:
            uow.outbox.retry(job, at=self._clock(), delay_s=delay, error=_name(error), park=park)
            if park:
                self._give_up(uow, job, reason)
            uow.commit()
        return park

    # --- signs of life ---

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """Beat and keep the present job's lease from a thread: parsing alone may outlast a lease."""
        ended = threading.Event()
        thread = threading.Thread(target=self._pulse, args=(ended,), name="relay-pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with self._logged("leaving failed"):
                self._publisher.leave()

    def _pulse(self, ended: threading.Event) -> None:
        while True:
            with self._logged("heartbeat failed"):
                self._beat()
                self._publisher.keep()
            if ended.wait(min(PULSE_S, self._lease_s / 3)):
                return

    def _beat(self) -> None:
        job, at = self._job, self._clock()
        with self._records.write() as uow:
            uow.outbox.beat(self._id, at=at)
            if job is not None:
                uow.outbox.extend(job, at=at, lease_s=self._lease_s)
            uow.commit()

    @contextmanager
    def _logged(self, message: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a missed beat is not worth dying for
            self._log.warning(message, error=_name(error))


def _name(error: Exception) -> str:
    """Return what may be logged of an error: never its text, which may quote a document."""
    return error.code if isinstance(error, JibuError) else type(error).__name__


def _place(error: Exception) -> str:
    """Return the file and line where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
