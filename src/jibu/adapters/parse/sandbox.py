"""The parser that the service uses: each file is read in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from jibu.adapters.parse import wire
from jibu.adapters.parse.limits import EXIT_OUT_OF_MEMORY, Limits
from jibu.domain.documents import ParsedDocument
from jibu.domain.errors import ParseFailed, Unavailable

WORKER = "jibu.adapters.parse.worker"
_PACKAGE_ROOT = Path(__file__).parents[3]

_OUT_OF_MEMORY = (
    "Reading the document took more memory than allowed. Split it into smaller documents.",
    "out-of-memory",
)


class SandboxedParser:
    """Reads each file in a fresh process with bounded time, memory and output; a bad file fails alone.

    Nothing of a document touches a named file: it passes through unnamed temporary files, so nothing
    stays behind whatever happens. Safe to call from several threads. Times in seconds, sizes in bytes.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 120.0,
        memory_bytes: int = 1_610_612_736,
        max_pages: int = 3000,
        max_characters: int = 20_000_000,
        max_bytes: int = 52_428_800,
    ) -> None:
        self._limits = Limits(timeout_s, memory_bytes, max_pages, max_characters, max_bytes)

    def parse(self, content: bytes, *, filename: str | None, media_type: str | None) -> ParsedDocument:
        """Parse one file. Raises: ParseFailed with a stable reason; Unavailable (no process can start)."""
        if not content:
            raise ParseFailed("The file is empty.", "empty")
        if len(content) > self._limits.max_bytes:
            raise ParseFailed(f"The file is larger than {self._limits.max_bytes} bytes.", "too-large")
        request = wire.encode_request(wire.Request(content, filename, media_type))
        return _result(self._run(request))

    def _run(self, request: bytes) -> bytes:
        try:
            with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout:
                stdin.write(request)
                stdin.seek(0)
                code = self._wait(stdin, stdout)
                stdout.seek(0)
                return stdout.read() if code == 0 else _died(code)
        except OSError as error:
            raise Unavailable("The document reader cannot be started.") from error

    def _wait(self, stdin: IO[bytes], stdout: IO[bytes]) -> int:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-s", "-P", "-m", WORKER, wire.encode_limits(self._limits)],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        try:
            return process.wait(self._limits.timeout_s)
        except subprocess.TimeoutExpired as error:
            raise _too_slow() from error
        finally:
            _kill(process)


def _environment() -> dict[str, str]:
    """Return what the worker may know: no secrets of the service."""
    return {
        "PYTHONPATH": str(_PACKAGE_ROOT),
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and whatever it may have started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _too_slow() -> ParseFailed:
    return ParseFailed("Reading the document took longer than allowed.", "too-slow")


def _died(code: int) -> bytes:
    """Say why a worker ended without an answer. Raises: ParseFailed, always."""
    if code == -signal.SIGXCPU:
        raise _too_slow()
    if code in (-signal.SIGKILL, EXIT_OUT_OF_MEMORY):
        raise ParseFailed(*_OUT_OF_MEMORY)
    raise ParseFailed(f"The document broke the reader (exit status {code}).", "unreadable")


def _result(data: bytes) -> ParsedDocument:
    try:
        return wire.decode_result(data)
    except (ValueError, TypeError, KeyError) as error:
        raise ParseFailed("The document broke the reader (no answer).", "unreadable") from error
