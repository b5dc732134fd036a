"""Links between documents: which targets are worth keeping, and which document a target means.

Every document goes by a few names (its address, its path, the end of its path, its file name). A target asks for
names, the surest first. A store looks names up; the document nearest to the one with the link wins.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import unquote

from jibu.domain.fusion import BACKGROUND_COSINE, LINK_DOCUMENTS, LINK_PASSAGES

MAX_TARGETS = 60
MAX_TARGET = 500
"""Characters."""
MAX_NAME = 255
MAX_NAMESAKES = 10
"""A file name that more documents have says nothing."""
MIN_FOLDER = 6
"""A shorter name of a folder (docs, spec, v1) says too little to stand for it alone."""

WHOLE, TAIL, FILE = "0", "1", "2"
"""What a name begins with; names in order are surest first."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(?:https?:)?//(?:www\.)?([^/]+)(.*)", re.IGNORECASE | re.DOTALL)
_SUFFIX = re.compile(r"\.(?:md|markdown|x?html?|php|aspx?|jsp|txt|pdf|docx?|odt|pptx?|xlsx?|csv|json)$")
_NO_DOCUMENT = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|bmp|css|js|mp[34]|mov|avi|wav|ogg|zip|gz|tar|exe|woff2?|ics)$",
    re.IGNORECASE,
)
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What decoding may bring and not every database takes."""
_INDEX = frozenset({"index", "readme", "default"})

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where a document stands."""

    document_id: str
    collection_id: str
    url: str | None = None
    external_id: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """The live version of a document that another one links to. ``passages`` counts them, ordinals from 0."""

    document_id: str
    version: int
    passages: int


@dataclass(frozen=True, slots=True)
class _Address:
    """A path on a host ("" where a path stands alone). ``folder`` is what relative links start from."""

    host: str
    folder: Parts
    parts: Parts


def link_targets(raw: Iterable[str]) -> tuple[str, ...]:
    """Return the targets that may be another document: decoded, without query and fragment, each once."""
    kept: dict[str, None] = {}
    for text in raw:
        target = _cleaned(text)
        if target is not None:
            kept.setdefault(target)
        if len(kept) == MAX_TARGETS:
            break
    return tuple(kept)


def _cleaned(raw: str) -> str | None:
    text = re.split(r"[?#]", raw.strip(), maxsplit=1)[0]
    if _SCHEME.match(text) and not _ABSOLUTE.match(text):
        return None
    text = unquote(text)
    if not text or len(text) > MAX_TARGET or _NO_DOCUMENT.search(text):
        return None
    return None if _UNSTORABLE.search(text) else text


def _usable(names: Iterable[str]) -> tuple[str, ...]:
    fit = (name for name in names if 0 < len(name) <= MAX_NAME and not _UNSTORABLE.search(name))
    return tuple(dict.fromkeys(fit))


def names_of(place: Place) -> tuple[str, ...]:
    """Return the names that a document can be linked by."""
    found: list[str] = []
    for address in _addresses(place):
        page = _page(address.parts)
        found.extend((_whole(address.host, page), _tail(page), _file(address.parts)))
        if len(page) < len(address.parts):
            found.append(_tail((*page, "index")))
    found.append(_file(_parts(place.filename or "")))
    return _usable(found)


def names_asked(targets: Iterable[str], source: Place) -> list[tuple[str, ...]]:
    """Return the names that each target in a document asks for, the surest first."""
    own = _addresses(source)
    return [_asked(target, own) for target in targets]


def _asked(target: str, own: Sequence[_Address]) -> tuple[str, ...]:
    addresses = _meant(target, own)
    pages = [_page(a.parts) for a in addresses]
    asked = [_whole(a.host, page) for a, page in zip(addresses, pages, strict=True)]
    asked.extend(_tail(page) for page in pages)
    asked.extend(_inside(addresses[-1].parts, own))
    asked.append(_file(addresses[-1].parts))
    return _usable(asked)


def resolve(
    asked: Iterable[Sequence[str]], source: Place, known: Mapping[str, Sequence[Place]], limit: int
) -> list[str]:
    """Return the ids of up to ``limit`` documents that targets mean, in order, each once, never the source itself.

    ``asked`` holds what ``names_asked`` says of each target, ``known`` the allowed documents by name.
    """
    chosen: dict[str, None] = {}
    for names in asked:
        if len(chosen) >= limit:
            break
        name = next((name for name in names if name in known), "")
        meant = _nearest(known[name], source, names) if name else None
        if meant is not None and not (name[0] == FILE and len(known[name]) > MAX_NAMESAKES):
            chosen.setdefault(meant)
    return list(chosen)


