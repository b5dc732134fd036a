"""What every generator has to do, whatever model stands behind it.

A subclass gives the fixture ``generator``.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jibu.domain.answers import Draft
from jibu.domain.citing import verified
from jibu.domain.documents import BlockKind
from jibu.domain.passages import FoundPassage, Passage, Sentence, TextSpan
from jibu.ports import GenerationRequest, Generator, WeightedTerm

Piece = str | tuple[str, BlockKind]


def passage(
    *pieces: Piece,
    document: str = "d1",
    start: int = 0,
    path: tuple[str, ...] = (),
    language: str = "en",
    header: TextSpan | None = None,
    title: str = "A document",
    score: float = 1.0,
) -> FoundPassage:
    """Return a found passage of these sentences, one a line. ``header`` belongs to its table rows."""
    sentences: list[Sentence] = []
    text = ""
    for piece in pieces:
        words, kind = (piece, BlockKind.PARAGRAPH) if isinstance(piece, str) else piece
        text += "\n" if text else ""
        at = start + len(text)
        text += words
        of = header if kind is BlockKind.TABLE_ROW else None
        if kind not in (BlockKind.HEADING, BlockKind.TABLE_HEADER):
            sentences.append(Sentence(at, at + len(words), kind, of))
    whole = Passage(
        passage_id=f"{document}.1.{start}",
        document_id=document,
        version=1,
        ordinal=start,
        start=start,
        end=start + len(text),
        text=text,
        section_path=path,
        language=language,
        sentences=tuple(sentences),
    )
    return FoundPassage(whole, title, "c1", score)


def ask(
    question: str,
    passages: Sequence[FoundPassage],
    terms: Sequence[str] = (),
    language: str = "en",
    max_citations: int = 5,
) -> GenerationRequest:
    """Return a request whose terms all weigh the same."""
    return GenerationRequest(
        question=question,
        language=language,
        passages=tuple(passages),
        question_vector=array("f", [1.0, 0.0]),
        terms=tuple(WeightedTerm(term) for term in terms),
        max_citations=max_citations,
    )


def run(generator: Generator, request: GenerationRequest) -> Draft:
    """Return the draft, after checking that all before it are texts which joined make the draft's text."""
    *pieces, draft = generator.generate(request)
    assert isinstance(draft, Draft)
    assert all(isinstance(piece, str) for piece in pieces)
    assert "".join(str(piece) for piece in pieces) == draft.text
    return draft


def check(draft: Draft, request: GenerationRequest) -> None:
    """Check what holds for every draft: slices, exact quotes, numbers in order of first use, bounds."""
    assert verified(draft, request.sources) == draft
    used = [number for claim in draft.claims for number in claim.citations]
    assert list(dict.fromkeys(used)) == list(range(1, len(draft.citations) + 1))
    assert [citation.number for citation in draft.citations] == sorted(set(used))
    assert len(draft.citations) <= request.max_citations
    assert all(0 <= claim.support <= 1 for claim in draft.claims)
    ends = [0, *(claim.end for claim in draft.claims)]
    assert all(before <= claim.start for before, claim in zip(ends, draft.claims, strict=False))


class GeneratorContract:
    """Tests that each adapter of ``Generator`` runs."""

    @pytest.fixture
    def sources(self) -> list[FoundPassage]:
        """Passages of two documents, the first of which answers."""
        fee = passage(
            "A driving licence is issued by the Transport Office.",
            "The fee for a driving licence is 40 crowns.",
            "It is paid at the counter.",
            document="licences",
        )
        other = passage("The library opens at nine.", "Books are lent for three weeks.", document="library")
        return [fee, replace(other, score=0.2)]

    def test_a_generator_has_a_name(self, generator: Generator) -> None:
        """An answer says what wrote it."""
        assert generator.name

    def test_the_answer_comes_in_pieces_with_the_draft_last(
        self, generator: Generator, sources: list[FoundPassage]
    ) -> None:
        """The pieces joined are the text; the claims are slices of it; the quotes are exact."""
        request = ask("What is the fee for a driving licence?", sources, ("fee", "driving", "licence"))
        draft = run(generator, request)
        check(draft, request)
        assert "40" in draft.text
        assert draft.claims

    def test_no_more_citations_than_asked_for(
        self, generator: Generator, sources: list[FoundPassage]
    ) -> None:
        """One citation at most still gives an answer."""
        request = ask("What is the fee for a driving licence?", sources, ("fee", "licence"), max_citations=1)
        draft = run(generator, request)
        check(draft, request)
        assert len(draft.citations) == 1

    def test_what_services_said_is_cited_field_by_field(
        self, generator: Generator, sources: list[FoundPassage]
    ) -> None:
        """Beside documents what is cited is exact; alone the field answers. No citation covers two fields."""
        field = passage("Fee for a driving licence: 31 crowns", document="field", title="Register")
        other = passage("Driving licence number: 7", document="other", title="Register")
        asked = ask("What is the fee for a driving licence?", sources, ("fee", "driving", "licence"))
        for request in (replace(asked, fields=(field, other)), replace(asked, fields=(field,), passages=())):
            draft = run(generator, request)
            check(draft, request)
            assert draft.claims
        assert "31" in draft.text
        assert [citation.document_id for citation in draft.citations] == ["field"]

    def test_no_passages_give_an_empty_draft(self, generator: Generator) -> None:
        """There is nothing to say without sources."""
        assert Draft("", (), ()) == run(generator, ask("What is the fee?", [], ("fee",)))

    def test_closing_early_cancels(self, generator: Generator, sources: list[FoundPassage]) -> None:
        """A client that leaves ends the work without an error."""
        pieces = iter(generator.generate(ask("What is the fee?", sources, ("fee",))))
        next(pieces)
        close = getattr(pieces, "close", None)
        assert close is not None
        close()
        assert list(pieces) == []

    def test_a_generator_may_be_used_again(self, generator: Generator, sources: list[FoundPassage]) -> None:
        """No question leaves anything behind for the next one."""
        request = ask("What is the fee for a driving licence?", sources, ("fee",))
        first = run(generator, request)
        run(generator, ask("When does the library open?", sources, ("library", "open")))
        assert first.text == run(generator, request).text
