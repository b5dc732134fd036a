# ruff: noqa: RUF001 - words of many scripts
"""Word tables: kinds of questions, leaning sentences, announcements."""

from __future__ import annotations

import pytest

from jibu.domain.cues import (
    Asked,
    asked_for,
    asking_words,
    ends_sentence,
    is_lead_in,
    is_question,
    leans_back,
    numbers,
)


@pytest.mark.parametrize(
    "question",
    [
        "How much does a passport cost?",
        "Combien coûte un passeport ?",
        "¿Cuánto cuesta el pasaporte?",
        "Quanto custa a licença?",
        "Wie viel kostet ein Pass?",
        "Сколько стоит паспорт?",
        "كم تبلغ رسوم الجواز؟",
        "Pasipoti inagharimu kiasi gani?",
        "पासपोर्ट का शुल्क कितना है?",
        "পাছপৰ্টৰ মূল্য কিমান?",
        "护照费用是多少？",
        "ค่าธรรมเนียมหนังสือเดินทางเท่าไร",
        "លិខិតឆ្លងដែនថ្លៃប៉ុន្មាន?",
    ],
)
def test_amounts_are_recognised(question: str) -> None:
    """In thirteen languages."""
    assert Asked.AMOUNT in asked_for(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is the deadline?",
        "Combien de temps faut-il ?",
        "¿Cuándo abre la oficina?",
        "Quando abre o mercado?",
        "Wann öffnet das Amt?",
        "Когда открыта служба?",
        "متى يفتح المكتب؟",
        "Ofisi inafunguliwa lini?",
        "कार्यालय कब खुलता है?",
        "কাৰ্যালয় কেতিয়া খোলে?",
        "办公室什么时候开门？",
        "สำนักงานเปิดเมื่อไร",
        "ការិយាល័យបើកនៅពេលណា?",
    ],
)
def test_times_are_recognised(question: str) -> None:
    """In thirteen languages."""
    assert Asked.TIME in asked_for(question)


@pytest.mark.parametrize("question", ["Who signs the form?", "Whenever I may", "Nani anasaini fomu?", ""])
def test_other_questions_ask_for_neither(question: str) -> None:
    """A word inside another word does not count."""
    assert asked_for(question) == frozenset()


@pytest.mark.parametrize(
    "sentence",
    ["Who may apply?", "谁可以申请？", "من يمكنه التقديم؟", "«Qui peut demander ?»", "Ποιος μπορεί;"],
)
def test_questions(sentence: str) -> None:
    """By their question mark, in quotes or not, and the Greek one in Greek."""
    assert is_question(sentence)


@pytest.mark.parametrize("sentence", ["Apply here.", "First item;", "Call 12?34 now"])
def test_what_is_no_question(sentence: str) -> None:
    """A semicolon is a question mark in Greek only."""
    assert not is_question(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "It is paid at the counter.",
        "However, children pay half.",
        "Hata hivyo, watoto hawalipi.",
        "Cette somme est remboursée.",
        "وهي صالحة لمدة عام.",
        "यह शुल्क वापस नहीं होता।",
        "该费用不予退还。",
        "ទោះយ៉ាងណា កុមារមិនបង់ទេ។",
        "อย่างไรก็ตาม เด็กไม่ต้องจ่าย",
        "“This fee is not paid back.”",
    ],
)
def test_leaning_sentences(sentence: str) -> None:
    """Pronouns and connectives at the start point at the sentence before."""
    assert leans_back(sentence)


@pytest.mark.parametrize("sentence", ["Items are listed below.", "Itza", "Watoto hawalipi.", "यहाँ आएँ।", ""])
def test_sentences_that_stand_alone(sentence: str) -> None:
    """A longer word that begins like a pronoun is another word."""
    assert not leans_back(sentence)


@pytest.mark.parametrize("sentence", ["You need:", "需要：", "អ្នកត្រូវការ៖", "**Bring:**"])
def test_announcements(sentence: str) -> None:
    """They end with a colon of any script."""
    assert is_lead_in(sentence)


def test_numbers_in_any_digits() -> None:
    """Numbers keep their separators."""
    assert numbers("60 crowns, 1,200.50 or ៤០ or ٣٠") == {"60", "1,200.50", "៤០", "٣٠"}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How long does it take?", ("how long", "does")),
        ("Combien de temps ?", ("combien",)),
        ("Ada ni kiasi gani?", ("ni", "kiasi gani")),
        ("كم تبلغ الرسوم؟", ("كم تبلغ",)),
        ("शुल्क कितना है?", ("कितना",)),
        ("护照费用是多少？", ("多少",)),
        ("passport fee", ()),
    ],
)
def test_words_that_only_ask(question: str, words: tuple[str, ...]) -> None:
    """Content words are none of them."""
    assert asking_words(question) == words


@pytest.mark.parametrize(
    "text", ["It is open.", "هل هي مفتوحة؟", "यह खुला है।", "开门。", "He said “no.”", "បើក។"]
)
def test_ends_of_sentences(text: str) -> None:
    """Marks of several scripts, also inside quotation marks."""
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["Monthly fees", "Fees (in crowns)", "الرسوم", "Fees:"])
def test_titles_do_not_end_as_sentences_do(text: str) -> None:
    """Nor do announcements."""
    assert not ends_sentence(text)
