"""What makes a citation exact, and how claims are laid out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.answers import Citation, Draft
from jibu.domain.citing import cite, is_exact, lay_out, sentence_span, snippet_span, verified
from jibu.domain.documents import BlockKind
from jibu.domain.passages import TextSpan
from jibu.testing.generator_contract import passage

FOUND = passage("The office opens at nine.", "It closes at five. 🏛", "ក្រសួងបើកនៅម៉ោងប្រាំបី។", start=100)


def first_citation() -> Citation:
    """Return an exact citation of the first sentence."""
    return cite(1, FOUND, sentence_span(FOUND, FOUND.passage.sentences[0]))


def test_a_sentence_is_cut_out_of_its_passage() -> None:
    """Offsets count code points of the document, not of the passage."""
    spans = [sentence_span(FOUND, sentence) for sentence in FOUND.passage.sentences]
    assert [span.text for span in spans] == [
        "The office opens at nine.",
        "It closes at five. 🏛",
        "ក្រសួងបើកនៅម៉ោងប្រាំបី។",
    ]
    assert spans[0].start == 100


def test_an_exact_citation_holds_and_a_shifted_one_does_not() -> None:
    """One character off is not exact."""
    exact = first_citation()
    assert is_exact(exact, [FOUND])
    assert not is_exact(replace(exact, start=exact.start + 1), [FOUND])
    assert not is_exact(replace(exact, quote="The office opens at ten."), [FOUND])


def test_an_empty_quote_is_not_a_citation() -> None:
    """Nothing proves nothing."""
    assert not is_exact(replace(first_citation(), quote="", end=100), [FOUND])


def test_another_version_of_the_document_is_another_source() -> None:
    """A quote of an old version is not exact for the new one."""
    assert not is_exact(replace(first_citation(), version=2), [FOUND])


def test_a_table_header_outside_the_passage_may_be_cited() -> None:
    """The header row stands above the rows, perhaps in an earlier passage."""
    header = TextSpan(10, 23, "Service | Fee")
    found = passage(("Passport | 60", BlockKind.TABLE_ROW), start=400, header=header)
    assert is_exact(cite(1, found, header), [found])
    assert not is_exact(cite(1, found, TextSpan(11, 23, "ervice | Fee")), [found])


def test_claims_that_do_not_hold_lose_their_standing() -> None:
    """They go with their words and citations; what is left is laid out anew."""
    good = first_citation()
    bad = replace(good, number=2, start=good.start + 3)
    text, claims = lay_out([("Invented.", (2,), 0.5), (good.quote, (1,), 0.5), ("No source.", (), 0.5)])
    checked = verified(Draft(text, claims, (good, bad)), [FOUND])
    kept, laid_out = lay_out([(good.quote, (1,), 0.5)])
    assert (kept, laid_out, (good,)) == (checked.text, checked.claims, checked.citations)


def test_a_claim_that_is_no_slice_of_the_text_is_dropped() -> None:
    """Claim offsets are offsets into the answer."""
    good = first_citation()
    text, (claim,) = lay_out([(good.quote, (1,), 0.5)])
    moved = replace(claim, start=claim.start + 1)
    assert verified(Draft(text, (moved,), (good,)), [FOUND]).claims == ()


def test_a_snippet_ends_with_a_sentence() -> None:
    """The head of a passage in whole sentences; never nothing."""
    assert snippet_span(FOUND, limit=30).text == "The office opens at nine."
    assert snippet_span(FOUND, limit=10).text == "The office"


@given(st.lists(st.tuples(st.text(min_size=1), st.lists(st.integers(1, 9)).map(tuple), st.floats(0, 1))))
def test_laid_out_claims_are_slices(parts: list[tuple[str, tuple[int, ...], float]]) -> None:
    """Whatever the words, each claim is where it says."""
    text, claims = lay_out(parts)
    assert [words for words, _, _ in parts] == [text[claim.start : claim.end] for claim in claims]
    assert text == "\n\n".join(claim.text for claim in claims)
