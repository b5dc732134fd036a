"""Fetching OpenAPI documents from where a configuration says they are: checked addresses, bounded in every way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from jibu.domain.errors import InvalidInput, UpstreamError
from jibu.domain.mediation import ApplicationId, MemberId, Service
from jibu.domain.targets import check_document_url
from jibu.ports.mediation import Outgoing, Upstream
from jibu.usecases.configuring import Texts, Wanted

MAX_BYTES = 1_200_000
"""What the longest document that is read (300 000 characters) can have, and no more."""
EACH_S = 10.0
ALL_S = 25.0
AT_ONCE = 4
NOBODY = ApplicationId(MemberId("-", "-", "-"), "-")
HEADERS = ((b"accept", b"application/yaml, application/json, text/yaml, */*;q=0.5"),)
REASONS = {
    "upstream-refused": "the connection was refused",
    "upstream-unreachable": "its address cannot be reached or may not be called",
    "upstream-timeout": "it takes too long",
}


class Fetching:
    """Gets documents: GET, no credentials, no redirects, the addresses that services may have and no others."""

    def __init__(self, make: Callable[[], Upstream]) -> None:
        self._make = make

    async def fetch(self, wanted: Sequence[Wanted]) -> Texts:
        """Return each document. Raises: InvalidInput that names the place whose document cannot be had."""
        if not wanted:
            return {}
        upstream, slots = self._make(), asyncio.Semaphore(AT_ONCE)

        async def one(each: Wanted) -> tuple[str, str]:
            async with slots:
                return each.url, await _text(upstream, each)

        tasks = [asyncio.ensure_future(one(each)) for each in wanted]
        try:
            async with asyncio.timeout(ALL_S):
                found = await asyncio.gather(*tasks)
        except TimeoutError as error:
            raise InvalidInput(
                "the documents could not be fetched in time; PATCH them in several calls", "members"
            ) from error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await upstream.close()
        return {each.service_id: text for each, text in zip(wanted, found, strict=True)}


async def _text(upstream: Upstream, each: Wanted) -> str:
    try:
        async with asyncio.timeout(EACH_S):
            body = await _body(upstream, each)
    except TimeoutError as error:
        raise _refused(each, REASONS["upstream-timeout"]) from error
    except UpstreamError as error:
        raise _refused(each, REASONS.get(error.code, "it did not answer with HTTP")) from error
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(each, "it is not UTF-8") from error


async def _body(upstream: Upstream, each: Wanted) -> bytes:
    answer = await upstream.send(_request(each))
    try:
        if answer.status != 200:
            raise _refused(each, f"it answers with status {answer.status}")
        body = bytearray()
        async for chunk in answer.chunks():
            body += chunk
            if len(body) > MAX_BYTES:
                raise _refused(each, f"it is longer than {MAX_BYTES} bytes")
        return bytes(body)
    finally:
        await answer.close()


def _request(each: Wanted) -> Outgoing:
    """Return the request as one to a service at the document's host."""
    check_document_url(each.url, private=each.private, field=each.where)
    parts = urlsplit(each.url)
    service = Service(
        NOBODY,
        "openapi",
        "",
        f"{parts.scheme}://{parts.netloc}",
        (),
        timeout_s=EACH_S,
        private_host=each.private,
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Outgoing(service, "GET", target, HEADERS, None)


def _refused(each: Wanted, why: str) -> InvalidInput:
    return InvalidInput(f"the OpenAPI document cannot be fetched: {why}", each.where)
