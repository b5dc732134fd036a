"""Which paths are for the relay."""

from __future__ import annotations

from jibu.domain.mediation import METASERVICES, ROOM_SERVICES
from jibu.domain.targets import PREFIX


def is_relayed(path: str) -> bool:
    """Tell whether a path is for the relay, not for a metaservice of the directory or a Pub/Sub room."""
    if not path.startswith(PREFIX):
        return False
    parts = path.split("/", 7)
    if len(parts) < 7 or parts[6] in ROOM_SERVICES:
        return False
    return len(parts) > 7 or parts[6] not in METASERVICES
