"""``jibu receipt``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jibu.cli.options import data_option, existing_data
from jibu.domain.errors import InvalidInput, Unavailable

KEYS_PATH = "/.well-known/jwks.json"
TIMEOUT_S = 10.0


@click.group()
def command() -> None:
    """Check what the block signed."""


@command.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "--keys", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Key set (JWKS) file."
)
@click.option("--url", help="Base address of the service to take the key set from.")
@click.option("--individual", help="Also check that the receipt is about this individual.")
@data_option
def verify(
    file: Any, keys: Path | None, url: str | None, individual: str | None, data_dir: Path | None
) -> None:
    """Check an erasure receipt: FILE is the JSON that the service returned, or - for standard input.

    The keys come from --keys, from a service, or else from the data folder of this machine. Ends with 1 where the
    receipt was changed or another block signed it.
    """
    from jibu.usecases.receipts import check_receipt
    from jibu.wiring.erasing import receipt_check

    said = check_receipt(file.read(), receipt_check(_keys(keys, url, data_dir)), individual_id=individual)
    for line in _lines(said):
        click.echo(line)


def _keys(file: Path | None, url: str | None, data_dir: Path | None) -> bytes:
    """Return the key set. Raises: InvalidInput, Unavailable, Misconfigured."""
    if file is not None and url is not None:
        raise InvalidInput("give either --keys or --url", "keys")
    if file is not None:
        return file.read_bytes()
    if url is not None:
        return _fetched(url.rstrip("/") + KEYS_PATH)
    from jibu.wiring.erasing import own_keys

    return own_keys(existing_data(data_dir))


def _fetched(address: str) -> bytes:
    import httpx

    try:
        response = httpx.get(address, timeout=TIMEOUT_S)
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"no keys at {address}") from error
    return response.content


def _lines(said: dict[str, Any]) -> list[str]:
    about = said.get("documentId") or f"an individual and {len(said['documents'])} documents"
    removed = ", ".join(f"{count} {name}" for name, count in said["removed"].items() if count)
    return [
        f"valid: receipt {said['receiptId']}",
        f"erased: {about}, at {said['erasedAt']}, by {said['erasedBy']}",
        f"removed: {removed or 'nothing was held'}",
        *(f"verified {place}: {said['how'][place]}" for place in said["verified"]),
        "complete" if said["complete"] else "not complete yet: ask the service for the receipt again",
    ]
