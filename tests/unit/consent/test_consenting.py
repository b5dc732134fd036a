"""Opting in and out, signing, being forgotten."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from block import AGREEMENT, ANN, OFFICER, WANTED, Block, Key

from jibu.domain.consent.values import Individual, RecordState, Schema
from jibu.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from jibu.usecases.consent.records import Consented


def test_opting_in_out_and_in_again(block: Block) -> None:
    """Each is a revision, and each takes effect at once."""
    found = block.consent()
    assert (found.record.state, block.governs()) == (RecordState.UNSIGNED, True)
    out = block.say(found, opt_in=False)
    assert not block.governs()
    assert block.say(out, opt_in=False).revision == out.revision  # the same again changes nothing
    block.say(out, opt_in=True)
    assert block.governs()
    history = block.checking.revisions(Schema.RECORD, found.record.record_id or "", offset=0, limit=9)
    assert history.total == 3
    assert block.auditing.verify().intact


def test_one_record_counts(block: Block) -> None:
    """A second for the same revision is refused; one for a later revision takes the first one's place."""
    first = block.consent()
    with pytest.raises(Conflict):
        block.consent()
    block.change(version="2.0", purpose="More")
    with pytest.raises(Conflict):
        block.say(block.say(first, opt_in=False), opt_in=True)  # what it was for is no more
    second = block.consent()
    assert block.governs()
    assert block.consenting.current("ann", "1").record == second.record
    assert block.consenting.page("ann", None, offset=0, limit=9).total == 1
    assert block.consenting.page("ann", "1", offset=0, limit=9).total == 2
    with pytest.raises(Conflict):
        block.say(first, opt_in=True)
    block.say(second, opt_in=False)
    assert not block.governs(), "the first one's yes does not count any more"
    assert block.auditing.verify().intact


