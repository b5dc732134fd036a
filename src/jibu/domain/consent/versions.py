"""Which earlier revisions of an agreement its present one accepts records for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jibu.domain.consent.canonical import canonical, digest
from jibu.domain.consent.values import Revision
from jibu.domain.errors import InvalidInput

FIELD = "dataAgreement/compatibleWithVersion"
TERMS = ("version", "controller", "policy", "purpose", "lawfulBasis", "dataUse", "dpia")
"""What an individual consents to; a change of anything else leaves consent as it is."""


@dataclass(frozen=True, slots=True)
class Version:
    """One revision of an agreement: what it calls itself, and the version that it is compatible with.

    ``terms``: a hash of what is consented to. Whether it is active, for one, is not part of that.
    """

    revision_id: str
    name: str
    compatible_with: str | None
    terms: str = ""


def version_of(revision: Revision) -> Version:
    """Read it from a revision of an agreement."""
    data = json.loads(revision.snapshot)["objectData"]
    other = data.get("compatibleWithVersion") or {}
    terms = {name: data.get(name) for name in TERMS}
    version = str(data.get("version", ""))
    return Version(revision.revision_id, version, other.get("version"), digest(canonical(terms)))


def accepted(history: Sequence[Version], newest: Version) -> tuple[str, ...]:
    """Return the ids of the revisions whose records hold under ``newest``, itself included, newest first.

    ``history`` is oldest first. Earlier revisions of the same name and terms are accepted. A version stands for
    every revision that has its name; from each of them the way goes on to the version that it names in turn,
    always backwards in time.
    Raises: InvalidInput when a version is not there, or is compatible with itself in a circle.
    """
    same_terms = [v for v in history if (v.name, v.terms) == (newest.name, newest.terms)]
    found = [newest.revision_id, *(v.revision_id for v in reversed(same_terms))]
    names = [newest.name]
    wanted, before = newest.compatible_with, len(history)
    while wanted is not None:
        if wanted in names:
            raise InvalidInput(
                "a version cannot be compatible with itself, not by way of others either", FIELD
            )
        same = [n for n in range(before) if history[n].name == wanted]
        if not same:
            raise InvalidInput("this agreement has no such earlier version", FIELD)
        names.append(wanted)
        found += [history[n].revision_id for n in reversed(same)]
        before = same[-1]
        wanted = history[before].compatible_with
    return tuple(dict.fromkeys(found))
