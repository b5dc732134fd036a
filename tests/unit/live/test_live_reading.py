"""Reading what a service answered: how it is rendered, and that no bytes whatever do anything else."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.live_reading import (
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_TEXT,
    MAX_VALUES,
    Unreadable,
    parse,
    read_fields,
    rendered,
)
from jibu.domain.shapes import Shape, humanised, one_line

NAMES = st.text("abAB~/%_01 é", min_size=1, max_size=6) | st.text(min_size=1, max_size=8)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)
SHAPES = st.recursive(
    st.builds(Shape, st.none() | st.sampled_from(["Born", "At home", "ß: x"])),
    lambda inner: st.builds(
        Shape,
        st.none() | st.just("A label"),
        st.lists(st.tuples(st.sampled_from(["a", "b", "A", "~", "/"]), inner), max_size=3).map(tuple),
        st.none() | inner,
    ),
    max_leaves=8,
)


def at(pointer: str, value: Any, shape: Shape) -> tuple[Any, Shape]:
    """Resolve a JSON Pointer as RFC 6901 says."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            assert name.isdigit()
            assert str(int(name)) == name
            value, shape = value[int(name)], shape.item()
        else:
            value, shape = value[name], shape.member(name)
    return value, shape


def said(value: Any, shape: Shape) -> str:
    """Render as ``docs/reference/live-data.md`` says, written a second time."""
    if isinstance(value, dict):
        lines = [(shape.member(k).label or humanised(k), inner(v, shape.member(k))) for k, v in value.items()]
        return "; ".join(f"{label}: {text}" for label, text in lines if text)
    if isinstance(value, list):
        return ", ".join(text for text in (inner(one, shape.item()) for one in value) if text)
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else one_line(value)


def inner(value: Any, shape: Shape) -> str:
    """Render a part of something larger."""
    text = said(value, shape)
    parts = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    nested = any(isinstance(one, dict | list) for one in parts) or isinstance(value, dict)
    return f"({text})" if nested and text else text


@given(VALUES, SHAPES)
def test_every_path_leads_to_what_is_rendered(value: Any, shape: Shape) -> None:
    """For all that can be read: the pointer resolves, the text is that value's, on one bounded line."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    try:
        fields = read_fields(body, shape)
    except Unreadable:
        return
    literal = json.loads(body, parse_int=str, parse_float=str)
    for field in fields:
        found, known = at(field.path, literal, shape)
        assert field.text == said(found, known) == rendered(found, known)
        assert 1 <= len(field.text) <= MAX_TEXT
        assert field.label
        assert all(1 <= len(label) <= 100 for label in field.label)
        for line in (field.text, *field.label):
            assert line == one_line(line)
            assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in line)
    assert len({field.path for field in fields}) == len(fields) <= MAX_FIELDS


@given(VALUES)
def test_every_plain_value_is_in_exactly_one_field(value: Any) -> None:
    """Nothing is left out but what is empty."""

    def leaves(one: Any, path: str = "") -> list[str]:
        if isinstance(one, dict):
            tokens = ((k.replace("~", "~0").replace("/", "~1"), v) for k, v in one.items())
            return [leaf for k, v in tokens for leaf in leaves(v, f"{path}/{k}")]
        if isinstance(one, list):
            return [leaf for n, v in enumerate(one) for leaf in leaves(v, f"{path}/{n}")]
        return [path] if one is not None and one_line(str(one)) else []

    try:
        fields = read_fields(json.dumps(value).encode())
    except Unreadable:
        return
    for leaf in leaves(value):
        holders = [f for f in fields if leaf == f.path or leaf.startswith(f.path + "/")]
        assert len(holders) == 1


BYTES = st.binary(max_size=60)
JSONISH = st.text('[]{}",:0123456789.eE+-truefalsn\\u \n', max_size=60).map(str.encode)


@given(BYTES | JSONISH)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Never another error; and what is refused is not told again."""
    told = ""
    try:
        fields = read_fields(body)
    except Unreadable as error:
        fields, told = (), str(error)
    else:
        json.loads(body)
    assert told.isascii()
    assert all(field.text for field in fields)


@given(st.integers(1, 40), st.sampled_from(["[", '{"a":']))
def test_depth_is_bounded_exactly(depth: int, opening: str) -> None:
    """Eight levels of lists and objects, and no more."""
    body = (opening * depth + "1" + {"[": "]"}.get(opening, "}") * depth).encode()
    if depth <= MAX_DEPTH:
        assert len(read_fields(body)) == 1
    else:
        with pytest.raises(Unreadable):
            read_fields(body)


