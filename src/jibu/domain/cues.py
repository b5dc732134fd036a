# ruff: noqa: RUF001 - words of many scripts
"""Small word tables: what kind of answer a question asks for, and which sentences lean on the one before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Asked(StrEnum):
    """A kind of answer that can be told by its form in every language."""

    AMOUNT = "amount"
    TIME = "time"


Words = Mapping[str, tuple[str, ...]]

_AMOUNT: Words = {
    "en": ("how much", "how many", "how large", "how old", "how often", "how far", "how high", "what amount",
           "what percentage", "what age", "cost", "costs", "fee", "fees", "price"),
    "fr": ("combien", "quel montant", "quel pourcentage", "quel âge", "quel prix", "quel tarif", "coûte"),
    "es": ("cuánto", "cuánta", "cuántos", "cuántas", "qué porcentaje", "qué edad", "qué precio", "cuesta"),
    "pt": ("quanto", "quanta", "quantos", "quantas", "que percentagem", "que idade", "qual o valor", "custa"),
    "de": ("wie viel", "wie viele", "wieviel", "wieviele", "wie hoch", "wie alt", "wie oft", "kostet"),
    "ru": ("сколько", "какова сумма", "какой процент", "стоимость", "стоит"),
    "ar": ("كم", "بكم", "ما مقدار", "ما هو مقدار", "ما تكلفة", "ما رسوم", "ما هي رسوم", "ما قيمة"),
    "sw": ("ngapi", "kiasi gani", "asilimia ngapi", "gharama", "ada"),
    "hi": ("कितना", "कितने", "कितनी", "शुल्क"),
    "as": ("কিমান", "কেইটা", "কেইজন"),
    "zh": ("多少", "几个", "几名", "几次", "多大", "多高", "多远", "幾"),
    "th": ("เท่าไร", "เท่าไหร่", "เท่าใด", "กี่"),
    "km": ("ប៉ុន្មាន",),
}  # fmt: skip

_TIME: Words = {
    "en": ("when", "how long", "how soon", "what date", "which date", "what year", "which year", "what time",
           "deadline", "what day", "how quickly"),
    "fr": ("quand", "combien de temps", "quel délai", "quelle date", "quelle durée", "quelle année", "quelle heure",
           "quels délais"),
    "es": ("cuándo", "cuánto tiempo", "qué fecha", "qué año", "qué plazo", "cuál es el plazo", "qué hora"),
    "pt": ("quando", "quanto tempo", "que data", "em que ano", "qual o prazo", "qual é o prazo", "que horas"),
    "de": ("wann", "wie lange", "wie schnell", "welche frist", "in welchem jahr", "welches datum"),
    "ru": ("когда", "как долго", "какой срок", "в каком году", "какого числа"),
    "ar": ("متى", "ما المدة", "ما مدة", "ما هي المدة", "ما هي مدة", "كم من الوقت", "كم يوما", "في أي عام", "ما الموعد"),
    "sw": ("lini", "muda gani", "siku ngapi", "mwaka gani", "saa ngapi", "tarehe"),
    "hi": ("कब", "कितने समय", "कितने दिन", "किस वर्ष", "किस साल", "कितनी देर"),
    "as": ("কেতিয়া", "কিমান দিন", "কিমান সময়"),
    "zh": ("何时", "什么时候", "多久", "多长时间", "哪一年", "哪年", "几天", "期限"),
    "th": ("เมื่อไร", "เมื่อไหร่", "เมื่อใด", "นานเท่า", "ปีใด", "ปีไหน", "กี่วัน", "กี่ปี"),
    "km": ("ពេលណា", "រយៈពេល", "ប៉ុន្មានថ្ងៃ", "ឆ្នាំណា", "ថ្ងៃណា"),
}  # fmt: skip

_ASKING: Words = {
    "en": ("how", "how much", "how many", "how long", "how old", "how often", "how far", "how soon", "what", "which",
           "when", "where", "who", "why", "do", "does", "did", "is", "are"),
    "fr": ("combien", "quel", "quelle", "quels", "quelles", "quand", "où", "qui", "pourquoi", "comment", "est-ce que",
           "est"),
    "es": ("cuánto", "cuánta", "cuántos", "cuántas", "qué", "cuál", "cuáles", "cuándo", "dónde", "quién", "cómo", "es"),
    "pt": ("quanto", "quanta", "quantos", "quantas", "qual", "quais", "quando", "onde", "quem", "como", "é"),
    "de": ("wie", "wie viel", "wie viele", "wie hoch", "wie lange", "wie alt", "wie oft", "was", "welche", "welcher",
           "welches", "wann", "wo", "wer", "warum", "ist", "sind"),
    "ru": ("сколько", "какой", "какая", "какие", "каков", "какова", "когда", "где", "кто", "что", "почему", "как"),
    "ar": ("كم", "بكم", "ما", "ماذا", "متى", "أين", "هل", "كيف", "لماذا", "كم يبلغ", "كم تبلغ"),
    "sw": ("gani", "kiasi gani", "ngapi", "lini", "wapi", "nani", "nini", "je", "vipi", "kwa nini", "ni"),
    "hi": ("कितना", "कितने", "कितनी", "कब", "कहाँ", "कौन", "क्या", "क्यों", "कैसे", "किस"),
    "as": ("কিমান", "কেতিয়া", "কোন", "কি", "কিয়", "কেনেকৈ"),
    "zh": ("多少", "几", "什么", "何时", "多久", "哪", "谁", "怎么", "如何", "吗"),
    "th": ("เท่าไร", "เท่าไหร่", "เท่าใด", "กี่", "เมื่อไร", "เมื่อไหร่", "เมื่อใด", "อะไร", "ที่ไหน", "ใคร", "ทำไม", "อย่างไร", "ไหม"),
    "km": ("ប៉ុន្មាន", "អ្វី", "ពេលណា", "ណា", "ហេតុអ្វី", "តើ", "យ៉ាងណា"),
}  # fmt: skip

_LEANING: Words = {
    "en": ("it", "its", "this", "these", "those", "they", "their", "he", "she", "his", "her", "however", "but", "also",
           "then", "therefore", "otherwise", "such", "thus", "instead", "furthermore", "in addition", "as a result",
           "for example", "if not", "if so"),
    "fr": ("elle", "ils", "elles", "cela", "celui-ci", "celle-ci", "ceux-ci", "ces", "cette", "cet", "toutefois",
           "cependant", "mais", "ensuite", "sinon", "ainsi", "néanmoins", "de plus", "en outre", "par exemple",
           "dans ce cas"),
    "es": ("esto", "este", "esta", "estos", "estas", "ello", "ellos", "ellas", "sin embargo", "pero", "además", "luego",
           "por lo tanto", "de lo contrario", "por ejemplo", "en ese caso"),
    "pt": ("isto", "isso", "este", "esta", "estes", "estas", "esse", "essa", "eles", "elas", "no entanto", "porém",
           "mas", "além disso", "depois", "portanto", "caso contrário", "por exemplo", "nesse caso"),
    "de": ("er", "sie", "dies", "diese", "dieser", "dieses", "jedoch", "aber", "außerdem", "dann", "daher",
           "andernfalls", "zum beispiel", "in diesem fall"),
    "ru": ("он", "она", "оно", "они", "это", "этот", "эта", "эти", "однако", "но", "также", "затем", "поэтому", "иначе",
           "кроме того", "например", "в этом случае"),
    "ar": ("هذا", "هذه", "ذلك", "تلك", "هو", "هي", "هم", "وهو", "وهي", "وهذا", "وهذه", "لكن", "ولكن", "كما", "ومع ذلك",
           "ثم", "لذلك", "ولذلك", "وإلا", "على سبيل المثال"),
    "sw": ("hii", "hizi", "hiyo", "hizo", "hiki", "hicho", "huyu", "hao", "hawa", "yeye", "lakini", "pia", "hata hivyo",
           "kisha", "baadaye", "kwa hiyo", "vinginevyo", "aidha", "kwa mfano"),
    "hi": ("यह", "ये", "वह", "वे", "इस", "इन", "इसका", "इसके", "इसकी", "इसमें", "उस", "लेकिन", "किंतु", "परंतु", "हालांकि", "फिर",
           "इसलिए", "अन्यथा", "उदाहरण"),
    "as": ("এই", "ই", "সেই", "তেওঁ", "কিন্তু", "তথাপি", "তেন্তে"),
    "zh": ("它", "他", "她", "这", "這", "此", "该", "其", "但", "然而", "因此", "另外", "否则", "例如", "同时"),
    "th": ("มัน", "แต่", "อย่างไรก็ตาม", "ทั้งนี้", "นอกจากนี้", "ดังนั้น", "จากนั้น", "มิฉะนั้น", "ซึ่ง", "เช่น"),
    "km": ("វា", "នេះ", "ប៉ុន្តែ", "ទោះយ៉ាងណា", "ដូច្នេះ", "បន្ទាប់មក", "លើសពីនេះ", "ឧទាហរណ៍"),
}  # fmt: skip

_UNSPACED = frozenset(("zh", "th", "km"))  # no blank between words, so a word may begin or end anywhere


def _pattern(tables: Words, *, lead: str) -> re.Pattern[str]:
    spaced = sorted((w for lang, words in tables.items() if lang not in _UNSPACED for w in words), key=len)
    unspaced = [word for lang, words in tables.items() if lang in _UNSPACED for word in words]
    # A mark (a vowel sign in Indic scripts) continues a word but is no word character of its own.
    whole = rf"(?<![\w\u0900-\u0dff])(?:{'|'.join(map(re.escape, reversed(spaced)))})(?![\w\u0900-\u0dff])"
    return re.compile(f"{lead}(?:{whole}|{'|'.join(map(re.escape, unspaced))})")


_ASKS = {
    Asked.AMOUNT: _pattern(_AMOUNT, lead=""),
    Asked.TIME: _pattern(_TIME, lead=""),
}
_ASKING_WORDS = _pattern(_ASKING, lead="")
_LEANS = _pattern(_LEANING, lead=r"[\s\"'“«(]*")
_NUMBER = re.compile(r"\d+(?:[.,:/٫٬]\d+)*")
_QUESTION_END = re.compile(r"[?？؟՞;፧⁇⸮]['\"”’»)\]]*\s*$")
_LEAD_IN_END = re.compile(r"[:：៖፦]['\"”’»)*_]*\s*$")
_SENTENCE_END = re.compile(r"[.!?؟۔।॥።።。！？．。၊။។៕…‥]['\"”’»)\]]*\s*$")
_GREEK = re.compile("[\u0370-\u03ff]")


def asked_for(question: str) -> frozenset[Asked]:
    """Return the kinds of answer that a question's words ask for, in any of the languages known here."""
    plain = question.casefold()
    return frozenset(kind for kind, pattern in _ASKS.items() if pattern.search(plain))


def asking_words(question: str) -> tuple[str, ...]:
    """Return the words that only make a question of it ("how long"), as they stand there but in lower case."""
    return tuple(match.group() for match in _ASKING_WORDS.finditer(question.casefold()))


def numbers(text: str) -> frozenset[str]:
    """Return the numbers written in digits of any script."""
    return frozenset(_NUMBER.findall(text))


def is_question(text: str) -> bool:
    """Tell whether a sentence asks something."""
    ended = _QUESTION_END.search(text)
    if ended is None:
        return False
    return not ended.group().startswith(";") or bool(_GREEK.search(text))


def is_lead_in(text: str) -> bool:
    """Tell whether a sentence announces what follows it."""
    return bool(_LEAD_IN_END.search(text))


def ends_sentence(text: str) -> bool:
    """Tell whether a text ends with the mark that ends a sentence."""
    return bool(_SENTENCE_END.search(text))


def leans_back(text: str) -> bool:
    """Tell whether a sentence begins with a word that points at the sentence before."""
    return bool(_LEANS.match(text[:40].casefold()))
