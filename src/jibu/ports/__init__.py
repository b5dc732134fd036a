"""The ports: what the use cases need from the outside, as protocols with few methods.

Every docstring says what a method raises. Adapters inherit nothing from here; each port's contract
suite in ``jibu.testing`` is what an adapter has to pass.
"""

from __future__ import annotations

from jibu.ports.consent import (
    AgreementRecords,
    AuditRecords,
    ConsentRecords,
    RevisionRecords,
    WebhookRecords,
)
from jibu.ports.documents import CollectionRecords, DocumentRecords, Page
from jibu.ports.generations import Engines, GenerationRecords, Space, Spaces
from jibu.ports.incoming import Inbox, IncomingRecords
from jibu.ports.index import Index, IndexInfo, Removable
from jibu.ports.models import Embedder, Entailment, GenerationRequest, Generator, WeightedTerm
from jibu.ports.outbox import Backlog, Hold, Outbox
from jibu.ports.outside import (
    Broker,
    Clock,
    EventLog,
    LogSlice,
    Refusal,
    SignatureChecker,
    Signer,
    TokenVerifier,
)
from jibu.ports.parked import ParkedRecords
from jibu.ports.personal import DecisionRecords, ReceiptRecords
from jibu.ports.pubsub import PubSubRecords, Pusher
from jibu.ports.records import ConversationRecords, Records, UnitOfWork
from jibu.ports.text import LanguageDetector, Parser, Segmenter

__all__ = [
    "AgreementRecords",
    "AuditRecords",
    "Backlog",
    "Broker",
    "Clock",
    "CollectionRecords",
    "ConsentRecords",
    "ConversationRecords",
    "DecisionRecords",
    "DocumentRecords",
    "Embedder",
    "Engines",
    "Entailment",
    "EventLog",
    "GenerationRecords",
    "GenerationRequest",
    "Generator",
    "Hold",
    "Inbox",
    "IncomingRecords",
    "Index",
    "IndexInfo",
    "LanguageDetector",
    "LogSlice",
    "Outbox",
    "Page",
    "ParkedRecords",
    "Parser",
    "PubSubRecords",
    "Pusher",
    "ReceiptRecords",
    "Records",
    "Refusal",
    "Removable",
    "RevisionRecords",
    "Segmenter",
    "SignatureChecker",
    "Signer",
    "Space",
    "Spaces",
    "TokenVerifier",
    "UnitOfWork",
    "WebhookRecords",
    "WeightedTerm",
]
