"""What services said, as sources that a generator can cite, and back again as citations of their own kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from jibu.domain.answers import Answer, Citation, Claim, Draft, LiveCitation, LiveConsulted, LiveOutcome
from jibu.domain.live import LiveData, LiveField, LiveRecord
from jibu.domain.passages import FoundPassage, Passage, Sentence

NOT_KEPT = "live-data-not-kept"
"""The reason of a stored answer whose words rested on live data."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A field as a source. ``found.passage.document_id`` is made for one question and names nothing else."""

    found: FoundPassage
    record: LiveRecord
    field: LiveField


def as_source(name: str, record: LiveRecord, field: LiveField, score: float) -> Cited:
    """Return a field as a source: one line, "Label: value", that is one sentence in a document of its own."""
    text = f"{' / '.join(field.label)}: {field.text}"
    passage = Passage(
        passage_id=name,
        document_id=name,
        version=1,
        ordinal=0,
        start=0,
        end=len(text),
        text=text,
        section_path=field.label[:-1],
        language=record.language,
        sentences=(Sentence(0, len(text)),),
    )
    return Cited(FoundPassage(passage, record.source.title, "", round(score, 4)), record, field)


def live_citation(number: int, cited: Cited) -> LiveCitation:
    """Return the citation of a field."""
    source = cited.record.source
    return LiveCitation(
        number=number,
        service_id=source.service_id,
        title=source.title,
        retrieved_at=source.retrieved_at,
        field_path=cited.field.path,
        quote=cited.field.text,
        message_id=source.message_id,
        response_sha256=source.response_sha256,
        score=cited.found.score,
        language=cited.record.language,
    )


def divided(
    draft: Draft, sources: Sequence[Cited]
) -> tuple[tuple[Claim, ...], tuple[Citation, ...], tuple[LiveCitation, ...]]:
    """Return a checked draft's claims and citations, those of fields apart and each field once, in one numbering."""
    known = {cited.found.passage.document_id: cited for cited in sources}
    numbers, fresh = count(1), dict[int, int]()
    first: dict[str, int] = {}
    documents: list[Citation] = []
    live: list[LiveCitation] = []
    for citation in draft.citations:
        name = citation.document_id
        if name in first:
            fresh[citation.number] = first[name]
            continue
        fresh[citation.number] = number = next(numbers)
        if name in known:
            first[name] = number
            live.append(live_citation(number, known[name]))
        else:
            documents.append(replace(citation, number=number))
    return tuple(_renumbered(claim, fresh) for claim in draft.claims), tuple(documents), tuple(live)


def _renumbered(claim: Claim, fresh: Mapping[int, int]) -> Claim:
    return replace(claim, citations=tuple(dict.fromkeys(fresh[number] for number in claim.citations)))


def consulted(services: Sequence[str], data: LiveData) -> tuple[LiveConsulted, ...]:
    """Return what became of each service, in the order in which they were named."""
    found: dict[str, LiveConsulted] = {}
    for record in data.records:
        source = record.source
        outcome = LiveOutcome.OK if record.fields else LiveOutcome.NO_DATA
        found[source.service_id] = LiveConsulted(
            source.service_id, outcome, None, source.retrieved_at, source.message_id
        )
    for failure in data.failures:
        found[failure.service_id] = LiveConsulted(
            failure.service_id, LiveOutcome.FAILED, failure.reason, None, failure.message_id
        )
    missing = (LiveConsulted(name, LiveOutcome.FAILED, "unavailable") for name in services)
    return tuple(found.get(one.service_id, one) for one in missing)


def without_live(answer: Answer, *, spoken: bool) -> Answer:
    """Return what may be kept of an answer: nothing that a service said, nor, where none is cited, whether it knew.

    ``spoken``: live data were given to whoever wrote the text, so the text goes as a whole.
    """
    kept = replace(
        answer,
        live_citations=tuple(replace(one, field_path="", quote="") for one in answer.live_citations),
        live_sources=tuple(_quiet(one) for one in answer.live_sources),
    )
    return replace(kept, text="", claims=(), reason=NOT_KEPT) if spoken else kept


def _quiet(one: LiveConsulted) -> LiveConsulted:
    return one if one.outcome is LiveOutcome.FAILED else replace(one, outcome=LiveOutcome.NOT_KEPT)
