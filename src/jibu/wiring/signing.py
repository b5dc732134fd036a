"""The block's own key."""

from __future__ import annotations

from jibu.ports import Signer
from jibu.settings import Settings


def signer_of(settings: Settings) -> Signer:
    """Return what signs for this block; a key is made where there is none. Raises: Misconfigured."""
    from jibu.adapters.auth.block_key import BlockKey

    if settings.signing_key_file is not None:
        return BlockKey.from_file(settings.signing_key_file)
    return BlockKey.in_folder(settings.data_dir)
