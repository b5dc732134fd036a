"""What comes out of answering a question before the answer, and what it is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jibu.domain.answers import AnswerStatus, Citation, LiveCitation, LiveConsulted
from jibu.domain.live_citing import live_citation
from jibu.domain.passages import FoundPassage
from jibu.domain.personal import PersonalContext
from jibu.usecases.live_reading import Told


@dataclass(frozen=True, slots=True)
class Sources:
    """What was found, told before the answer is written. ``contexts``: all that must still be consented to."""

    citations: tuple[Citation, ...]
    live_citations: tuple[LiveCitation, ...] = ()
    live_sources: tuple[LiveConsulted, ...] = ()
    contexts: tuple[PersonalContext, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text; an empty one says that the work goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer may be made from. ``passages`` are empty where the documents do not hold the answer."""

    nearest: tuple[Citation, ...]
    passages: tuple[FoundPassage, ...]
    told: Told
    verdict: AnswerStatus
    confidence: float

    @property
    def fields(self) -> tuple[FoundPassage, ...]:
        """What services said that bears on the question, best first."""
        return tuple(cited.found for cited in self.told.fields)

    def sources(self, most: int, contexts: tuple[PersonalContext, ...]) -> Sources:
        """Return what is told first: fields, then passages, numbered through, ``most`` at the most."""
        live = tuple(live_citation(n, cited) for n, cited in enumerate(self.told.fields, start=1))
        documents = self.nearest[: max(0, most - len(live))]
        return Sources(
            tuple(replace(one, number=one.number + len(live)) for one in documents),
            live,
            self.told.sources,
            contexts,
        )
