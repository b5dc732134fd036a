"""What an individual signs: a payload that quotes the revision, and what has to be true of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from jibu.domain.consent.canonical import Json, canonical, digest, moment
from jibu.domain.consent.values import Revision, Signature
from jibu.domain.errors import InvalidInput

METHOD = "JWS"
METHODS = (METHOD, "RS256", "ES256", "EdDSA")
OBJECT_TYPE = "revision"
MAX_PAYLOAD = 262_144


def to_sign(text: str, *, signed_by: str, at: datetime, reference: str | None) -> Signature:
    """Return a signature without value over the text of a revision. ``reference``: its id, None for a draft."""
    signature = Signature(
        payload="",
        value="",
        verification_method=METHOD,
        verification_payload=text,
        verification_payload_hash=digest(text),
        signed_by=signed_by,
        timestamp=moment(at),
        without_object_reference=reference is None,
        object_type=OBJECT_TYPE,
        object_reference=reference,
    )
    return replace(signature, payload=payload_of(signature))


def payload_of(signature: Signature) -> str:
    """Return the text to sign for what a signature says, as Jibu writes it."""
    return canonical(_words(signature))


def check_payload(signature: Signature, expected: str) -> None:
    """Check that the signed text says what the signature says, and that both are about ``expected``.

    The order of names and blanks in the payload do not matter, its bytes are what is signed.
    Raises: InvalidInput.
    """
    if signature.verification_method not in METHODS:
        raise InvalidInput(f"is none of {', '.join(METHODS)}", "signature/verificationMethod")
    if signature.verification_payload != expected:
        raise InvalidInput("is not what is to be signed: get it anew", "signature/verificationPayload")
    if signature.verification_payload_hash != digest(expected):
        raise InvalidInput("is not the hash of verificationPayload", "signature/verificationPayloadHash")
    if len(signature.payload) > MAX_PAYLOAD:
        raise InvalidInput("is too long", "signature/payload")
    try:
        said = json.loads(signature.payload)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("is not JSON", "signature/payload") from error
    wanted = _words(signature)
    if not isinstance(said, dict) or said.keys() - wanted.keys():
        raise InvalidInput("holds something else than a signature's fields", "signature/payload")
    must = {name for name, value in wanted.items() if value is not None}
    wrong = sorted(name for name in wanted.keys() & said.keys() | must if said.get(name) != wanted[name])
    if wrong:
        raise InvalidInput(f"does not agree with the signature's {', '.join(wrong)}", "signature/payload")


def minimal(signature: Signature) -> Signature:
    """Return a signature without the artifact (a scan, an image) and, where the signed text quotes it, without that.

    What was consented to and its hash stay. A signature that came with no artifact stays as it is.
    """
    if signature.artifact is None:
        return signature
    head, _, rest = signature.value.partition(".")
    return replace(signature, artifact=None, payload="", value=f"{head}..{rest.rpartition('.')[2]}")


def signs(signature: Signature, revision: Revision) -> bool:
    """Tell whether a signature is about this revision."""
    return signature.verification_payload_hash == revision.hash


def _words(signature: Signature) -> dict[str, Json]:
    return {
        "verificationPayload": signature.verification_payload,
        "verificationPayloadHash": signature.verification_payload_hash,
        "verificationMethod": signature.verification_method,
        "verificationArtifact": signature.artifact,
        "verificationSignedBy": signature.signed_by,
        "verificationSignedAs": signature.signed_as,
        "verificationJwsHeader": signature.jws_header,
        "timestamp": signature.timestamp,
        "signedWithoutObjectReference": signature.without_object_reference,
        "objectType": signature.object_type,
        "objectReference": signature.object_reference,
    }
