"""Which paths are for the relay."""

from __future__ import annotations

from jibu.domain.mediation import METASERVICES
from jibu.domain.targets import PREFIX


def is_relayed(path: str) -> bool:
    """Tell whether a path is for the relay, not for a metaservice of the directory."""
    if not path.startswith(PREFIX):
        return False
    parts = path.split("/", 7)
    return len(parts) > 6 and not (len(parts) == 7 and parts[6] in METASERVICES)
