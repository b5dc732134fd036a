"""From bytes to text, whatever the encoding."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]+encoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_SAMPLE = 65_536
# The Encoding Standard reads these labels as their Windows supersets, and so do browsers.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}


def decode(content: bytes, *, media_type: str | None = None, markup: bool = False) -> str:
    """Return the text: by byte order mark, declared charset, UTF-8, else by its statistics."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content.decode(name, "replace").removeprefix("\ufeff")
    if not content.isascii():
        # Hardly any text in another encoding is valid UTF-8 by accident, whatever it declares.
        text = _try(content, "utf-8")
        if text is not None and "\0" not in text:
            return text
    return _by_declaration(content, media_type, markup=markup) or _by_content(content)


def _by_declaration(content: bytes, media_type: str | None, *, markup: bool) -> str | None:
    """Return the text in the declared charset, where there is one and it fits."""
    named = _CHARSET.search(media_type or "")
    found = _XML.search(content[:1024]) or _META.search(content[:4096]) if markup else None
    labels = [named.group(1)] if named else []
    labels += [found.group(1).decode("ascii")] if found else []
    for label in labels:
        text = _try(content, label)
        if text is not None:
            return text
    return None


def _try(content: bytes, label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
        # A meta element that can be read at all is not in UTF-16, whatever it says.
        name = "utf-8" if name.startswith("utf-16") else _SUPERSETS.get(name, name)
        return content.decode(name)
    except (LookupError, ValueError):
        return None


def _by_content(content: bytes) -> str:
    wide = _wide(content[:_SAMPLE])
    if wide:
        return content.decode(wide, "replace")
    text = content.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    if not bad:
        return text
    # A few broken bytes in good UTF-8 are not another encoding.
    beyond_ascii = len(text.encode("ascii", "ignore"))
    if len(text) - beyond_ascii > 20 * bad:
        return text
    return content.decode(_guess(content[:_SAMPLE]), "replace")


def _wide(sample: bytes) -> str | None:
    """Tell UTF-16 without a mark by where the zero bytes are."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if half and odd > 0.3 * half and even < 0.05 * half:
        return "utf-16-le"
    if half and even > 0.3 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        return "cp1252"
    for match in matches:
        # Short western texts fit several code pages equally; the most common one is the best guess.
        if match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence:
            return "cp1252"
    return best.encoding
