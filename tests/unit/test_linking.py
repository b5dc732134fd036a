"""Which targets are kept, and which document a target means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.fusion import BACKGROUND_COSINE, LINK_DOCUMENTS, LINK_PASSAGES
from jibu.domain.linking import (
    MAX_NAME,
    MAX_NAMESAKES,
    MAX_TARGET,
    MAX_TARGETS,
    Place,
    best_linked,
    leading,
    link_floor,
    link_targets,
    names_asked,
    names_of,
    resolve,
)

BASE = "https://gov.example/permits/2026/"


def place(name: str, *, url: str | None = None, filename: str | None = None, where: str = "c") -> Place:
    """Return a document that is called by its external id."""
    return Place(name, where, url, name, filename)


def linked(target: str, source: Place, *others: Place) -> list[str]:
    """Resolve one raw target among documents as a store does."""
    known: dict[str, list[Place]] = {}
    for each in (source, *others):
        for name in names_of(each):
            known.setdefault(name, []).append(each)
    return resolve(names_asked(link_targets([target]), source), source, known, 9)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("fees.md#top", "fees.md"),
        ("../a%20form.md?page=2#x", "../a form.md"),
        (" https://gov.example/%E0%B8%81 ", "https://gov.example/ก"),
        ("//gov.example/fees", "//gov.example/fees"),
        ("", None),
        ("#here", None),
        ("?page=2", None),
        ("mailto:a@gov.example", None),
        ("javascript:alert(1)", None),
        ("tel:+254700", None),
        ("https:fees", None),
        ("logo.PNG", None),
        ("a%00b", None),
        ("a\ud800b", None),
        ("x" * (MAX_TARGET + 1), None),
    ],
)
def test_only_possible_documents_are_kept(raw: str, kept: str | None) -> None:
    """Decoded, without query and fragment."""
    assert link_targets([raw]) == (() if kept is None else (kept,))


def test_targets_are_kept_once_and_bounded() -> None:
    """In the order of the text."""
    many = [f"p{n}.md" for n in range(MAX_TARGETS + 5)]
    assert link_targets(["b#1", "a", "b#2"]) == ("b", "a")
    assert link_targets(many) == tuple(many[:MAX_TARGETS])


@pytest.mark.parametrize(
    "target",
    [
        "fees.md",
        "./fees.md",
        "fees.html",
        "FEES",
        "../permits/fees.md",
        "x/../fees.md",
        "/permits/fees.md",
        "permits/fees.md",
        "https://other.example/old/permits/fees",
        "https://other.example/old/fees.md",
    ],
)
def test_paths_are_followed_from_the_external_id(target: str) -> None:
    """Relative, from the root, or by the end of another site's path; file types and letter case do not count."""
    source, fees = place("permits/travel.md"), place("permits/fees.md")
    assert linked(target, source, fees, place("other.md")) == ["permits/fees.md"]


@pytest.mark.parametrize(
    "target",
    [
        "fees",
        "fees/",
        "../2026/fees.html#a",
        "/permits/2026/fees",
        BASE + "fees",
        "http://WWW.gov.example/permits/2026/fees/",
    ],
)
def test_addresses_are_followed_from_the_documents_own(target: str) -> None:
    """Also where the external ids say nothing."""
    source = place("17", url=BASE + "travel.html?lang=sw")
    fees = place("18", url=BASE + "fees/index.html")
    assert linked(target, source, fees, place("19", url=BASE)) == ["18"]


def test_encoded_names_are_the_names() -> None:
    """Percent signs and Unicode forms, on either side."""
    source = place("guides/start.md")
    assert linked("ada%20za%20pasipoti.md", source, place("guides/ada za pasipoti.md"))
    assert linked("pie%CC%80ces.md", source, place("guides/pi\u00e8ces.md"))
    assert linked(BASE + "a b", source, place("1", url=BASE + "a%20b"))


