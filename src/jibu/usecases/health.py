"""Whether the service can work: every part asked at once, each within a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jibu.domain.errors import JibuError

Check = Callable[[], None]
"""Returns where the part works. Raises: any error where it does not."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one part said. ``detail`` is None where all is well; ``seconds`` is how long it took."""

    name: str
    ok: bool
    detail: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The whole picture. ``embedded`` names parts that are not meant for production; ``warnings`` says so."""

    ready: bool
    checks: tuple[CheckResult, ...]
    embedded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Run:
    """One call of one check, in a thread that nobody has to wait for."""

    started: float
    done: threading.Event = field(default_factory=threading.Event)
    result: CheckResult | None = None


class Health:
    """Asks every part. A part that hangs is asked again only after it came back.

    Parts named in ``advisory`` are shown and warned of, but questions can be answered without them.
    """

    def __init__(
        self,
        checks: tuple[tuple[str, Check], ...],
        *,
        embedded: tuple[str, ...] = (),
        advisory: frozenset[str] = frozenset(),
        timeout_s: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._embedded = embedded
        self._advisory = advisory
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._hanging: dict[str, _Run] = {}

    @property
    def advisory(self) -> frozenset[str]:
        """Names of the parts that questions can be answered without."""
        return self._advisory

    def ready(self) -> HealthReport:
        """Return what every part says, after at most ``timeout_s`` in all. Raises nothing."""
        runs = [(name, self._begin(name, check)) for name, check in self._checks]
        deadline = self._monotonic() + self._timeout_s
        results = tuple(self._collect(name, run, deadline) for name, run in runs)
        ready = all(result.ok or result.name in self._advisory for result in results)
        return HealthReport(ready, results, self._embedded, self._warnings(results))

    def _warnings(self, results: tuple[CheckResult, ...]) -> tuple[str, ...]:
        embedded = [f"{part}, one machine only" for part in self._embedded]
        ailing = [f"{r.name}: {r.detail}" for r in results if not r.ok and r.name in self._advisory]
        return (*ailing, *embedded)

    def _begin(self, name: str, check: Check) -> _Run:
        with self._lock:
            running = self._hanging.get(name)
            if running is not None and not running.done.is_set():
                return running
            run = _Run(self._monotonic())
            self._hanging[name] = run
        threading.Thread(
            target=self._call, args=(name, check, run), name=f"health-{name}", daemon=True
        ).start()
        return run

    def _call(self, name: str, check: Check, run: _Run) -> None:
        detail: str | None = None
        try:
            check()
        except JibuError as error:
            detail = str(error) or error.code
        except Exception as error:  # noqa: BLE001 - a check may fail in any way; only its kind is told
            detail = f"failed ({type(error).__name__})"
        run.result = CheckResult(name, detail is None, detail, round(self._monotonic() - run.started, 4))
        run.done.set()

    def _collect(self, name: str, run: _Run, deadline: float) -> CheckResult:
        run.done.wait(max(0.0, deadline - self._monotonic()))
        if run.result is not None:
            return run.result
        waited = round(self._monotonic() - run.started, 4)
        return CheckResult(name, ok=False, detail=f"no answer within {self._timeout_s:g} s", seconds=waited)
