"""Zip archives of unknown intent: counted and measured before anything is unpacked."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from jibu.domain.errors import ParseFailed

MAX_MEMBERS = 10_000
MAX_UNPACKED_BYTES = 536_870_912
MAX_RATIO = 200
RATIO_FROM_BYTES = 1_048_576
"""Small members may pack well; the ratio counts only beyond this size."""

_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError)


def open_archive(content: bytes) -> zipfile.ZipFile:
    """Open an archive and measure it. Raises: ParseFailed (truncated, bomb, encrypted)."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ParseFailed("The file is damaged or was cut off.", "truncated") from error
    _measure(archive.infolist())
    return archive


def _measure(members: list[zipfile.ZipInfo]) -> None:
    """Check what the directory promises; reading never yields more than that."""
    if len(members) > MAX_MEMBERS:
        raise ParseFailed(f"The file packs more than {MAX_MEMBERS} parts.", "bomb")
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise ParseFailed(f"The file unpacks to more than {MAX_UNPACKED_BYTES} bytes.", "bomb")
    for member in members:
        if member.flag_bits & 1:
            raise ParseFailed("The file is protected by a password.", "encrypted")
        packed_tight = member.file_size > MAX_RATIO * max(member.compress_size, 1)
        if packed_tight and member.file_size > RATIO_FROM_BYTES:
            raise ParseFailed("The file unpacks to far more than its size.", "bomb")


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member's bytes. Raises: ParseFailed (truncated)."""
    try:
        return archive.read(name)
    except _READ_ERRORS as error:
        raise ParseFailed("A part of the file is missing or damaged.", "truncated") from error


def refuse_entities(archive: zipfile.ZipFile) -> None:
    """Refuse document types in XML parts: Office files have none, entity bombs need one. Raises: ParseFailed."""
    for name in archive.namelist():
        # Zero bytes are taken out so that UTF-16 hides nothing.
        if name.endswith((".xml", ".rels", ".vml")) and _DOCTYPE.search(
            read_member(archive, name).replace(b"\0", b"")
        ):
            raise ParseFailed("The file declares XML entities, which can hide a bomb.", "bomb")
