"""Receipts: read them again, and check them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jibu.domain.errors import InvalidInput
from jibu.domain.receipts import TYPE, ErasureReceipt, disguised
from jibu.ports import Records

Check = Callable[[str, str], bytes]
"""Takes a compact JWS and what it should be for; returns its payload. Raises: InvalidInput."""


class Receipts:
    """Stored receipts. They name nobody, so whoever may erase or audit may read them."""

    def __init__(self, *, records: Records) -> None:
        self._records = records

    def get(self, receipt_id: str) -> ErasureReceipt:
        """Return a receipt as it stands now. Raises: NotFound; Unavailable."""
        with self._records.read() as uow:
            return uow.receipts.get(receipt_id)


def check_receipt(text: str, check: Check, *, individual_id: str | None = None) -> dict[str, Any]:
    """Return what a receipt says, if that is what the block signed.

    ``text`` is the JSON of the API or the bare signature. What stands beside the signature must be what was
    signed. ``individual_id``: the receipt must be about this individual. Raises: InvalidInput that says why not.
    """
    told, token = _parts(text.strip())
    signed = json.loads(check(token, TYPE))
    if told is not None and told != signed:
        changed = sorted(name for name in {*told, *signed} if told.get(name) != signed.get(name))
        raise InvalidInput(f"what it says is not what was signed: {', '.join(changed)}", "signature")
    if individual_id is not None:
        about = signed.get("individual") or {"salt": "", "sha256": ""}
        if disguised(individual_id, about["salt"]).partition(":")[2] != about["sha256"]:
            raise InvalidInput("the receipt is not about this individual", "individual")
    found: dict[str, Any] = signed
    return found


def _parts(text: str) -> tuple[dict[str, Any] | None, str]:
    """Return what a receipt says beside its signature, and the signature."""
    if not text.startswith("{"):
        return None, text
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("this is no receipt: it is no JSON", "receipt") from error
    token = told.pop("signature", None)
    if not isinstance(token, str):
        raise InvalidInput("the receipt is not signed", "signature")
    return told, token
