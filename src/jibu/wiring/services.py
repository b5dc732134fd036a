"""Builds the use cases of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jibu.locales import Catalogue
from jibu.ports import Backlog, Signer, TokenVerifier
from jibu.relay import Relay
from jibu.sample import library
from jibu.settings import Settings
from jibu.usecases.answer import Answering, Answers
from jibu.usecases.collections import Collections
from jibu.usecases.consent.services import ConsentServices
from jibu.usecases.consent_gate import ConsentGate, Decisions, Gate
from jibu.usecases.conversations import Conversations, FeedbackUse
from jibu.usecases.documents import Documents
from jibu.usecases.erasing import Erasing
from jibu.usecases.event_log import Events
from jibu.usecases.health import Health
from jibu.usecases.mediation import Mediation
from jibu.usecases.parking import Parking
from jibu.usecases.pubsub import PubSub
from jibu.usecases.receipts import Receipts
from jibu.usecases.search import Search
from jibu.usecases.system_card import SystemCardUse
from jibu.wiring.brokers import event_log
from jibu.wiring.consent import consent_of
from jibu.wiring.erasing import erasing_of
from jibu.wiring.health import backlog_of, diagnosis_of, health_of
from jibu.wiring.live import make_live
from jibu.wiring.mediation import make_mediation
from jibu.wiring.models import Writer
from jibu.wiring.parts import Parts, parts
from jibu.wiring.pubsub import make_pubsub
from jibu.wiring.reading import Reading, live_reading
from jibu.wiring.relay import make_relay
from jibu.wiring.tokens import keys_of, local_issuer, page_minter
from jibu.wiring.xroad import check_inbound

WARM_UP = "Where is the office?"


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the API, the page and the command line call."""

    settings: Settings
    collections: Collections
    documents: Documents
    reading: Callable[[], Reading]
    answers: Answers
    conversations: Conversations
    feedback: FeedbackUse
    mediation: Mediation
    events: Events
    parking: Parking
    pubsub: PubSub
    health: Health
    verifier: TokenVerifier
    signer: Signer
    erasing: Erasing
    receipts: Receipts
    consent: ConsentServices
    consent_gate: Gate
    decisions: Decisions
    catalogue: Catalogue
    relay: Relay
    backlog: Callable[[], Backlog]
    mint_token: Callable[[], str] | None
    examples: tuple[tuple[str, str], ...]
    warm_up: Callable[[], None]
    diagnosis: Health

    @property
    def search(self) -> Search:
        """Search in the live index."""
        return self.reading().search

    @property
    def answering(self) -> Answering:
        """Answers from the live index."""
        return self.reading().answering

    @property
    def system_card(self) -> SystemCardUse:
        """The card of what is live."""
        return self.reading().system_card


@contextmanager
def build(settings: Settings, *, follow: bool = False) -> Iterator[Services]:
    """Build the services of one process. ``follow``: see ``parts``. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.auth.jwt import JwtVerifier
    from jibu.adapters.auth.local import ISSUER

    with parts(settings, follow=follow) as p:
        issuer = None if settings.auth_issuer else local_issuer(settings)
        keys = keys_of(settings, issuer)
        catalogue = Catalogue()
        erasing = erasing_of(p)
        writer = Writer(settings)
        gate = ConsentGate(records=p.records, clock=p.clock)
        mediation = make_mediation(settings, p.records, p.clock)
        yield Services(
            settings=settings,
            collections=Collections(records=p.records, clock=p.clock),
            documents=Documents(
                records=p.records,
                erasing=erasing,
                consent=gate,
                clock=p.clock,
                max_upload_bytes=settings.max_upload_bytes,
            ),
            reading=live_reading(
                p, writer, catalogue, make_live(settings, p.records, p.clock, mediation.made)
            ),
            answers=Answers(records=p.records, consent=gate),
            conversations=Conversations(records=p.records, clock=p.clock, consent=gate),
            feedback=FeedbackUse(records=p.records, clock=p.clock, consent=gate),
            mediation=mediation,
            events=Events(log=event_log(p.broker), source=settings.event_source),
            parking=Parking(records=p.records, clock=p.clock),
            pubsub=make_pubsub(p.records, p.clock),
            health=health_of(p, writer, external_issuer=issuer is None),
            verifier=JwtVerifier(
                keys,
                issuer=settings.auth_issuer or ISSUER,
                audience=settings.auth_audience,
                leeway_s=settings.auth_leeway_s,
            ),
            signer=p.signer,
            erasing=erasing,
            receipts=Receipts(records=p.records),
            consent=consent_of(p),
            consent_gate=gate,
            decisions=Decisions(records=p.records),
            catalogue=catalogue,
            relay=make_relay(p),
            backlog=lambda: backlog_of(p),
            mint_token=page_minter(issuer),
            examples=_examples(p),
            warm_up=lambda: _warm_up(p),
            diagnosis=diagnosis_of(p, keys),
        )


def prepare(settings: Settings) -> None:
    """Open everything once before workers start, so that a mistake is told once and at once."""
    check_inbound(settings)
    with build(settings) as services:
        services.health.ready()


def _warm_up(p: Parts) -> None:
    """Load what is loaded on first use. Raises: Unavailable."""
    p.embedder.embed_query(WARM_UP)
    p.segmenter.terms(WARM_UP, p.detector.detect(WARM_UP))


def _examples(p: Parts) -> tuple[tuple[str, str], ...]:
    """Return (question, language) pairs for the page, where the sample library is loaded."""
    sample = library()
    with p.records.read() as uow:
        loaded = any(c.collection_id == sample.collection_id for c in uow.collections.all())
    return tuple((q.text, q.language) for q in sample.demo_questions) if loaded else ()
