"""One thin method per operation of the contract, bound to its use case; no import strings."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.http.call import Handler
from jibu.http.gate import Gate
from jibu.http.handlers.collections import CollectionHandlers
from jibu.http.handlers.consent import consent_table
from jibu.http.handlers.conversations import ConversationHandlers
from jibu.http.handlers.decisions import DecisionHandler
from jibu.http.handlers.documents import DocumentHandlers
from jibu.http.handlers.events import events_table
from jibu.http.handlers.mediation import mediation_table
from jibu.http.handlers.parked import parked_table
from jibu.http.handlers.pubsub import pubsub_table
from jibu.http.handlers.questions import QuestionHandlers
from jibu.http.handlers.receipts import ReceiptHandler
from jibu.http.handlers.system import SystemCardHandler
from jibu.http.metrics import Metrics
from jibu.http.services import Services


@dataclass(frozen=True, slots=True)
class Gates:
    """``questions`` admits what asks a model, ``records`` everything else."""

    questions: Gate
    records: Gate


def table(services: Services, gates: Gates, metrics: Metrics) -> dict[str, Handler]:
    """Return the handler of every operation id."""
    questions = QuestionHandlers(services, gates.questions, metrics)
    collections = CollectionHandlers(services.collections, gates.records)
    documents = DocumentHandlers(services.documents, gates.records)
    conversations = ConversationHandlers(services, gates.records)
    return {
        "askQuestion": questions.ask,
        "searchPassages": questions.search,
        "listCollections": collections.page,
        "putCollection": collections.put,
        "getCollection": collections.get,
        "deleteCollection": collections.delete,
        "addDocument": documents.add,
        "listDocuments": documents.page,
        "getDocument": documents.get,
        "eraseDocument": documents.erase,
        "getDocumentText": documents.text,
        "listPassages": documents.passages,
        "createConversation": conversations.create,
        "listConversations": conversations.page,
        "getConversation": conversations.get,
        "deleteConversation": conversations.delete,
        "getAnswer": conversations.answer,
        "giveFeedback": conversations.feedback,
        "listConsentDecisions": DecisionHandler(services.decisions, gates.records).page,
        "getReceipt": ReceiptHandler(services.receipts, gates.records).get,
        "getSystemCard": SystemCardHandler(services, gates.records).get,
        **mediation_table(services.mediation, gates.records),
        **events_table(services.events, gates.records),
        **parked_table(services.parking, gates.records),
        **pubsub_table(services.pubsub, gates.records),
        **consent_table(services.consent, gates.records),
    }
