"""Opens the adapters that a process holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jibu.ports import (
    Broker,
    Clock,
    Embedder,
    Index,
    LanguageDetector,
    Pusher,
    Records,
    Segmenter,
    Signer,
    Spaces,
)
from jibu.settings import Settings, database_address
from jibu.usecases.spaces import LiveSpaces
from jibu.wiring.brokers import open_broker
from jibu.wiring.engines import SettledEngines, embedder_choice
from jibu.wiring.safety import refuse_unsafe
from jibu.wiring.signing import signer_of

if TYPE_CHECKING:
    from jibu.adapters.store.migrating import Migrations


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters that a process holds open."""

    settings: Settings
    records: Records
    spaces: Spaces
    segmenter: Segmenter
    detector: LanguageDetector
    broker: Broker
    clock: Clock
    signer: Signer
    pusher: Pusher

    @property
    def index(self) -> Index:
        """The live index at this moment: what is kept longer takes both from one ``spaces.live()``."""
        return self.spaces.live().index

    @property
    def embedder(self) -> Embedder:
        """The live embedder at this moment."""
        return self.spaces.live().embedder


@contextmanager
def parts(settings: Settings, *, follow: bool = False) -> Iterator[Parts]:
    """Open the adapters; close them on leaving.

    ``follow``: work with the live index also when the settings choose another embedder.
    Raises: IndexMismatch (otherwise), Misconfigured, Unavailable.
    """
    from jibu.adapters.outbound.push import HttpPusher
    from jibu.adapters.text.icu import IcuSegmenter
    from jibu.adapters.text.language import LangidDetector

    refuse_unsafe(settings)
    with ExitStack() as stack:
        records = open_records(settings)
        stack.callback(records.close)
        spaces = LiveSpaces(records=records, engines=SettledEngines(settings), clock=now)
        stack.callback(spaces.close)
        spaces.settle(embedder_choice(settings), follow=follow)
        broker = stack.enter_context(open_broker(settings))
        signer = signer_of(settings)
        pusher = HttpPusher(
            allow_private=settings.outbound_allow_private,
            timeout_s=settings.outbound_timeout_s,
            ca_file=settings.outbound_ca_file,
        )
        stack.callback(pusher.close)
        yield Parts(settings, records, spaces, IcuSegmenter(), LangidDetector(), broker, now, signer, pusher)


def open_records(settings: Settings) -> Records:
    """Open the record store. Raises: Misconfigured, Unavailable."""
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


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
