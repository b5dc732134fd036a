# ruff: noqa: ARG002 - what stands in for a part is given more than it needs
"""A block whose index has generations: embedded indexes by number, embedders by name, a relay over what is live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingestion import ADMIN, MovingClock

from jibu.adapters.auth.block_key import BlockKey
from jibu.adapters.auth.keyfile import new_pem
from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.index.embedded import EmbeddedIndex, remove_index
from jibu.adapters.text.icu import IcuSegmenter
from jibu.domain.access import AccessFilter
from jibu.domain.documents import Block, BlockKind, Collection, Document, NewDocument, ParsedDocument
from jibu.domain.errors import Misconfigured
from jibu.domain.generations import Generation, GenerationState
from jibu.domain.passages import Vector
from jibu.ports import Embedder, Index, Records, Space
from jibu.relay import Relay
from jibu.testing.faults import FaultyEmbedder
from jibu.testing.memory import HashEmbedder
from jibu.usecases.collections import Collections
from jibu.usecases.documents import Documents
from jibu.usecases.erasing import Erasing
from jibu.usecases.indexing import Indexing
from jibu.usecases.renewal import Renewal
from jibu.usecases.spaces import LiveSpaces

EMBEDDERS = {"small": 64, "large": 96, "twin": 64}
"""Dimensions; a vector of one means nothing to another, also where it has as many."""
START = datetime(2026, 5, 1, tzinfo=UTC)
Hook = Callable[[str], None]


class Engines:
    """See ``jibu.ports.Engines``. ``hook`` is called with the embedder's name before each batch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.hook: Hook = lambda _: None

    def index(self, generation: Generation) -> Index:
        """Open one in the test's folder."""
        return EmbeddedIndex(
            self._folder / f"index-{generation.number}",
            embedder=generation.embedder,
            dimension=generation.dimension,
            wait_s=0.2,
        )

    def setting(self, choice: str) -> str:
        """As the settings have it."""
        return f"JIBU_EMBEDDER={choice}"

    def embedder(self, choice: str, *, dimension: int = 0) -> Embedder:
        """Return one of ``EMBEDDERS``."""
        if choice == "constant":
            return Constant()
        if choice not in EMBEDDERS:
            raise Misconfigured(f"there is no embedder {choice!r}")
        return FaultyEmbedder(HashEmbedder(EMBEDDERS[choice], choice), lambda _: self.hook(choice))

    def remove(self, generation: Generation) -> None:
        """Remove its folder."""
        remove_index(self._folder / f"index-{generation.number}")


class Constant(HashEmbedder):
    """A model that is none: every text gets the same vector."""

    def __init__(self) -> None:
        super().__init__(64, "constant")

    def embed_query(self, text: str) -> Vector:
        """Whatever the text."""
        return super().embed_query("same")


class LineParser:
    """Reads text in this process, one paragraph for each line."""

    def parse(self, content: bytes, *, filename: str | None, media_type: str | None) -> ParsedDocument:
        """Return the lines as paragraphs."""
        text = content.decode()
        blocks, start = [], 0
        for line in text.split("\n"):
            blocks.append(Block(BlockKind.PARAGRAPH, start, start + len(line)))
            start += len(line) + 1
        return ParsedDocument(text, tuple(blocks), media_type="text/plain", language="en")


class English:
    """Says English."""

    def detect(self, text: str, *, default: str = "und") -> str:
        """Whatever the text."""
        return "en"


class Library:
    """Records, generations and what works on them. ``choice`` is the embedder that the settings would name."""

    def __init__(self, folder: Path, records: Records, choice: str = "small") -> None:
        self.records = records
        self.clock = MovingClock()
        self.engines = Engines(folder)
        self.segmenter = IcuSegmenter()
        self.broker = LocalBroker(folder / "events.db")
        self._signer = BlockKey(new_pem(), "test")
        self.spaces = self.open_spaces(0.0)
        self.spaces.settle(choice)
        Collections(records=records, clock=self.clock).put(
            ADMIN, Collection("travel", "Travel", read=("public",))
        )
        self.documents = Documents(
            records=records, erasing=self.erasing(self.spaces), clock=self.clock, max_upload_bytes=100_000
        )
        self._opened = [self.spaces]

    def open_spaces(self, look_every_s: float) -> LiveSpaces:
        """Return what one more process would have."""
        return LiveSpaces(
            records=self.records, engines=self.engines, clock=self.clock, look_every_s=look_every_s,
            monotonic=lambda: self.clock().timestamp(),
        )  # fmt: skip

    def renewal(self) -> Renewal:
        """Return what one more command would have."""
        return Renewal(records=self.records, engines=self.engines, segmenter=self.segmenter, clock=self.clock)

    def erasing(self, spaces: LiveSpaces) -> Erasing:
        """Return what erases in every generation."""
        return Erasing(
            records=self.records, index=spaces.everywhere(), signer=self._signer, clock=self.clock, patience_s=0.2
        )  # fmt: skip

    def relay(self, spaces: LiveSpaces | None = None) -> Relay:
        """Return one more relay."""
        spaces = spaces or self.spaces
        indexing = Indexing(
            records=self.records, spaces=spaces, parser=LineParser(), segmenter=self.segmenter,
            detector=English(), clock=self.clock,
        )  # fmt: skip
        return Relay(
            records=self.records, broker=self.broker, indexing=indexing, erasing=self.erasing(spaces), clock=self.clock,
            poll_s=0.01, first_delay_s=0.01, keep_answers=timedelta(days=30),
        )  # fmt: skip

    def receive(self, name: str, edition: int) -> Document:
        """Receive a document that says which edition it is."""
        said = f"{name} edition {edition} says that form {edition * 7} costs {edition} shillings at office {name}."
        new = NewDocument(
            "travel", said.encode(), filename=f"{name}.txt", external_id=name, media_type="text/plain"
        )
        return self.documents.receive(ADMIN, new)[0]

    def load(self, *names: str) -> list[Document]:
        """Receive first editions and index them."""
        documents = [self.receive(name, 1) for name in names]
        self.relay().run_until_idle()
        return documents

    def lost(self, space: Space | None = None) -> list[str]:
        """Return live documents that a search over this pair, by default what is live, does not find by their text.

        And found passages that are not live. Asked as a reader does: epoch, index, hydrate.
        """
        space = space or self.spaces.live()
        with self.records.read() as uow:
            epoch = uow.documents.epoch()
            live = {(name, v): uow.documents.passages(name, v) for name, v in uow.documents.live()}
        wrong = []
        for (name, version), passages in live.items():
            hits = space.index.dense(
                space.embedder.embed_passages([passages[0].text])[0], AccessFilter(frozenset({"travel"})), 500
            )
            with self.records.read() as uow:
                found = uow.documents.hydrate([hit.passage_id for hit in hits], epoch=epoch)
            mine = {f.passage.version for f in found if f.passage.document_id == name}
            near = [h.score for h in hits if h.passage_id == passages[0].passage_id]
            if mine != {version} or near[0] < 0.8:
                wrong.append(f"{name} {version}: found {mine}, {near}")
        return wrong

    def states(self) -> list[tuple[int, str, GenerationState]]:
        """Return number, embedder and state of each generation."""
        with self.records.read() as uow:
            return [(one.number, one.choice, one.state) for one in uow.generations.all()]

    def close(self) -> None:
        """Release everything."""
        self.spaces.close()
        self.broker.close()
