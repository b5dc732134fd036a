"""Language detector: the script where it tells enough, py3langid for the rest, "und" where neither does."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

# Scripts that stand for one language, or for one in practice.
_SCRIPTS = {
    "km": "\u1780-\u17ff\u19e0-\u19ff", "th": "\u0e00-\u0e7f", "lo": "\u0e80-\u0eff", "my": "\u1000-\u109f",
    "am": "\u1200-\u137f", "ko": "\u1100-\u11ff\uac00-\ud7af", "ja": "\u3040-\u30ff", "ka": "\u10a0-\u10ff",
    "hy": "\u0530-\u058f", "el": "\u0370-\u03ff", "he": "\u0590-\u05ff", "ta": "\u0b80-\u0bff", "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff", "ml": "\u0d00-\u0d7f", "gu": "\u0a80-\u0aff", "pa": "\u0a00-\u0a7f", "si": "\u0d80-\u0dff",
    "or": "\u0b00-\u0b7f", "dz": "\u0f00-\u0fff", "zh": "\u3400-\u9fff",
}  # fmt: skip
_BY_SCRIPT = re.compile("|".join(f"(?P<{name}>[{chars}]+)" for name, chars in _SCRIPTS.items()))
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = """
    af az ca cs cy da de en es et eu fi fr ga gl ha hr ht hu id ig is it jv ku la lg ln lt lv mg ms mt nl no nso om pl
    pt qu ro rw sk sl sn so sq st sv sw tl tr uz vi xh yo zu
"""
_OTHER = "ar be bg bn as fa hi kk ky mk mn mr ne ps ru sa sr tg tt ug uk ur"
_WIDESPREAD = frozenset(("en", "fr", "es", "pt", "ar", "ru", "sw", "hi", "de", "id"))
_SAME = {"ms": "id", "jv": "id", "nso": "st", "sa": "hi"}  # too close to part in a short text
# Three settings were tried on short sample questions; this one says "und" rather than something wrong.
_FAVOUR, _LEAST, _MARGIN = 4.0, 0.3, 1.3
_SAMPLE = 300  # characters from each of three places: more of a document tells nothing new
_SHARED_SCRIPTS = re.compile("[A-Za-z\u00aa-\u036f\u0400-\u052f\u0600-\u077f\u0900-\u09ff]+")


class LangidDetector:
    """Tells the language of a question or document. Loads its model on first use; safe for several threads."""

    def __init__(self) -> None:
        self._model: LanguageIdentifier | None = None
        self._lock = threading.Lock()

    def detect(self, text: str, *, default: str = "und") -> str:
        """Return a BCP 47 primary language subtag, or ``default`` where the text says too little."""
        sample = _sample(text)
        letters = "".join(_WORD.findall(sample))
        if not letters:
            return default
        return by_script(letters) or self._by_model(sample) or default

    def _by_model(self, sample: str) -> str | None:
        """Return the model's language where it clearly beats the next, wide-spread languages favoured."""
        scores: dict[str, float] = {}
        for name, probability in self._identifier().rank(" ".join(_WORD.findall(sample))):
            merged = _SAME.get(name, name)
            weighted = probability * (_FAVOUR if name in _WIDESPREAD else 1.0)
            scores[merged] = scores.get(merged, 0.0) + weighted
        (best, score), (_, second) = sorted(scores.items(), key=lambda item: -item[1])[:2]
        return best if score >= _LEAST and score >= _MARGIN * second else None

    def _identifier(self) -> LanguageIdentifier:
        with self._lock:
            if self._model is None:
                from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes over a second

                model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
                model.set_languages((_LATIN + _OTHER).split())
                self._model = model
            return self._model


def _sample(text: str) -> str:
    if len(text) <= 3 * _SAMPLE:
        return text
    middle = len(text) // 2
    return " ".join((text[:_SAMPLE], text[middle : middle + _SAMPLE], text[-_SAMPLE:]))


def by_script(letters: str) -> str | None:
    """Return the language that a third of the letters or more, and most of the telling ones, stand for."""
    counts: dict[str, int] = {}
    for found in _BY_SCRIPT.finditer(_SHARED_SCRIPTS.sub("", letters)):
        name = found.lastgroup or ""
        counts[name] = counts.get(name, 0) + len(found.group())
    if not counts:
        return None
    telling = sum(counts.values())
    if counts.get("ja", 0) * 10 >= counts.get("zh", 0) > 0:
        counts["ja"] = counts.get("ja", 0) + counts.pop("zh")
    name, count = max(counts.items(), key=lambda item: item[1])
    return name if 3 * telling >= len(letters) and 2 * count >= telling else None
