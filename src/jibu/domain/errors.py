"""Everything that can go wrong, in the words of the domain.

Adapters translate their vendor's errors into these once, with the cause kept.
``http/problems.py`` holds the one table that maps them to HTTP.
"""

from __future__ import annotations


class JibuError(Exception):
    """Base of every expected failure. ``str(error)`` is safe to show to the caller."""

    code = "internal-error"


class InvalidInput(JibuError):
    """The caller sent something that breaks a rule. ``field`` names it (JSON pointer or parameter)."""

    code = "invalid-input"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(JibuError):
    """The thing does not exist, or the caller may not know that it does."""

    code = "not-found"


class Conflict(JibuError):
    """The change contradicts the present state."""

    code = "conflict"


class TooLarge(JibuError):
    """A body, file or text is over its limit."""

    code = "too-large"


class UnsupportedMedia(JibuError):
    """The media type cannot be read."""

    code = "unsupported-media-type"


class Unauthenticated(JibuError):
    """No valid credential came with the call."""

    code = "unauthenticated"


class Forbidden(JibuError):
    """The credential does not allow this."""

    code = "forbidden"


class ConsentRequired(Forbidden):
    """No consent lets this caller use these personal data. ``link``: where one can be given."""

    code = "consent-required"

    def __init__(self, message: str, link: str | None = None) -> None:
        super().__init__(message)
        self.link = link


class ParseFailed(JibuError):
    """A document could not be read. ``code`` is the stable reason shown in the document's status."""

    code = "parse-failed"

    def __init__(self, message: str, reason: str = "unreadable") -> None:
        super().__init__(message)
        self.reason = reason


class TemporaryError(JibuError):
    """Worth trying again after ``retry_after`` seconds."""

    code = "unavailable"

    def __init__(self, message: str, retry_after: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(TemporaryError):
    """Too many requests are under way for this caller or this process."""

    code = "overloaded"


class Unavailable(TemporaryError):
    """A part that this call needs does not answer."""

    code = "unavailable"


class Away(Unavailable):
    """A server that this part of the work needs cannot be reached; whatever asks for it is not to blame."""


class Misconfigured(JibuError):
    """The configuration cannot work; the message says what to do."""

    code = "misconfigured"


class IndexMismatch(Misconfigured):
    """The index on disk was built by another embedder or has another dimension."""

    code = "index-mismatch"


class IndexBusy(TemporaryError):
    """Another process is writing to the embedded index."""

    code = "index-busy"


class UnknownProvider(InvalidInput):
    """The directory holds no such member, application or service."""

    code = "unknown-provider"


class UpstreamError(JibuError):
    """A service behind the mediator failed. ``service`` names it, ``stage`` says at what: connect, send, answer.

    Where X-Road failed, ``road_error`` is its code and ``road_detail`` what its log knows the case by.
    """

    code = "upstream-bad-answer"

    def __init__(
        self, message: str, service: str = "", stage: str = "", *, road_error: str = "", road_detail: str = ""
    ) -> None:
        super().__init__(message)
        self.service = service
        self.stage = stage
        self.road_error = road_error
        self.road_detail = road_detail


class UpstreamDenied(UpstreamError):
    """The provider's Security Server does not let this client call the service."""

    code = "upstream-denied"


class UpstreamRefused(UpstreamError):
    """Nothing listens at the service's address, or it hangs up at once."""

    code = "upstream-refused"


class UpstreamUnreachable(UpstreamError):
    """The service's host has no address, no route, no valid certificate, or one that may not be called."""

    code = "upstream-unreachable"


class UpstreamTimeout(UpstreamError):
    """The service took too long."""

    code = "upstream-timeout"


class UpstreamBadAnswer(UpstreamError):
    """The service answered with what is not HTTP, too long, or broke off."""

    code = "upstream-bad-answer"
