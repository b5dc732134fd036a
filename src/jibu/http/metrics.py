"""Prometheus metrics, right across several server processes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from jibu.domain.answers import Answer, AnswerStatus
from jibu.domain.errors import TemporaryError
from jibu.domain.exchanges import Exchange
from jibu.ports import Backlog

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LANGUAGE = re.compile(r"([a-z]{2})(-.*)?")


disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """What the service counts. Labels come from closed sets only, so that no caller can grow them."""

    def __init__(self, *, backlog: Callable[[], Backlog] | None = None) -> None:
        self._registry = registry = CollectorRegistry()
        self._backlog = backlog
        self._requests = Counter(
            "jibu_http_requests", "HTTP requests.", ["method", "route", "status"], registry=registry
        )
        self._latency = Histogram(
            "jibu_http_request_seconds",
            "Time to the last byte.",
            ["method", "route"],
            registry=registry,
            buckets=SECONDS,
        )
        self._answers = Counter("jibu_answers", "Answers given.", ["status", "language"], registry=registry)
        self._refusals = Counter(
            "jibu_refusals", "Questions not answered, by reason.", ["reason"], registry=registry
        )
        self._fallbacks = Counter(
            "jibu_generator_fallbacks",
            "Answers that another generator wrote than the configured one, by what the model did.",
            ["reason"],
            registry=registry,
        )
        self._stages = Histogram(
            "jibu_stage_seconds", "Time of each step.", ["stage"], registry=registry, buckets=SECONDS
        )
        self._waiting = Gauge(
            "jibu_queue_length",
            "Requests that wait for their turn.",
            ["queue"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._exchanges = Counter(
            "jibu_exchanges", "Exchanges through the mediator.", ["service", "outcome"], registry=registry
        )
        self._exchange_clients = Counter(
            "jibu_exchanges_by_client",
            "Exchanges through the mediator, by who asked.",
            ["client", "outcome"],
            registry=registry,
        )
        self._exchange_latency = Histogram(
            "jibu_exchange_seconds", "Time of an exchange.", ["service"], registry=registry, buckets=SECONDS
        )
        self._services, self._clients = _Known(), _Known()
        self._rejected = Counter(
            "jibu_queue_rejections", "Requests turned away.", ["queue", "reason"], registry=registry
        )

    def request(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. ``route`` is a template, never a path."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(method, route).observe(seconds)

    def answer(self, answer: Answer) -> None:
        """Count one answer and its steps."""
        self._answers.labels(answer.status.value, _language(answer.language)).inc()
        if answer.status in {AnswerStatus.NOT_FOUND, AnswerStatus.REFUSED}:
            self._refusals.labels(answer.reason or "unknown").inc()
        if answer.model.fallback is not None:
            self._fallbacks.labels(answer.model.fallback).inc()
        self.stage("retrieval", answer.timings.retrieval_ms / 1000)
        self.stage("generation", answer.timings.generation_ms / 1000)

    def stage(self, stage: str, seconds: float) -> None:
        """Record the time of one step: embedding, retrieval or generation."""
        self._stages.labels(stage).observe(seconds)

    def exchange(self, *, service: str, client: str, outcome: str, seconds: float) -> None:
        """Count one exchange. Only so many services and clients have a label of their own."""
        name = self._services.label(service)
        self._exchanges.labels(name, outcome).inc()
        self._exchange_clients.labels(self._clients.label(client), outcome).inc()
        self._exchange_latency.labels(name).observe(seconds)

    def made(self, exchange: Exchange) -> None:
        """Count an exchange that this block made itself."""
        self.exchange(
            service=f"{exchange.provider}/{exchange.service}",
            client=exchange.consumer,
            outcome=exchange.outcome,
            seconds=exchange.duration_ms / 1000,
        )

    def waiting(self, queue: str, count: int) -> None:
        """Record how many wait."""
        self._waiting.labels(queue).set(count)

    def rejected(self, queue: str, reason: str) -> None:
        """Count a request that was turned away: full or timeout."""
        self._rejected.labels(queue, reason).inc()

    def render(self) -> bytes:
        """Return the figures of all server processes. Blocks: it reads files and the outbox."""
        registry = self._registry
        if is_multiprocess():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = generate_latest(registry)
        return text + self._render_backlog()

    def _render_backlog(self) -> bytes:
        if self._backlog is None:
            return b""
        try:
            found = self._backlog()
        except TemporaryError:
            return b""
        registry = CollectorRegistry()
        registry.register(_BacklogCollector(found))
        return generate_latest(registry)


class _Known:
    """Names that have a label of their own: the first that came; all others share one."""

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._names: set[str] = set()

    def label(self, name: str) -> str:
        """Return the name, or ``other``."""
        if name not in self._names:
            if len(self._names) >= self._most:
                return "other"
            self._names.add(name)
        return name


class _BacklogCollector:
    """What waits in the outbox at the moment of asking."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        """Return the gauges."""
        found = self._backlog
        yield GaugeMetricFamily("jibu_relay_jobs", "Jobs that wait for the relay.", value=found.jobs)
        yield GaugeMetricFamily(
            "jibu_relay_parked", "Jobs given up until somebody looks.", value=found.parked
        )
        yield GaugeMetricFamily("jibu_relay_events", "Events not yet published.", value=found.events)
        yield GaugeMetricFamily(
            "jibu_relay_oldest_event_seconds", "Age of the oldest of them.", value=found.oldest_event_age_s
        )
        yield GaugeMetricFamily(
            "jibu_relay_events_held",
            "Events that the broker refused and that hold up a key.",
            value=found.held,
        )
        yield GaugeMetricFamily(
            "jibu_relay_events_parked", "Those given up until somebody looks.", value=found.parked_events
        )
        yield GaugeMetricFamily(
            "jibu_incoming_lag", "Messages of other blocks that wait in Kafka.", value=found.incoming
        )
        yield GaugeMetricFamily(
            "jibu_incoming_dead_letters", "Messages of other blocks put aside.", value=found.dead_letters
        )
        yield GaugeMetricFamily(
            "jibu_relay_oldest_job_seconds", "Age of the oldest job.", value=found.oldest_job_age_s
        )


def is_multiprocess() -> bool:
    """Tell whether figures are shared between processes through files."""
    return values.ValueClass is not values.MutexValue


def forget_process() -> None:
    """Take this process out of the live gauges when it ends."""
    if is_multiprocess():
        multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


def _language(tag: str) -> str:
    match = _LANGUAGE.fullmatch(tag)
    return match.group(1) if match else "other"
