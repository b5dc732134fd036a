"""What Jibu's collection in Weaviate looks like, and how one that is there is told from it. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jibu.domain.errors import IndexMismatch, Misconfigured

LAYOUT = 1
K1, B = 1.2, 0.75
OLDEST_SERVER, NEXT_SERVER = (1, 30), (2, 0)
OLDEST_CLIENT = (4, 16)

PASSAGE, DOCUMENT, VERSION, PART = "passage", "document", "version", "part"
COLLECTION, LANGUAGE, OWNER, TERMS = "collection", "language", "owner", "terms"
PASSAGES = "passages"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """What an index needs of its Weaviate collection. ``name``: two generations live side by side under two names.

    Raises: Misconfigured where Weaviate takes no such name.
    """

    name: str
    embedder: str
    dimension: int
    replication: int = 1
    shards: int = 1
    consistency: Literal["ONE", "QUORUM", "ALL"] = "QUORUM"

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Z][A-Za-z0-9_]{0,57}", self.name):
            raise Misconfigured(
                f"{self.name!r} cannot name a Weaviate collection: a capital, then letters, digits and _"
            )

    @property
    def note(self) -> str:
        """What the collection's description says: who made it and for which embedder."""
        return json.dumps({"jibu-index": LAYOUT, "embedder": self.embedder, "dimension": self.dimension})

    @property
    def schema(self) -> dict[str, Any]:
        """The collection as Weaviate's schema API takes it."""
        properties = [
            _text(PASSAGE, filterable=False),
            *(_text(name) for name in (DOCUMENT, COLLECTION, LANGUAGE, OWNER)),
            *(_number(name) for name in (VERSION, PART)),
            _text(TERMS, tokenization="whitespace", searchable=True),
        ]
        return self._schema(self.name, properties, {"distance": "cosine", "skipDefaultQuantization": True})

    @property
    def done_schema(self) -> dict[str, Any]:
        """A second collection, of what was added whole; it has no vectors. See ``done.py``."""
        listed = _text(PASSAGES, filterable=False) | {"dataType": ["text[]"]}
        properties = [_text(DOCUMENT), _number(VERSION), listed]
        return self._schema(f"{self.name}_done", properties, {"distance": "cosine", "skip": True})

    def _schema(self, name: str, properties: list[dict[str, Any]], index: dict[str, Any]) -> dict[str, Any]:
        return {
            "class": name,
            "description": self.note,
            "properties": properties,
            "invertedIndexConfig": {"bm25": {"k1": K1, "b": B}, "stopwords": {"preset": "none"}},
            "multiTenancyConfig": {"enabled": False},
            "replicationConfig": {"factor": self.replication},
            "shardingConfig": {"desiredCount": self.shards},
            "vectorConfig": {
                "default": {
                    "vectorizer": {"none": {}},
                    "vectorIndexType": "hnsw",
                    "vectorIndexConfig": index,
                }
            },
        }


def check_versions(server: str, client: str) -> None:
    """Raises: Misconfigured where server and client are too far apart to trust."""
    found = _version(server)
    if found < OLDEST_SERVER:
        raise Misconfigured(f"Weaviate {server} is too old: this release needs 1.30 or newer")
    if found >= NEXT_SERVER:
        raise Misconfigured(f"Weaviate {server} is newer than this release knows: it needs 1.x")
    if _version(client) < OLDEST_CLIENT:
        raise Misconfigured(f"weaviate-client {client} is too old: pip install 'weaviate-client>=4.16,<5'")


def check_found(found: Json, wanted: Layout, schema: Json) -> None:
    """Raises: IndexMismatch (another embedder's, or changed by other hands), Misconfigured (not Jibu's)."""
    note = _note(found.get("description"))
    name = schema["class"]
    if note is None:
        raise Misconfigured(
            f"the Weaviate collection {name} was not made by Jibu: choose another JIBU_WEAVIATE_COLLECTION"
        )
    if note.get("jibu-index") != LAYOUT:
        raise IndexMismatch(f"the Weaviate collection {name} was made by another release; run `jibu reindex`")
    if (note.get("embedder"), note.get("dimension")) != (wanted.embedder, wanted.dimension):
        raise IndexMismatch(
            f"the index was built with {note.get('embedder')} ({note.get('dimension')} dimensions), the service uses "
            f"{wanted.embedder} ({wanted.dimension}); run `jibu reindex`"
        )
    wrong = list(differences(found, schema))
    if wrong:
        raise IndexMismatch(
            f"the Weaviate collection {name} differs from what this release needs ({'; '.join(wrong[:3])}): "
            "undo the change, or run `jibu reindex`"
        )


def differences(found: Json, wanted: Json) -> Iterator[str]:
    """Yield in words what a collection lacks of the wanted one, and properties that nobody asked for."""
    yield from _unlike(_plain(found), _plain(wanted), "")


def _unlike(found: object, wanted: object, where: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        held = found if isinstance(found, Mapping) else {}
        for key, value in wanted.items():
            yield from _unlike(held.get(key), value, f"{where}.{key}".lstrip("."))
    elif found != wanted:
        yield f"{where} is {found!r}, not {wanted!r}"


def _plain(schema: Json) -> dict[str, object]:
    """Return the parts that matter, named alike in what is sent to Weaviate and in what the client gives back."""
    inverted, vector = (
        schema.get("invertedIndexConfig", {}),
        schema.get("vectorConfig", {}).get("default", {}),
    )
    config = vector.get("vectorIndexConfig", {})
    properties = {
        p["name"]: (
            list(p.get("dataType", ())),
            p.get("tokenization"),
            p.get("indexFilterable"),
            p.get("indexSearchable"),
        )
        for p in schema.get("properties", ())
    }
    return {
        "bm25": {name: inverted.get("bm25", {}).get(name) for name in ("k1", "b")},
        "stopwords": inverted.get("stopwords", {}).get("preset"),
        "tenants": schema.get("multiTenancyConfig", {}).get("enabled"),
        "replication factor": schema.get("replicationConfig", {}).get("factor"),
        "shards": schema.get("shardingConfig", {}).get("desiredCount"),
        "vectorizer": sorted(vector.get("vectorizer", {})),
        "vector index": vector.get("vectorIndexType"),
        "distance": config.get("distance") or config.get("distanceMetric"),
        "quantized": any(
            config.get(kind, {}).get("enabled", True) for kind in _QUANTIZERS if config.get(kind)
        )
        or "quantizer" in config,
        "properties": sorted(properties),
        "property": properties,
    }


_QUANTIZERS = ("pq", "bq", "sq", "rq")


def _text(
    name: str, *, tokenization: str = "field", filterable: bool = True, searchable: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "dataType": ["text"],
        "tokenization": tokenization,
        "indexFilterable": filterable,
        "indexSearchable": searchable,
    }


def _number(name: str) -> dict[str, Any]:
    return {"name": name, "dataType": ["int"], "indexFilterable": True, "indexSearchable": False}


def _note(description: object) -> dict[str, object] | None:
    try:
        note = json.loads(description) if isinstance(description, str) else None
    except ValueError:
        return None
    return note if isinstance(note, dict) and "jibu-index" in note else None


def _version(text: str) -> tuple[int, ...]:
    numbers = re.findall(r"\d+", text)[:2]
    return tuple(map(int, numbers))
