"""Fill a data folder with many passages without embedding them, for measuring the service.

    python -m benchmarks.service.fill --data /path/to/folder -n 100000

Documents of 100 passages; words by Zipf's law, the most frequent ones those of the sample library, so that real
questions meet frequent terms; vectors in clusters, as in benchmarks.index. Parsing and embedding are left out: they
are the same work for each document and would take hours.
"""

from __future__ import annotations

import argparse
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from benchmarks.index.data import VOCABULARY, Data, make
from jibu.domain.documents import Block, BlockKind, Collection, NewDocument, ParsedDocument
from jibu.domain.passages import IndexedPassage, Passage, Sentence, passage_id
from jibu.sample import library
from jibu.settings import load
from jibu.wiring.parts import Parts, parts

PER_DOCUMENT = 100
PER_SENTENCE = 20
COLLECTION = "bench"
T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of ``size`` items (itertools has it from Python 3.12 on)."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def vocabulary() -> list[str]:
    """Return words by rank: the sample library's text files first, then made-up ones."""
    texts = [d.read().decode() for d in library().documents if d.media_type.startswith("text/")]
    known = [word for word, _ in Counter(w for text in texts for w in text.lower().split()).most_common()]
    return [*known, *(f"word{i}" for i in range(VOCABULARY))][:VOCABULARY]


def document(p: Parts, number: int, rows: list[int], data: Data, names: list[str]) -> None:
    """Write one document of many passages into records and index."""
    name, text, passages = f"bench{number:06d}", "", []
    for ordinal, row in enumerate(rows):
        words = [names[w] for w in data.words[row]]
        sentences, start = [], len(text) + 2 * bool(text)
        at = start
        for part in batched(words, PER_SENTENCE):
            end = at + len(" ".join(part)) + 1
            sentences.append(Sentence(at, end))
            at = end + 1
        body = ". ".join(" ".join(part) for part in batched(words, PER_SENTENCE)) + "."
        text = f"{text}\n\n{body}" if text else body
        passages.append(
            Passage(
                passage_id(name, 1, ordinal),
                name,
                1,
                ordinal,
                start,
                start + len(body),
                body,
                (f"Section {ordinal}",),
                None,
                "en",
                tuple(sentences),
            )
        )
    now = datetime.now(UTC)
    parsed = ParsedDocument(text, (Block(BlockKind.PARAGRAPH, 0, len(text)),))
    with p.records.write() as uow:
        uow.documents.receive(
            name,
            NewDocument(COLLECTION, b"-", title=f"Document {number}"),
            title=f"Document {number}",
            media_type="text/plain",
            fingerprint=name,
            at=now,
        )
        uow.documents.save_parsed(name, 1, parsed, passages, title=f"Document {number}")
        uow.documents.activate(name, 1, at=now, languages=("en",))
        uow.commit()
    p.index.add(
        [
            IndexedPassage(
                one.passage_id,
                name,
                1,
                COLLECTION,
                "en",
                tuple(p.segmenter.terms(one.text, "en")),
                array("f", data.vectors[row].tobytes()),
            )
            for one, row in zip(passages, rows, strict=True)
        ]
    )


def main() -> None:
    """Parse options and fill."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-n", type=int, default=100_000)
    args = parser.parse_args()
    data = make(args.n)
    names = vocabulary()
    data = Data(**{**vars(data), "vectors": data.vectors.astype(np.float32)})
    with parts(load(data_dir=args.data)) as p:
        now = datetime.now(UTC)
        with p.records.write() as uow:
            uow.collections.put(Collection(COLLECTION, "Benchmark", created_at=now, updated_at=now))
            uow.commit()
        groups = list(batched(range(args.n), PER_DOCUMENT))
        for number, rows in enumerate(tqdm(groups, unit="document")):
            document(p, number, list(rows), data, names)


if __name__ == "__main__":
    main()
