"""Opens the adapters that a process holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jibu.ports import Broker, Clock, Embedder, Index, LanguageDetector, Records, Segmenter, Signer
from jibu.settings import Settings, database_address
from jibu.wiring.indexes import open_index
from jibu.wiring.models import make_embedder
from jibu.wiring.safety import refuse_unsafe
from jibu.wiring.signing import signer_of

if TYPE_CHECKING:
    from jibu.adapters.store.migrating import Migrations


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
    signer: Signer


@contextmanager
def parts(settings: Settings) -> Iterator[Parts]:
    """Open the adapters; close them on leaving. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.broker.local import LocalBroker
    from jibu.adapters.text.icu import IcuSegmenter
    from jibu.adapters.text.language import LangidDetector

    refuse_unsafe(settings)
    with ExitStack() as stack:
        records = _records(settings)
        stack.callback(records.close)
        embedder = make_embedder(settings)
        index = open_index(settings, embedder=embedder.name, dimension=embedder.dimension)
        stack.callback(index.close)
        broker = LocalBroker(settings.data_dir / "events.db")
        stack.callback(broker.close)
        signer = signer_of(settings)
        yield Parts(
            settings, records, index, embedder, IcuSegmenter(), LangidDetector(), broker, _now, signer
        )


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


def _now() -> datetime:
    return datetime.now(UTC)
