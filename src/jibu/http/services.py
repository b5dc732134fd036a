"""What the HTTP layer is given: the use cases, ready to call."""

# ruff: noqa: D102 - each property is the use case that it is named after

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from jibu.ports import Backlog, Signer, TokenVerifier
from jibu.settings import Settings
from jibu.usecases.answer import Answering, Answers
from jibu.usecases.collections import Collections
from jibu.usecases.consent.services import ConsentServices
from jibu.usecases.consent_gate import Decisions, Gate
from jibu.usecases.conversations import Conversations, FeedbackUse
from jibu.usecases.documents import Documents
from jibu.usecases.event_log import Events
from jibu.usecases.health import Health
from jibu.usecases.mediation import Mediation
from jibu.usecases.parking import Parking
from jibu.usecases.pubsub import PubSub
from jibu.usecases.receipts import Receipts
from jibu.usecases.search import Search
from jibu.usecases.system_card import SystemCardUse


class Services(Protocol):
    """Everything that a request may need. ``wiring.Services`` is one; ``backlog`` feeds the metrics.

    Handlers ask for ``search``, ``answering`` and ``system_card`` anew in each call: the index they use may be swapped.
    """

    @property
    def settings(self) -> Settings: ...
    @property
    def collections(self) -> Collections: ...
    @property
    def documents(self) -> Documents: ...
    @property
    def search(self) -> Search: ...
    @property
    def answering(self) -> Answering: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def feedback(self) -> FeedbackUse: ...
    @property
    def system_card(self) -> SystemCardUse: ...
    @property
    def mediation(self) -> Mediation: ...
    @property
    def events(self) -> Events: ...
    @property
    def parking(self) -> Parking: ...
    @property
    def pubsub(self) -> PubSub: ...
    @property
    def consent(self) -> ConsentServices: ...
    @property
    def health(self) -> Health: ...
    @property
    def verifier(self) -> TokenVerifier: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def receipts(self) -> Receipts: ...
    @property
    def consent_gate(self) -> Gate: ...
    @property
    def decisions(self) -> Decisions: ...
    @property
    def backlog(self) -> Callable[[], Backlog]: ...
