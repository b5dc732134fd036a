"""Builds the consent building block."""

from __future__ import annotations

import re
from collections.abc import Callable

from jibu.domain.chains import ChainReport, Fault
from jibu.domain.errors import InvalidInput, Misconfigured
from jibu.ports import Records, SignatureChecker
from jibu.settings import Settings
from jibu.usecases.consent.agreements import Agreements
from jibu.usecases.consent.auditing import Auditing
from jibu.usecases.consent.checking import Checking
from jibu.usecases.consent.consenting import Consenting
from jibu.usecases.consent.delivering import Delivering
from jibu.usecases.consent.forgetting import Forgetting
from jibu.usecases.consent.individuals import Individuals
from jibu.usecases.consent.policies import Policies
from jibu.usecases.consent.services import ConsentServices
from jibu.usecases.consent.signing import Signing
from jibu.usecases.consent.webhooks import Webhooks
from jibu.usecases.progress import Progress
from jibu.usecases.work import Handler
from jibu.wiring.erasing import erasing_of
from jibu.wiring.parts import Parts, now
from jibu.wiring.signing import signer_of

HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def consent_of(p: Parts) -> ConsentServices:
    """Return the jobs of the consent building block. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.outbound.addresses import check_address

    records, clock = p.records, p.clock
    signatures = checker_of(p.settings)
    private = p.settings.outbound_allow_private
    return ConsentServices(
        policies=Policies(records=records, clock=clock),
        agreements=Agreements(records=records, clock=clock),
        individuals=Individuals(records=records, clock=clock, signatures=signatures),
        webhooks=Webhooks(
            records=records, clock=clock, check_address=lambda url: check_address(url, allow_private=private)
        ),
        consenting=Consenting(records=records, clock=clock),
        signing=Signing(records=records, clock=clock, signatures=signatures),
        forgetting=Forgetting(clock=clock, erasing=erasing_of(p)),
        checking=Checking(records=records),
        auditing=Auditing(records=records, clock=clock, signer=p.signer, signatures=signatures),
    )


def consent_handlers(p: Parts) -> dict[str, Handler]:
    """Return what the relay does for consent. Raises: Misconfigured, Unavailable."""
    auditing = consent_of(p).auditing
    delivering = Delivering(records=p.records, clock=p.clock, pusher=p.pusher)
    return auditing.handlers | delivering.handlers


def checker_of(settings: Settings) -> SignatureChecker:
    """Return what checks individuals' signatures. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.auth.individuals import IndividualSignatures

    if settings.consent_jwks_file is None:
        return IndividualSignatures()
    try:
        return IndividualSignatures(settings.consent_jwks_file.read_bytes())
    except OSError as error:
        raise Misconfigured("the file that JIBU_CONSENT_JWKS_FILE names cannot be read") from error


def consent_check(records: Records, settings: Settings) -> Callable[[str | None, Progress], ChainReport]:
    """Return what proves the history of consent. Raises: Misconfigured, Unavailable."""
    auditing = Auditing(
        records=records, clock=now, signer=signer_of(settings), signatures=checker_of(settings)
    )

    def check(head: str | None, progress: Progress) -> ChainReport:
        report = auditing.verify(None if head is None else _position(head), progress)
        return ChainReport(
            name="consent",
            batches=report.batches,
            entries=report.entries,
            waiting=report.entries - report.signed,
            dropped=0,
            head=f"{report.entries}:{report.head}",
            faults=tuple(Fault(f.where, f"{f.kind}: {f.message}") for f in report.findings),
        )

    return check


def _position(head: str) -> tuple[int, str]:
    found = HEAD.fullmatch(head)
    if found is None:
        raise InvalidInput("a head of consent is POSITION:SHA256, as this command prints it")
    return int(found[1]), found[2]
