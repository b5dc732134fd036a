"""The process that parses one file: ``python -m jibu.adapters.parse.worker LIMITS``, file on stdin."""

from __future__ import annotations

import logging
import math
import os
import resource
import sys
import warnings

from jibu.adapters.parse import wire
from jibu.adapters.parse.limits import EXIT_OUT_OF_MEMORY, Limits
from jibu.domain.errors import ParseFailed

OUTPUT_BYTES_PER_CHARACTER = 6
OUTPUT_SPARE_BYTES = 67_108_864


def confine(limits: Limits) -> None:
    """Bound what this process may use, for good."""
    cpu_s = math.ceil(limits.timeout_s) + 1
    output = limits.max_characters * OUTPUT_BYTES_PER_CHARACTER + OUTPUT_SPARE_BYTES
    bounds = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_FSIZE: output,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for what, most in bounds.items():
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def answer(data: bytes, limits: Limits) -> bytes:
    """Parse a request; every failure becomes an answer."""
    try:
        from jibu.adapters.parse.formats import parse

        return wire.encode_document(parse(wire.decode_request(data), limits))
    except ParseFailed as failure:
        return wire.encode_failure(failure)
    except MemoryError:
        # Nothing is left to build an answer from.
        os._exit(EXIT_OUT_OF_MEMORY)
    except RecursionError:
        return wire.encode_failure(ParseFailed("The document is nested too deeply.", "unreadable"))
    except Exception as error:  # noqa: BLE001 - the last line before the process ends; nothing may get lost
        return wire.encode_failure(ParseFailed(f"The document cannot be read ({type(error).__name__})."))


def main() -> None:
    """Read a request from stdin, write the result to stdout."""
    limits = wire.decode_limits(sys.argv[1])
    confine(limits)
    # What a library prints must not get into the answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    logging.disable()
    with out:
        try:
            out.write(answer(sys.stdin.buffer.read(), limits))
            out.flush()
        except MemoryError:
            os._exit(EXIT_OUT_OF_MEMORY)
    # Skips the tear-down of large trees.
    os._exit(0)


if __name__ == "__main__":
    main()
