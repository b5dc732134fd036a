"""The extractive generator: answers in the documents' own sentences, and in nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from jibu.domain.answers import Citation, Draft
from jibu.domain.choice import choose
from jibu.domain.citing import cite, lay_out, sentence_span
from jibu.domain.cues import asked_for, asking_words, numbers
from jibu.domain.excerpts import Excerpt, Quote, excerpts
from jibu.domain.passages import FoundPassage, TextSpan, Vector
from jibu.domain.selection import Line, Need, Reading, Terms, score
from jibu.ports import GenerationRequest, Segmenter

GAP = "\n\n"


class ExtractiveGenerator:
    """Selects and orders the sentences that answer. Holds no state, so any number of threads may share it."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    @property
    def name(self) -> str:
        """What ``model.generator`` in an answer says."""
        return "extractive"

    def generate(self, request: GenerationRequest) -> Iterator[str | Draft]:
        """Yield the answer claim by claim and last the draft; an empty draft where no sentence can stand.

        What services said comes first, each field a claim of its own.
        """
        found = tuple(f for f in request.passages if f.passage.sentences)
        fields = request.fields[: request.max_citations]
        room = request.max_citations - len(fields)
        claims = [
            *_whole(fields),
            *(
                _after(e, len(fields))
                for e in (self._excerpts(request, found, room) if found and room else ())
            ),
        ]
        numbered: dict[tuple[str, int, int, int], Citation] = {}
        parts: list[tuple[str, tuple[int, ...], float]] = []
        for excerpt in claims:
            cited = _numbers(excerpt, (*fields, *found), numbered)
            parts.append((excerpt.text, cited, round(excerpt.support, 4)))
            yield excerpt.text if len(parts) == 1 else GAP + excerpt.text
        text, laid_out = lay_out(parts, GAP)
        yield Draft(text, laid_out, tuple(numbered.values()))

    def _excerpts(
        self, request: GenerationRequest, found: tuple[FoundPassage, ...], room: int
    ) -> list[Excerpt]:
        terms = {weighted.term: weighted.weight for weighted in request.terms if weighted.weight > 0}
        if not terms:
            terms = dict.fromkeys(self._segmenter.terms(request.question, request.language), 1.0)
        asking = self._terms("\n".join(asking_words(request.question)), request.language)
        need = Need(terms, asking, asked_for(request.question), numbers(request.question))
        readings = [self._read(one, request) for one in found]
        chosen = choose(score(readings, need), readings, need)
        return excerpts(chosen, found, readings, room)

    def _read(self, found: FoundPassage, request: GenerationRequest) -> Reading:
        passage = found.passage
        names = (found.title, *passage.section_path)
        near = _cosines(request.question_vector, found.sentence_vectors)
        headers = {
            span: self._header(span, passage.language) for span in {s.header for s in passage.sentences}
        }
        lines = []
        for i, sentence in enumerate(passage.sentences):
            text = sentence_span(found, sentence).text
            terms = self._terms(text, passage.language)
            closeness = near[i] if len(near) == len(passage.sentences) else None
            table, header = headers[sentence.header]
            lines.append(
                Line(i, sentence.start, sentence.end, text, sentence.kind, terms, closeness, table, header)
            )
        return Reading(
            lines=tuple(lines),
            heading=self._terms("\n".join(names), passage.language),
            source=(passage.document_id, passage.version),
            titles=frozenset(name.casefold() for name in names),
            foreign="und" not in (passage.language, request.language)
            and passage.language.split("-")[0] != request.language.split("-")[0],
        )

    def _header(self, span: TextSpan | None, language: str) -> tuple[int | None, Terms]:
        """Return where a table's header starts, and its terms."""
        return (None, frozenset()) if span is None else (span.start, self._terms(span.text, language))

    def _terms(self, text: str, language: str) -> Terms:
        return frozenset(self._segmenter.terms(text, language))


def _whole(fields: tuple[FoundPassage, ...]) -> list[Excerpt]:
    """Return each field as a claim."""
    spans = [TextSpan(f.passage.start, f.passage.end, f.passage.text) for f in fields]
    return [
        Excerpt((Quote(rank, span),), support=fields[rank].score, terms=frozenset())
        for rank, span in enumerate(spans)
    ]


def _after(excerpt: Excerpt, fields: int) -> Excerpt:
    """Return an excerpt of the documents where so many fields stand before them."""
    return replace(
        excerpt, quotes=tuple(replace(quote, rank=quote.rank + fields) for quote in excerpt.quotes)
    )


def _cosines(question: Vector, sentences: tuple[Vector, ...]) -> list[float]:
    """Return the cosine of each sentence to the question; none where vectors are missing or of another size."""
    if not sentences or any(len(vector) != len(question) for vector in sentences):
        return []
    matrix = np.stack([np.frombuffer(vector, dtype=np.float32) for vector in sentences])
    return [float(value) for value in matrix @ np.frombuffer(question, dtype=np.float32)]


def _numbers(
    excerpt: Excerpt, found: tuple[FoundPassage, ...], numbered: dict[tuple[str, int, int, int], Citation]
) -> tuple[int, ...]:
    """Return the numbers of an excerpt's citations, in order of first use over the whole answer."""
    cited = []
    for quote in excerpt.quotes:
        source = found[quote.rank]
        key = (source.passage.document_id, source.passage.version, quote.span.start, quote.span.end)
        if key not in numbered:
            numbered[key] = cite(len(numbered) + 1, source, quote.span, quote.page)
        cited.append(numbered[key].number)
    return tuple(dict.fromkeys(cited))