@pytest.mark.parametrize(("count", "read"), [(MAX_FIELDS, True), (MAX_FIELDS + 1, False)])
def test_fields_are_bounded_exactly(count: int, read: bool) -> None:  # noqa: FBT001
    """Empty ones do not count."""
    body = json.dumps({"e": None} | {f"k{n}": n for n in range(count)}).encode()
    if read:
        assert len(read_fields(body)) == MAX_FIELDS
        return
    with pytest.raises(Unreadable):
        read_fields(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "' + b"x" * (MAX_TEXT + 1) + b'"}',
        b'{"a": [' + b'"xxxxxxxxx",' * 50 + b'"x"]}',
        b"[" + b"null," * MAX_VALUES + b"null]",
        b'{"' + b"n" * 101 + b'": 1}',
        b"[" + b",".join([b'["' + b"x" * MAX_TEXT + b'"]'] * (MAX_FIELDS + 1)) + b"]",
        b'"' + b" " * (MAX_TEXT + 1) + b'"',
        b"[" + b",".join([b"{}"] * (MAX_VALUES + 1)) + b"]",
        b'{"a": 1' + b"0" * 500 + b"}",
    ],
)
def test_what_is_too_long_is_refused_whole(body: bytes) -> None:
    """A value that was cut could say the opposite."""
    with pytest.raises(Unreadable):
        read_fields(body)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            '{"paid": true, "left": false, "no": null, "empty": "", "none": [], "nothing": {}}',
            [("/paid", "true"), ("/left", "false")],
        ),
        (
            '{"fee": 12.50, "big": 12345678901234567890, "e": 1E+2, "m": -0}',
            [("/fee", "12.50"), ("/big", "12345678901234567890"), ("/e", "1E+2"), ("/m", "-0")],
        ),
        ('{"born": "1990-01-02T00:00:00Z"}', [("/born", "1990-01-02T00:00:00Z")]),
        ('{"tags": ["a", null, 2, ""]}', [("/tags", "a, 2")]),
        (
            '{"kids": [{"firstName": "Zoë", "age": 3}, {}, {"firstName": "Ali"}]}',
            [("/kids/0", "first name: Zoë; age: 3"), ("/kids/2", "first name: Ali")],
        ),
        (
            '{"kids": [{"home": {"town": "K"}, "marks": [1, 2], "seen": [{"on": "x"}, {"on": "y"}]}]}',
            [("/kids/0", "home: (town: K); marks: 1, 2; seen: ((on: x), (on: y))")],
        ),
        ('{"a/b": {"c~d": 1}}', [("/a~1b/c~0d", "1")]),
        ('["x", "y"]', [("", "x, y")]),
        ('"x"', [("", "x")]),
        (
            '{"a": "one\\ntwo\\u2028three\\u0000\\u202efour  \\u200bfive"}',
            [("/a", "one two three four five")],
        ),
        (
            '{"a": "\\u0646\\u0645\\u06cc\\u200c\\u062e\\u0648"}',
            [("/a", "\u0646\u0645\u06cc\u200c\u062e\u0648")],
        ),
        ('{"a": "<b>x</b> [1] **y**"}', [("/a", "<b>x</b> [1] **y**")]),
        ("null", []),
        (" {} ", []),
    ],
)
def test_how_values_are_rendered(body: str, fields: list[tuple[str, str]]) -> None:
    """The rule, by example."""
    assert [(field.path, field.text) for field in read_fields(body.encode())] == fields


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("dateOfBirth", "date of birth"),
        ("date_of_birth", "date of birth"),
        ("birth-place", "birth place"),
        ("NIN", "NIN"),
        ("taxIDNumber", "tax ID number"),
        ("address2Line", "address2 line"),
        ("تاريخ", "تاريخ"),
        ("_", "_"),
        ("x" * 100, "x" * 80),
    ],
)
def test_names_are_written_as_people_write_them(key: str, name: str) -> None:
    """Where the description says nothing."""
    assert humanised(key) == name


def test_as_many_values_as_may_be_are_read() -> None:
    """1951 of them in 150 fields: no bound counts anything twice."""
    body = json.dumps({f"k{n}": [7] * 12 for n in range(150)}).encode()
    assert len(read_fields(body)) == 150


def test_numbers_are_kept_as_they_were_written() -> None:
    """Nothing is rounded on the way."""
    assert parse(b"[0.10, 1e-400, 100]") == ["0.10", "1e-400", "100"]


def test_the_reference_shows_what_is_done() -> None:
    """Its example is read as its table says, line for line."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "live-data.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    table = [line for line in page.split("```")[2].splitlines() if line.startswith("| `/")]
    fields = read_fields(example.encode())
    assert table == [f"| `{one.path}` | {', '.join(one.label)} | `{one.text}` |" for one in fields]