def test_of_two_with_one_file_name_the_nearer_is_meant() -> None:
    """An exact path first; then the same collection; then the most folders shared."""
    source = place("guides/travel/passport.md")
    near, far = place("guides/fees.md"), place("archive/fees.md")
    here = place("guides/travel/fees.md", where="z")
    assert linked("fees.md", source, far, near) == ["guides/fees.md"]
    assert linked("../../archive/fees.md", source, far, near) == ["archive/fees.md"]
    assert linked("fees.md", source, far, near, here) == ["guides/travel/fees.md"]
    other = place("guides/travel/x/fees.md", where="z")
    assert linked("fees.md", source, other, far) == ["archive/fees.md"]


def test_uploaded_files_are_linked_by_their_file_name() -> None:
    """The one of the type that the target names."""
    source = Place("s", "c", filename="travel.md")
    text, form = Place("t", "c", filename="fees.md"), Place("f", "c", filename="Fees.pdf")
    assert linked("fees.pdf", source, text, form) == ["f"]
    assert linked("https://gov.example/files/fees.pdf", source, text, form) == ["f"]
    assert linked("fees", source, text, form) == []


def test_a_target_may_name_a_folder() -> None:
    """It means the page in it named as the source is; else its first page."""
    source = place("consent/5-security.md")
    same = place("5", url="https://code.example/v1/architecture/5-security.md")
    first = place("0", url="https://code.example/v1/architecture/README.md")
    target = "https://book.example/v2/architecture"
    assert linked(target, source, first, same) == ["5"]
    assert linked(target, source, first) == ["0"]
    assert linked("https://book.example/v2/docs", source, place("docs/5-security.md")) == []


@pytest.mark.parametrize(
    "target", ["readme.md", "https://wiki.example/fees", "https://gov.example/", "..", "/"]
)
def test_what_says_too_little_is_no_link(target: str) -> None:
    """A common file name elsewhere, a last word, a bare host, the root."""
    source = place("permits/travel.md", url="https://code.example/permits/travel.md")
    many = [place(f"{n}/fees.md") for n in range(MAX_NAMESAKES + 1)]
    assert linked("fees.md", source, *many) == []
    assert linked(target, source, place("other/readme.md"), place("permits/fees.md"), place("x")) == []


def test_a_document_never_links_to_itself() -> None:
    """Not to a namesake instead of itself either."""
    source = place("permits/travel.md")
    assert linked("travel.md", source, place("tax/travel.md")) == []


@given(st.lists(st.text(max_size=40)), st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
def test_any_text_is_survived(targets: list[str], url: str, external_id: str, filename: str) -> None:
    """Targets and names of any shape; names stay short and can be stored."""
    source = Place("s", "c", url, external_id, filename)
    kept = link_targets(targets)
    known = {name: [Place("d", "c")] for name in names_of(source)}
    assert resolve(names_asked(kept, source), source, known, 9) in ([], ["d"])
    assert all(1 < len(name) <= MAX_NAME and "\0" not in name for name in known)


def test_links_are_followed_when_one_document_leads() -> None:
    """By its two best passages."""
    assert leading(["a", "a", "b"]) == "a"
    assert leading(["a", "b", "a"]) is None
    assert leading(["a"]) is leading([]) is None


def test_the_best_linked_passages_are_chosen() -> None:
    """A few of the best two documents, best first, none below the floor."""
    cosines = {f"{d}{n}": 0.9 - 0.01 * n - 0.001 * "abc".index(d) for d in "abc" for n in range(5)}
    documents = {p: p[0] for p in cosines}
    chosen = best_linked(cosines, documents, 0.8)
    assert chosen == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert len(chosen) == LINK_DOCUMENTS * LINK_PASSAGES
    assert best_linked(cosines, documents, 0.8995) == ["a0"]
    assert best_linked(cosines, documents, 0.95) == []


def test_the_floor_is_chance() -> None:
    """A constant, or less where an embedder's cosines are lower."""
    assert link_floor([0.9, 0.95]) == link_floor([]) == BACKGROUND_COSINE
    assert link_floor([0.1, 0.5]) == pytest.approx(0.1)
