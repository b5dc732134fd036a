"""What every record store has to do. A subclass gives the fixtures ``records`` and ``open_records``.

``open_records`` opens the same store once more; it must be a callable that other processes can import.
"""

from __future__ import annotations

from jibu.testing.records_answers import AnswerCases
from jibu.testing.records_consent import ConsentCases
from jibu.testing.records_documents import CollectionCases, DocumentCases
from jibu.testing.records_generations import GenerationCases
from jibu.testing.records_governing import GoverningCases
from jibu.testing.records_links import LinkCases
from jibu.testing.records_mediation import MediationCases
from jibu.testing.records_outbox import OutboxCases
from jibu.testing.records_parked import ParkedCases
from jibu.testing.records_personal import PersonalCases
from jibu.testing.records_pubsub import PubSubCases
from jibu.testing.records_pushing import PushingCases
from jibu.testing.records_transactions import TransactionCases
from jibu.testing.records_versions import VersionCases


class RecordsContract(
    CollectionCases,
    DocumentCases,
    VersionCases,
    LinkCases,
    AnswerCases,
    MediationCases,
    OutboxCases,
    PubSubCases,
    PushingCases,
    ParkedCases,
    GenerationCases,
    TransactionCases,
    ConsentCases,
    GoverningCases,
    PersonalCases,
):
    """Tests that each adapter of ``Records`` runs."""
