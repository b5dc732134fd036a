"""Whatever passages come in, the extractive generator's draft is exact."""

from __future__ import annotations

from array import array
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.adapters.text.icu import IcuSegmenter
from jibu.domain.documents import BlockKind
from jibu.domain.passages import FoundPassage, TextSpan
from jibu.ports import GenerationRequest, WeightedTerm
from jibu.testing.generator_contract import check, passage, run

GENERATOR = ExtractiveGenerator(IcuSegmenter())
HEADERS = (TextSpan(3, 16, "Service | Fee"), TextSpan(40, 55, "Office | Hours "))
WORDS = st.sampled_from(
    "fee licence 40 It However: needs? ada ya leseni رسوم الرخصة ថ្លៃ លិខិត ค่าธรรมเนียม शुल्क 费用 🏛 | . ។ http://x.example".split()  # noqa: SIM905 - readable
)
KINDS = st.sampled_from(
    [BlockKind.PARAGRAPH] * 3 + [BlockKind.LIST_ITEM, BlockKind.TABLE_ROW, BlockKind.CODE, BlockKind.HEADING]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)
PIECES = st.lists(st.tuples(TEXTS, KINDS), min_size=1, max_size=8)


@st.composite
def found_passages(draw: st.DrawFn) -> tuple[FoundPassage, ...]:
    """Return up to six passages of three documents, some of them twice, some with sentence vectors."""
    found = []
    for place in range(draw(st.integers(0, 6))):
        one = passage(
            *draw(PIECES),
            document=draw(st.sampled_from("abc")),
            start=1_000 * (place + 1),
            path=draw(st.sampled_from([(), ("fee",), ("Licences", "ada ya leseni")])),
            language=draw(st.sampled_from(["en", "sw", "ar", "km", "und"])),
            header=draw(st.sampled_from([None, *HEADERS])),
            score=draw(st.floats(-3, 9)),
        )
        if draw(st.booleans()):
            count = len(one.passage.sentences)
            one = replace(one, sentence_vectors=tuple(array("f", [0.6, 0.8]) for _ in range(count)))
        found.extend([one] * draw(st.integers(1, 2)))
    return tuple(found)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    found=found_passages(),
    question=TEXTS,
    most=st.integers(1, 20),
    language=st.sampled_from(["en", "sw", "ar", "km"]),
    weighted=st.booleans(),
)
def test_every_draft_is_exact(
    *, found: tuple[FoundPassage, ...], question: str, most: int, language: str, weighted: bool
) -> None:
    """Quotes at their offsets, claims slices of the answer, numbers in order, and nothing but quotes in it."""
    terms = tuple(WeightedTerm(t) for t in IcuSegmenter().terms(question, language)) if weighted else ()
    request = GenerationRequest(question, language, found, array("f", [1.0, 0.0]), terms, most)
    draft = run(GENERATOR, request)
    check(draft, request)
    assert len(draft.claims) <= 4
    quotes = {citation.number: citation.quote for citation in draft.citations}
    for claim in draft.claims:
        said = [quotes[number] for number in claim.citations]
        assert claim.text in ("\n".join(said), " ".join(said))


@given(found_passages(), TEXTS)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_claim_is_a_bare_heading_or_question(found: tuple[FoundPassage, ...], question: str) -> None:
    """A text whose every sentence is a question gives no answer."""
    asking = tuple(
        passage(*(f"{s.start} ada fee?" for s in one.passage.sentences), document=str(i))
        for i, one in enumerate(found)
        if one.passage.sentences
    )
    draft = run(GENERATOR, GenerationRequest(question, "en", asking, array("f", [1.0, 0.0])))
    assert draft.claims == ()
