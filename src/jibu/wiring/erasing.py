"""Erasure and what checks its receipts."""

from __future__ import annotations

from jibu.settings import Settings
from jibu.usecases.erasing import Erasing
from jibu.usecases.receipts import Check
from jibu.wiring.parts import Parts
from jibu.wiring.signing import signer_of


def erasing_of(p: Parts) -> Erasing:
    """Return what erases documents and individuals."""
    return Erasing(records=p.records, index=p.spaces.everywhere(), signer=p.signer, clock=p.clock)


def receipt_check(jwks: bytes) -> Check:
    """Return what checks receipts against a key set alone. Raises: InvalidInput (no usable key)."""
    from jibu.adapters.auth.block_key import PublicKeys

    return PublicKeys(jwks).verify


def own_keys(settings: Settings) -> bytes:
    """Return the public keys of this block. Raises: Misconfigured."""
    return signer_of(settings).jwks()
