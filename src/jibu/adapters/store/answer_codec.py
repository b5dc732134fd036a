"""Answers to JSON and back: they are kept whole, as the caller got them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from jibu.adapters.store.codec import dump, load
from jibu.domain.answers import (
    Answer,
    AnswerStatus,
    Citation,
    Claim,
    LiveCitation,
    LiveConsulted,
    LiveOutcome,
    ModelInfo,
    Timings,
    Usage,
)
from jibu.domain.personal import PersonalContext


def dump_answer(answer: Answer) -> str:
    """Write an answer."""
    plain = asdict(answer) | {"created_at": answer.created_at.isoformat()}
    for part in ("live_citations", "live_sources"):
        plain[part] = [one | {"retrieved_at": _written(one["retrieved_at"])} for one in plain[part]]
    return dump(plain)


def load_answer(text: str) -> Answer:
    """Read an answer."""
    found: dict[str, Any] = load(text)
    return Answer(
        **found
        | {
            "status": AnswerStatus(found["status"]),
            "claims": tuple(_claim(claim) for claim in found["claims"]),
            "citations": tuple(_citation(citation) for citation in found["citations"]),
            "model": ModelInfo(**found["model"]),
            "usage": Usage(**found["usage"]),
            "timings": Timings(**found["timings"]),
            "created_at": datetime.fromisoformat(found["created_at"]),
            "personal": PersonalContext(**found["personal"]) if found.get("personal") else None,
            "live_citations": tuple(
                LiveCitation(**one | {"retrieved_at": datetime.fromisoformat(one["retrieved_at"])})
                for one in found.get("live_citations", ())
            ),
            "live_sources": tuple(_consulted(one) for one in found.get("live_sources", ())),
        }
    )


def _claim(found: dict[str, Any]) -> Claim:
    return Claim(**found | {"citations": tuple(found["citations"])})


def _citation(found: dict[str, Any]) -> Citation:
    return Citation(**found | {"section_path": tuple(found["section_path"])})


def _consulted(found: dict[str, Any]) -> LiveConsulted:
    at = found["retrieved_at"]
    changed = {"outcome": LiveOutcome(found["outcome"]), "retrieved_at": at and datetime.fromisoformat(at)}
    return LiveConsulted(**found | changed)


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
