"""Let a failed call fail at once.

By itself the client repeats a search for a minute while the server is away, and keeps no status code. Both are
needed here: a caller wants its 503 now, and what to do depends on the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jibu.domain.errors import Misconfigured

if TYPE_CHECKING:
    from weaviate import WeaviateClient


class Failed(Exception):
    """A call to Weaviate failed. ``status`` is gRPC's name for it, ``detail`` the server's words."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(status)
        self.status = status
        self.detail = detail


def fail_fast(client: WeaviateClient) -> None:
    """Make every gRPC call of a connected client raise Failed instead of repeating it. Raises: Misconfigured."""
    import grpc
    from weaviate.proto.v1 import weaviate_pb2_grpc

    class FailFast(grpc.UnaryUnaryClientInterceptor):
        """Looks at the status before the client does."""

        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            """Return the call when it went well."""
            call = continuation(details, request)
            if call.code() is not grpc.StatusCode.OK:
                raise Failed(call.code().name, str(call.details()))
            return call

    connection: Any = client._connection  # noqa: SLF001 - the client offers no door for interceptors
    channel = getattr(connection, "_grpc_channel", None)
    if channel is None or not hasattr(connection, "_grpc_stub"):
        raise Misconfigured(
            "this release of weaviate-client is not known: pip install 'weaviate-client>=4.16,<4.24'"
        )
    stub: Any = weaviate_pb2_grpc.WeaviateStub  # it has no types
    connection._grpc_stub = stub(grpc.intercept_channel(channel, FailFast()))  # noqa: SLF001