def _nearest(places: Sequence[Place], source: Place, asked: Sequence[str]) -> str | None:
    """Return the id of the place that is meant; None where it is the source itself."""
    if any(p.document_id == source.document_id for p in places):
        return None
    if len(places) == 1:
        return places[0].document_id
    return min(places, key=lambda p: _distance(p, source, asked)).document_id


def _meant(target: str, own: Sequence[_Address]) -> list[_Address]:
    """Return the addresses that a target may mean: one, or a relative one's from each of the source's own."""
    alone = _address(target)
    if alone.host:
        return [alone]
    if target.startswith("/"):
        return [_Address(a.host, (), alone.parts) for a in (*own, alone)]
    joined = [_Address(a.host, (), _parts("/".join((*a.folder, target)))) for a in own]
    return [*joined, alone]


def _inside(parts: Parts, own: Sequence[_Address]) -> list[str]:
    """Return names in the folder that a target may be: the page named as the source is, then its first page.

    Books that share a table of contents link to each other this way.
    """
    if not parts or len(parts[-1]) < MIN_FOLDER or _SUFFIX.search(parts[-1]):
        return []
    same = [_page(a.parts)[-1:] for a in own]
    return [_tail((parts[-1], *page)) for page in (*same, ("index",)) if page]


def _distance(place: Place, source: Place, asked: Sequence[str]) -> tuple[bool, bool, int, str]:
    """Tell how far a document is; less is nearer: other collection, other file type, few folders shared."""
    named = any(name[0] == FILE and name in asked for name in names_of(place))
    shared = max(
        (_shared(a, b) for a in _addresses(place) for b in _addresses(source) if a.host == b.host), default=0
    )
    return place.collection_id != source.collection_id, not named, -shared, place.document_id


def _shared(a: _Address, b: _Address) -> int:
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(a.folder, b.folder, strict=False))))


def _addresses(place: Place) -> list[_Address]:
    return [_address(unquote(text)) for text in (place.url, place.external_id) if text]


def _address(text: str) -> _Address:
    match = _ABSOLUTE.match(text)
    host, path = (match[1].casefold(), match[2]) if match else ("", text)
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    return _Address(host, _parts(path.rpartition("/")[0]), _parts(path))


def _parts(path: str) -> Parts:
    """Split a path, "." and ".." followed, letter case and Unicode form made equal."""
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", path).casefold().split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _page(parts: Parts) -> Parts:
    """Leave out the file type, and the whole name where it stands for its folder."""
    if not parts:
        return parts
    last = _SUFFIX.sub("", parts[-1])
    return parts[:-1] if last in _INDEX else (*parts[:-1], last)


def _whole(host: str, page: Parts) -> str:
    return f"{WHOLE}{host}/{'/'.join(page)}" if host or page else ""


def _tail(page: Parts) -> str:
    return f"{TAIL}{'/'.join(page[-2:])}" if len(page) > 1 else ""


def _file(parts: Parts) -> str:
    """Return the name for a file name that is one: it has a type and does not stand for its folder."""
    named = bool(parts) and bool(_SUFFIX.search(parts[-1])) and bool(_page(parts[-1:]))
    return f"{FILE}{parts[-1]}" if named else ""


def leading(documents: Sequence[str]) -> str | None:
    """Return the document that holds the two best passages, if one does: ``documents`` of passages, best first."""
    return documents[0] if len(documents) > 1 and documents[0] == documents[1] else None


def best_linked(cosines: Mapping[str, float], document_of: Mapping[str, str], floor: float) -> list[str]:
    """Return the passages to show of linked documents, best first; none below ``floor``.

    At most ``LINK_PASSAGES`` of each of ``LINK_DOCUMENTS`` documents.
    """
    chosen: list[str] = []
    taken: Counter[str] = Counter()
    for passage in sorted(cosines, key=lambda p: (-cosines[p], p)):
        document = document_of[passage]
        room = document in taken or len(taken) < LINK_DOCUMENTS
        if cosines[passage] >= floor and room and taken[document] < LINK_PASSAGES:
            taken[document] += 1
            chosen.append(passage)
    return chosen


def link_floor(pool: Iterable[float]) -> float:
    """Return the cosine that a linked passage must have: no less than chance gives.

    The second part of a question may share little with the first, so nearness to the whole question cannot be asked
    for. ``pool`` holds the cosines of all candidates; the least is near chance where an embedder's cosines are low.
    """
    return min([*pool, BACKGROUND_COSINE])
