"""Language tags that callers send (BCP 47, https://www.rfc-editor.org/info/bcp47)."""

from __future__ import annotations

from jibu.domain.errors import InvalidInput

_NAMED = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss "
    "st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
TWO_LETTER = frozenset(_NAMED.split())
"""ISO 639-1. Three-letter tags (ISO 639-3) are taken as they are, but for those that name no language."""
NO_LANGUAGE = frozenset({"mul", "und", "zxx", "mis"})


def known_language(tag: str | None, field: str = "language") -> str | None:
    """Return the tag with its primary subtag in lower case. Raises: InvalidInput for what names no language."""
    if tag is None:
        return None
    primary, dash, rest = tag.partition("-")
    primary = primary.lower()
    known = primary in TWO_LETTER if len(primary) == 2 else primary not in NO_LANGUAGE
    if not known:
        raise InvalidInput(f"{tag} is not a known language", field)
    return primary + dash + rest


def primary_language(tag: str | None, field: str = "language") -> str | None:
    """Return the primary subtag alone. Raises: InvalidInput for what names no language."""
    known = known_language(tag, field)
    return None if known is None else known.partition("-")[0]
