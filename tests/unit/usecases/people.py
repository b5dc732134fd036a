"""Everything that reads, over one block with consent records: for tests of what is shown to whom."""

from __future__ import annotations

from dataclasses import replace

from ingestion import Ingestion

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.adapters.parse.formats import parse
from jibu.adapters.parse.limits import Limits
from jibu.adapters.parse.wire import Request
from jibu.domain.access import Caller
from jibu.domain.answers import Answer, Question
from jibu.domain.consent.values import Agreement, ConsentRecord, Individual, RecordState
from jibu.domain.decision import Thresholds
from jibu.domain.documents import ParsedDocument
from jibu.domain.personal import ConsentDecision, PersonalContext
from jibu.locales import Catalogue
from jibu.ports import Generator, Records
from jibu.testing.records_consent import AGREEMENT
from jibu.testing.records_samples import NOW
from jibu.usecases.answer import Answering, Answers
from jibu.usecases.bearing import Judge
from jibu.usecases.consent_gate import ConsentGate
from jibu.usecases.conversations import Conversations, FeedbackUse
from jibu.usecases.documents import Documents
from jibu.usecases.live import CLOSED_LIVE, Live
from jibu.usecases.live_reading import LiveReading
from jibu.usecases.search import Search, SearchRequest

CLIENT = "KE/GOV/A/portal"
SERVICE = Caller("KE/GOV/B/backend", frozenset({"rag.query", "consent.service"}))
ALWAYS = Thresholds(0.0, 0.0)


def person(name: str, *scopes: str) -> Caller:
    """Return an individual who calls through the portal."""
    return Caller(CLIENT, frozenset({"rag.query", *scopes}), subject=name)


class InProcess:
    """The parser without its sandbox: these tests read their own few lines, many times."""

    def parse(self, content: bytes, *, filename: str | None, media_type: str | None) -> ParsedDocument:
        """Parse in this process."""
        return parse(Request(content, filename, media_type), Limits())


class People:
    """The use cases, the gate, and how individuals consent. ``records`` may be a store that fails."""

    def __init__(
        self,
        block: Ingestion,
        *,
        records: Records | None = None,
        generator: Generator | None = None,
        live: Live = CLOSED_LIVE,
        thresholds: Thresholds = ALWAYS,
    ) -> None:
        self.block = block
        store = records or block.records
        self.gate = ConsentGate(records=store, clock=block.clock)
        self.search = Search(
            records=block.records,
            index=block.index,
            embedder=block.embedder,
            segmenter=block.segmenter,
            detector=block.detector,
            consent=self.gate,
        )
        self.answering = Answering(
            records=block.records,
            search=self.search,
            generator=generator or ExtractiveGenerator(segmenter=block.segmenter),
            phrases=Catalogue().message,
            clock=block.clock,
            embedder_name=block.embedder.name,
            index_kind="embedded",
            thresholds=thresholds,
            consent=self.gate,
            live=LiveReading(
                live=live,
                judge=Judge(embedder=block.embedder, segmenter=block.segmenter, detector=block.detector),
            ),
        )
        self.conversations = Conversations(records=block.records, clock=block.clock, consent=self.gate)
        self.feedback = FeedbackUse(records=block.records, clock=block.clock, consent=self.gate)
        self.answers = Answers(records=block.records, consent=self.gate)
        self.documents = Documents(
            records=block.records,
            erasing=block.erasing(),
            clock=block.clock,
            max_upload_bytes=100_000,
            consent=self.gate,
        )

    def agreement(self, agreement_id: str, **changes: object) -> None:
        """Make or change an agreement."""
        made: Agreement = replace(AGREEMENT, agreement_id=agreement_id, **changes)  # type: ignore[arg-type]
        with self.block.records.write() as uow:
            uow.agreements.put_agreement(made, accepts=(f"{agreement_id}.v1",), at=NOW)
            uow.commit()

    def consent(
        self,
        individual: str,
        agreement: str,
        *,
        opt_in: bool = True,
        state: RecordState = RecordState.UNSIGNED,
    ) -> None:
        """Record what an individual says now."""
        record = ConsentRecord(
            agreement,
            f"{agreement}.v1",
            "f" * 64,
            individual,
            opt_in,
            NOW,
            state,
            record_id=f"{individual}.{agreement}",
        )
        with self.block.records.write() as uow:
            uow.consent.put_individual(Individual(individual, individual, "id", "idp", ()), at=NOW)
            uow.consent.put_record(record, at=NOW)
            uow.commit()

    def ask(
        self,
        caller: Caller,
        text: str,
        context: PersonalContext | None = None,
        conversation_id: str | None = None,
    ) -> Answer:
        """Return an answer."""
        question = Question(text, conversation_id=conversation_id, context=context)
        return self.answering.answer(caller, question)

    def found(self, caller: Caller, text: str, context: PersonalContext | None = None) -> list[str]:
        """Return the texts that a search finds."""
        request = SearchRequest(text, limit=50, judge=False, context=context)
        return [found.passage.text for found in self.search.search(caller, request).passages]

    def decisions(self) -> list[ConsentDecision]:
        """Return the log, newest first."""
        with self.block.records.read() as uow:
            return list(uow.decisions.page(offset=0, limit=1000).items)