def test_who_and_what_has_to_be_there(block: Block) -> None:
    """Unknown individuals, agreements, revisions and records, and those of others."""
    found = block.consent()
    record_id = found.record.record_id or ""
    block.individuals.create(OFFICER, Individual("bob"))
    with pytest.raises(InvalidInput):
        block.consenting.create(OFFICER, "nobody", "1")
    for revision_id in ("x", found.revision.revision_id if found.revision else ""):
        with pytest.raises(InvalidInput):
            block.consenting.create(OFFICER, "bob", "1", revision_id)
    for ask in (
        lambda: block.consenting.create(OFFICER, "bob", "x"),
        lambda: block.consenting.update(OFFICER, "bob", record_id, found.record),
        lambda: block.consenting.current("bob", "1"),
        lambda: block.signing.start(OFFICER, "bob", record_id, _empty(block)),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(InvalidInput):
        block.consenting.update(ANN, "ann", record_id, replace(found.record, agreement_id="2"))
    block.change(active=False)
    with pytest.raises(Conflict):
        block.consenting.draft("bob", "1")
    assert block.consenting.current("ann", "1").record == found.record


def _empty(block: Block):  # type: ignore[no-untyped-def]
    draft = block.consenting.draft("bob", "1")
    assert draft.signature is not None
    return draft.signature


@pytest.mark.parametrize("kind", ["EdDSA", "ES256", "RS256"])
@pytest.mark.parametrize("detached", [False, True])
def test_a_draft_is_signed_and_kept(block: Block, kind: str, detached: bool) -> None:  # noqa: FBT001
    """It has no id before; the signed text is the record's first revision, as it is."""
    key = Key(kind)
    block.individuals.update(ANN, "ann", Individual("ann", keys=(block.key.public, key.public)))
    block.change(signature_required=True)
    draft, signature = block.drafted(key)
    assert (draft.record.record_id, signature.signature_id, draft.record.state) == (None, None, "unsigned")
    if detached:
        head, _, tail = signature.value.split(".")
        signature = replace(signature, value=f"{head}..{tail}")
    made = block.signing.create(ANN, "ann", draft.record, signature)
    assert (made.record.state, block.governs()) == (RecordState.SIGNED, True)
    assert made.revision is not None
    assert (made.revision.snapshot, made.revision.without_object_id) == (signature.verification_payload, True)
    assert block.auditing.verify().intact
    block.say(made, opt_in=False)
    changed = block.consenting.current("ann", "1")
    assert (changed.record.state, changed.signature) == (RecordState.UNSIGNED, None)
    back = block.say(changed, opt_in=True)
    assert not block.governs(), "the signature was for what was said before"
    sign(block, back)
    assert block.governs()
    assert block.auditing.verify().intact


def sign(block: Block, found: Consented) -> None:
    """Begin and complete a signature."""
    record_id = found.record.record_id or ""
    begun = block.signing.start(ANN, "ann", record_id, block.consenting.draft("ann", "1").signature)  # type: ignore[arg-type]
    assert block.signing.get("ann", record_id).record.state == RecordState.PENDING
    block.signing.complete(ANN, "ann", record_id, block.signed(begun))
    assert block.signing.get("ann", record_id).record.state == RecordState.SIGNED


def test_a_draft_may_be_completed_later(block: Block) -> None:
    """Kept without a value it is pending; the same payload can then be signed."""
    block.change(signature_required=True)
    draft, _ = block.drafted()
    assert draft.signature is not None
    made = block.signing.create(ANN, "ann", draft.record, draft.signature)
    assert (made.record.state, block.governs()) == (RecordState.PENDING, False)
    assert made.signature is not None
    block.signing.complete(ANN, "ann", made.record.record_id or "", block.signed(made.signature))
    assert block.governs()
    assert block.auditing.verify().intact


def test_signatures_that_do_not_hold(block: Block) -> None:
    """Tampered text, foreign key, no algorithm, a public key as a secret, an old draft: nothing is kept."""
    draft, good = block.drafted()
    assert draft.signature is not None
    stranger = Key()
    no_algorithm = "eyJhbGciOiJub25lIn0." + good.value.split(".")[1] + "."
    confused = __import__("jwt").PyJWS().encode(good.payload.encode(), b"x" * 64, algorithm="HS256")
    other_text = good.verification_payload.replace("true", "false")
    other_record = replace(draft.record, opt_in=False)
    wrong = [
        (draft.record, replace(good, value=stranger.sign(good.payload))),
        (draft.record, replace(good, value=no_algorithm)),
        (draft.record, replace(good, value=confused)),
        (draft.record, replace(good, value=block.key.sign("{}"))),
        (draft.record, replace(good, value=good.value[:-4] + "AAAA")),
        (draft.record, replace(good, value="a.b")),
        (draft.record, replace(good, payload="{}", value=block.key.sign("{}"))),
        (draft.record, replace(good, payload="[", value=block.key.sign("["))),
        (draft.record, replace(good, verification_payload=other_text)),
        (draft.record, replace(good, verification_payload_hash="0" * 64)),
        (draft.record, replace(good, verification_method="scan")),
        (draft.record, replace(good, signed_by="somebody else")),
        (draft.record, replace(good, object_reference="x")),
        (other_record, good),
        (replace(draft.record, agreement_revision_hash="0" * 64), good),
        (replace(draft.record, record_id="mine"), good),
        (replace(draft.record, individual_id="bob"), good),
    ]
    for record, signature in wrong:
        with pytest.raises(InvalidInput):
            block.signing.create(ANN, "ann", record, signature)
    block.at += timedelta(days=2)
    with pytest.raises(InvalidInput, match="run out"):
        block.signing.create(ANN, "ann", draft.record, good)
    with pytest.raises(NotFound):
        block.consenting.current("ann", "1")


def test_a_signature_is_good_once(block: Block) -> None:
    """Not for another individual, not after a withdrawal, not after everything was forgotten."""
    block.change(signature_required=True, forgettable=True)
    draft, signature = block.drafted()
    made = block.signing.create(ANN, "ann", draft.record, signature)
    with pytest.raises((InvalidInput, Conflict)):
        block.signing.create(ANN, "ann", draft.record, signature)
    back = block.say(block.say(made, opt_in=False), opt_in=True)
    record_id = back.record.record_id or ""
    begun = block.signing.start(ANN, "ann", record_id, signature)
    for old in (
        signature,
        replace(signature, signature_id=begun.signature_id),
        replace(begun, value=signature.value),
    ):
        with pytest.raises(InvalidInput):
            block.signing.complete(ANN, "ann", record_id, old)
    assert not block.governs()
    block.individuals.create(OFFICER, Individual("bob", keys=(block.key.public,)))
    with pytest.raises(InvalidInput):
        block.signing.create(OFFICER, "bob", replace(draft.record, individual_id=""), signature)
    block.forgetting.forget(ANN, "ann")
    block.individuals.create(OFFICER, Individual("ann", keys=(block.key.public,)))
    with pytest.raises(InvalidInput, match="used before"):
        block.signing.create(ANN, "ann", draft.record, signature)


@pytest.mark.parametrize(
    "key",
    [
        "{}",
        "no json",
        "[1]",
        '{"kty":"oct","k":"c2VjcmV0"}',
        '{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
        '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AAAA"}',
        '{"kty":"OKP","crv":"Ed25519","x":"short"}',
        '{"kty":"RSA","e":"AQAB","n":"AQAB"}',
    ],
)
def test_keys_that_are_none(block: Block, key: str) -> None:
    """Secrets, private keys, other curves, short ones: refused when they are registered."""
    with pytest.raises(InvalidInput):
        block.individuals.update(ANN, "ann", Individual("ann", keys=(key,)))


def test_being_forgotten(block: Block) -> None:
    """Forgettable records go; what has to be kept is withdrawn and stays proven; the rest of the individual goes."""
    free = replace(WANTED, agreement=replace(AGREEMENT, agreement_id="free", forgettable=True))
    broken_off = replace(WANTED, agreement=replace(AGREEMENT, agreement_id="slow", signature_required=True))
    block.agreements.create(OFFICER, free)
    block.agreements.create(OFFICER, broken_off)
    draft, signature = block.drafted()
    kept = block.signing.create(ANN, "ann", draft.record, signature)
    gone = [block.consent("free"), block.consent("slow")]
    found = block.forgetting.forget(ANN, "ann")
    assert set(found.deleted) == {one.record.record_id for one in gone}
    assert found.kept == (kept.record.record_id,)
    assert found.receipt is not None
    assert ("consent_records", 2) in found.receipt.removed
    assert not any(block.governs("ann", name) for name in ("1", "free", "slow"))
    rest = block.individuals.get("ann")
    assert (rest.external_id, len(rest.keys)) == (None, 1)
    for one in gone:
        with pytest.raises(NotFound):
            block.checking.record(one.record.record_id or "")
    log = block.checking.log(offset=0, limit=99).items
    assert "ann" not in {entry.subject for entry in log}
    assert block.auditing.verify().intact
    assert block.forgetting.forget(ANN, "nobody").deleted == ()


def test_an_individual_without_records_goes_as_a_whole(block: Block) -> None:
    """Nothing is left but lines of the log that name nobody."""
    block.change(forgettable=True)
    block.consent()
    block.forgetting.forget(ANN, "ann")
    with pytest.raises(NotFound):
        block.individuals.get("ann")
    assert block.auditing.verify().intact


def test_fifty_clients_change_one_record(block: Block) -> None:
    """Every change is in one line of revisions; who has seen an older one is told so."""
    found = block.consent()
    record_id = found.record.record_id or ""
    start = Barrier(50)

    def turn(_n: int) -> int:
        start.wait(60)
        for _ in range(1000):
            try:
                now = block.signing.get("ann", record_id)
                assert now.revision is not None
                wanted = replace(now.record, opt_in=not now.record.opt_in)
                block.consenting.update(ANN, "ann", record_id, wanted, expected=now.revision.revision_id)
            except Conflict:
                continue
            except Unavailable as error:
                time.sleep(error.retry_after)
                continue
            return 1
        return 0

    with ThreadPoolExecutor(50) as pool:
        done = sum(pool.map(turn, range(50)))
    history = block.checking.revisions(Schema.RECORD, record_id, offset=0, limit=99).items
    assert len(history) == done + 1
    assert done == 50
    assert block.signing.get("ann", record_id).record.opt_in is (done % 2 == 0)
    assert block.auditing.verify().intact


def test_fifty_clients_consent_at_once(block: Block) -> None:
    """One of them makes the record, the others hear of it."""
    start = Barrier(50)

    def consent(_n: int) -> bool:
        start.wait(60)
        while True:
            try:
                block.consent()
            except Conflict:
                return False
            except Unavailable as error:
                time.sleep(error.retry_after)
                continue
            return True

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(consent, range(50))) == 1
    assert block.checking.records(offset=0, limit=9).total == 1
