"""A consent building block that tests can drive: a clock to turn, keys to sign with, doors to everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from jibu.adapters.auth.block_key import BlockKey
from jibu.adapters.auth.individuals import IndividualSignatures
from jibu.adapters.outbound.addresses import check_address
from jibu.domain.access import Caller
from jibu.domain.consent.values import Agreement, Individual, Policy, Signature
from jibu.ports import Records
from jibu.usecases.consent.agreements import Agreements, WantedAgreement
from jibu.usecases.consent.auditing import Auditing
from jibu.usecases.consent.checking import Checking
from jibu.usecases.consent.consenting import Consenting
from jibu.usecases.consent.forgetting import Forgetting
from jibu.usecases.consent.individuals import Individuals
from jibu.usecases.consent.policies import Policies
from jibu.usecases.consent.records import Consented
from jibu.usecases.consent.signing import Signing
from jibu.usecases.consent.webhooks import Webhooks
from jibu.usecases.erasing import Erasing

OFFICER = Caller("ZZ/GOV/health/portal", frozenset({"consent.config", "consent.service"}))
ANN = Caller("ZZ/GOV/health/app", frozenset(), "ann")
POLICY = Policy("1", "Privacy policy", "1.0", "https://health.example.org/policy")
AGREEMENT = Agreement("1", "1.0", "Reminders", "consent", "none")
WANTED = WantedAgreement(AGREEMENT, policy_id="1")


class NoIndex:
    """Stands for an index with nothing in it."""

    def passage_ids(self, document_id: str, version: int) -> set[str]:  # noqa: ARG002
        """Find nothing."""
        return set()

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:  # noqa: ARG002
        """Remove nothing."""
        return 0

    def compact(self) -> None:
        """Do nothing."""


class Key:
    """A key of an individual. ``kind``: EdDSA, ES256 or RS256."""

    def __init__(self, kind: str = "EdDSA") -> None:
        self.kind = kind
        makers: dict[str, Any] = {
            "EdDSA": Ed25519PrivateKey.generate,
            "ES256": lambda: generate_private_key(SECP256R1()),
            "RS256": lambda: generate_rsa(65537, 2048),
        }
        self.private = makers[kind]()
        algorithm: Any = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}[kind]
        self.public = str(algorithm.to_jwk(self.private.public_key()))

    def sign(self, payload: str) -> str:
        """Return a compact JWS."""
        return jwt.PyJWS().encode(payload.encode(), self.private, algorithm=self.kind)


class Block:
    """Everything, over one store."""

    def __init__(self, records: Records, folder: Path, *, filled: bool = True) -> None:
        self.records = records
        self.at = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
        self.key = Key()
        self.signer = BlockKey.in_folder(folder)
        signatures = IndividualSignatures()
        self.policies = Policies(records=records, clock=self.clock)
        self.agreements = Agreements(records=records, clock=self.clock)
        self.individuals = Individuals(records=records, clock=self.clock, signatures=signatures)
        self.webhooks = Webhooks(
            records=records,
            clock=self.clock,
            check_address=lambda url: check_address(url, allow_private=True),
        )
        self.consenting = Consenting(records=records, clock=self.clock)
        self.signing = Signing(records=records, clock=self.clock, signatures=signatures)
        self.checking = Checking(records=records)
        self.auditing = Auditing(records=records, clock=self.clock, signer=self.signer, signatures=signatures)
        erasing = Erasing(records=records, index=NoIndex(), signer=self.signer, clock=self.clock)
        self.forgetting = Forgetting(clock=self.clock, erasing=erasing)
        if filled:
            self.policies.create(OFFICER, POLICY)
            self.agreements.create(OFFICER, WANTED)
            self.individuals.create(
                OFFICER, Individual("ann", "4711", "national id", keys=(self.key.public,))
            )

    def clock(self) -> datetime:
        """Return a time that goes on with every look."""
        self.at += timedelta(milliseconds=10)
        return self.at

    def governs(self, individual_id: str = "ann", agreement_id: str = "1") -> bool:
        """Tell whether data may be used."""
        with self.records.read() as uow:
            return uow.consent.governs(individual_id, agreement_id, self.at)

    def change(self, **fields: Any) -> Agreement:
        """Change the agreement; ``compatible`` is that of ``WantedAgreement``."""
        compatible = fields.pop("compatible", ())
        present = self.agreements.get("1").value
        wanted = WantedAgreement(replace(present, **fields), policy_id="1", compatible=compatible)
        return self.agreements.update(OFFICER, "1", wanted).value

    def consent(self, agreement_id: str = "1") -> Consented:
        """Let Ann opt in."""
        return self.consenting.create(ANN, "ann", agreement_id)

    def say(self, found: Consented, *, opt_in: bool) -> Consented:
        """Let Ann opt in or out on a record."""
        wanted = replace(found.record, opt_in=opt_in)
        return self.consenting.update(ANN, "ann", found.record.record_id or "", wanted)

    def drafted(self, key: Key | None = None) -> tuple[Consented, Signature]:
        """Return a draft for Ann and its signature, made with a key."""
        draft = self.consenting.draft("ann", "1")
        assert draft.signature is not None
        return draft, self.signed(draft.signature, key)

    def signed(self, signature: Signature, key: Key | None = None) -> Signature:
        """Return a signature with its value."""
        return replace(signature, value=(key or self.key).sign(signature.payload))
