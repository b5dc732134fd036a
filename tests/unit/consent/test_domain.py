"""The rules of consent that need no store."""

from __future__ import annotations

import hashlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.consent.canonical import canonical, digest
from jibu.domain.consent.versions import Version, accepted
from jibu.domain.errors import InvalidInput

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_canonical_is_that_of_the_rfc(value: object) -> None:
    """As a library of RFC 8785 writes it, byte for byte; and the hash is SHA-256."""
    written = canonical(value)  # type: ignore[arg-type]
    assert written.encode() == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert digest(written) == hashlib.sha256(written.encode()).hexdigest()


def test_what_has_no_canonical_text() -> None:
    """Numbers that are none, and halves of characters."""
    for value in (float("nan"), "\ud800", {"x": "\udfff"}):
        with pytest.raises(ValueError):  # noqa: PT011 - what it says is the standard library's
            canonical(value)  # type: ignore[arg-type]


HISTORIES = st.lists(
    st.tuples(st.sampled_from("abc"), st.none() | st.sampled_from("abc"), st.sampled_from("xy")), max_size=7
)


@given(HISTORIES, st.sampled_from("abc"), st.none() | st.sampled_from("abc"), st.sampled_from("xy"))
def test_what_an_agreement_accepts(
    history: list[tuple[str, str | None, str]], name: str, compatible: str | None, terms: str
) -> None:
    """Itself; the same name with the same terms; and every version that is named on the way back."""
    versions = [Version(f"r{n}", *one) for n, one in enumerate(history)]
    newest = Version("new", name, compatible, terms)
    try:
        found = accepted(versions, newest)
    except InvalidInput:
        assert compatible is not None
        return
    assert found[0] == "new"
    assert len(set(found)) == len(found)
    same = {v.revision_id for v in versions if (v.name, v.terms) == (name, terms)}
    named = {v.revision_id for v in versions if v.name == compatible}
    assert same | named <= set(found)
    if compatible is None:
        assert set(found) == same | {"new"}


@given(st.permutations("abcd"))
def test_circles_are_refused(names: list[str]) -> None:
    """However long they are."""
    versions = [Version(f"r{n}", name, names[n - 1] if n else None, "x") for n, name in enumerate(names)]
    newest = Version("new", names[0], names[-1], "x")
    with pytest.raises(InvalidInput):
        accepted(versions, newest)
