"""How terms, weights, owners and collections are written for Weaviate."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jibu.adapters.index.weaviate.schema import Layout, check_versions, differences
from jibu.adapters.index.weaviate.tokens import (
    OPEN,
    PARTS,
    owner_token,
    part_of,
    question,
    repeats,
    token,
    tokens,
    uuid_of,
)
from jibu.domain.errors import Misconfigured
from jibu.ports import WeightedTerm

WEIGHTS = st.lists(st.sampled_from([1.0, 0.5, 0.4, 0.32, 0.256, 0.2048, 0.25, 0.128, 0.0]), max_size=60)


@given(st.text())
def test_any_term_becomes_one_plain_word(term: str) -> None:
    """Whatever script, space or half character it holds: no tokenizer can split or fold it."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{11}", token(term))


@given(st.text(), st.text())
def test_different_terms_stay_apart(left: str, right: str) -> None:
    """Case, marks and order of marks count."""
    assert (token(left) == token(right)) == (left == right)


def test_a_lone_surrogate_is_a_term_too() -> None:
    """Such text cannot be sent as it is."""
    assert token("\ud800") != token("\ud801")


@given(st.lists(st.text(max_size=3), max_size=20))
def test_the_text_that_is_indexed_keeps_repeats_and_not_the_order(terms: list[str]) -> None:
    """BM25 counts how often; what was written cannot be read from it."""
    assert sorted(map(token, terms)) == tokens(terms).split()


@given(WEIGHTS)
def test_repeats_stand_for_the_weights(weights: list[float]) -> None:
    """Each weight to within half a step of 1/64 of the heaviest; none is lost, none appears from nothing."""
    counts, unit = repeats(weights)
    heaviest = max(weights, default=0.0)
    for weight, count in zip(weights, counts, strict=True):
        assert (count > 0) == (weight > 0)
        assert abs(count * unit - weight) <= heaviest / 64
    assert max(counts, default=0) <= 64


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([1.0, 1.0], [1, 1]),
        ([1.0, 0.5], [2, 1]),
        ([0.5, 2.0], [1, 4]),
        ([1.0, 0.5, 0.25], [4, 2, 1]),
        ([], []),
    ],
)
def test_the_weights_of_common_questions_are_exact(weights: list[float], counts: list[int]) -> None:
    """Words, word beginnings and the turn before: few repeats give them without rounding."""
    given_counts, unit = repeats(weights)
    assert (given_counts, [c * unit for c in given_counts]) == (counts, weights)


def test_a_term_asked_for_twice_weighs_the_sum() -> None:
    """As in the embedded index; negative weights count as nothing."""
    text, unit = question([WeightedTerm("a"), WeightedTerm("a"), WeightedTerm("b"), WeightedTerm("c", -1.0)])
    assert (text.split(), unit) == ([token("a")] * 2 + [token("b")], 1.0)


def test_owners_are_not_readable_and_nobody_is_open_by_name() -> None:
    """An owner key that reads like the word for "no owner" does not become it."""
    assert owner_token(None) == OPEN
    assert OPEN not in {owner_token("open"), owner_token("")}
    assert "kipchoge" not in owner_token("kipchoge")


def test_ids_and_parts_are_the_same_in_every_process() -> None:
    """So that a passage that comes again replaces itself, and every relay knows where it lies."""
    assert (uuid_of("d1.1.0"), part_of("d1.1.0")) == ("8ec9c127-bf35-5f3d-9925-f4f2fe9fdae6", 62)
    assert {part_of(f"d1.1.{n}") for n in range(2000)} == set(range(PARTS))


def test_a_schema_is_like_itself_and_unlike_any_change() -> None:
    """Every part that search depends on is compared."""
    schema = Layout("A", "model", 8).schema
    assert list(differences(schema, schema)) == []
    vector = schema["vectorConfig"]["default"]
    changes = [
        schema | {"invertedIndexConfig": {"bm25": {"k1": 1.5, "b": 0.75}, "stopwords": {"preset": "none"}}},
        schema | {"invertedIndexConfig": {"bm25": {"k1": 1.2, "b": 0.75}, "stopwords": {"preset": "en"}}},
        schema | {"shardingConfig": {"desiredCount": 2}},
        schema | {"properties": [*schema["properties"], {"name": "extra", "dataType": ["text"]}]},
        schema | {"properties": [p | {"tokenization": "word"} for p in schema["properties"]]},
        schema | {"vectorConfig": {"default": vector | {"vectorIndexConfig": {"distance": "dot"}}}},
        schema | {"vectorConfig": {"default": vector | {"vectorizer": {"text2vec-x": {}}}}},
        schema
        | {
            "vectorConfig": {
                "default": vector | {"vectorIndexConfig": {"distance": "cosine", "pq": {"enabled": True}}}
            }
        },
    ]
    assert [bool(list(differences(change, schema))) for change in changes] == [True] * len(changes)


def test_the_note_names_the_embedder() -> None:
    """It is what tells two embedders' indexes apart."""
    layout = Layout("A", "model", 8)
    assert layout.note != replace(layout, embedder="other").note


@pytest.mark.parametrize(
    ("server", "client", "told"),
    [
        ("1.29.9", "4.20.0", "1.29.9 is too old"),
        ("2.1.0", "4.20.0", "newer"),
        ("1.38.11", "4.9.3", "4.9.3 is too old"),
    ],
)
def test_versions_that_are_too_far_apart_are_told(server: str, client: str, told: str) -> None:
    """With what is needed instead."""
    with pytest.raises(Misconfigured, match=told):
        check_versions(server, client)


def test_known_versions_pass() -> None:
    """The oldest, and the one that was tested."""
    check_versions("1.30.0", "4.16.0")
    check_versions("1.38.11", "4.23.1")
