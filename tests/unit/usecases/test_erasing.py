"""Erasure: what goes, what stays, and the receipt that proves it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from ingestion import OFFICER, Ingestion

from jibu.adapters.auth.block_key import BlockKey, PublicKeys
from jibu.adapters.auth.keyfile import new_pem
from jibu.cli.receipt import command
from jibu.domain.answers import Conversation, Turn
from jibu.domain.errors import InvalidInput, JibuError, NotFound, Unavailable
from jibu.domain.personal import PersonalContext
from jibu.domain.receipts import PLACES, ErasureReceipt, facts
from jibu.ports import UnitOfWork
from jibu.testing.records_samples import answer
from jibu.usecases.receipts import Receipts, check_receipt

TEXT = "# Benefits\n\nThe zebrafish allowance of Amina is 77 shillings a month.\n"
MINE = PersonalContext("amina", "benefits")


def told(receipt: ErasureReceipt) -> str:
    """Return a receipt as the API gives it."""
    return json.dumps(facts(receipt) | {"signature": receipt.signature})


def quote(block: Ingestion, document_id: str, personal: PersonalContext | None = None) -> str:
    """Keep an answer that quotes a document; return its id."""
    like = answer(f"of-{document_id}")
    cited = replace(like.citations[0], document_id=document_id)
    with block.records.write() as uow:
        made = replace(like, citations=(cited,), personal=personal)
        uow.conversations.save_answer(made, owner="c|", question_sha256="0" * 64)
        uow.commit()
    return made.answer_id


def test_the_receipt_is_signed_and_grows_until_it_is_complete(block: Ingestion) -> None:
    """Each look at another place is signed again; at the end the files hold nothing."""
    document = block.receive(TEXT)
    block.relay().run_until_idle()
    quote(block, document.document_id)
    first = block.documents.erase(OFFICER, document.document_id)
    check = PublicKeys(block.signer.jwks()).verify
    said = check_receipt(told(first), check)
    assert (said["documentId"], said["complete"], said["removed"]["answers"]) == (
        document.document_id,
        False,
        1,
    )
    assert said["erasedBy"] == OFFICER.client
    assert {"records", "answers", "index"} == set(said["verified"]) == set(said["how"])
    block.sweep()
    last = Receipts(records=block.records).get(first.receipt_id)
    said = check_receipt(told(last), check)
    assert (said["complete"], tuple(said["verified"])) == (True, PLACES)
    assert check_receipt(str(last.signature), check) == said


def test_an_individual_goes_with_all_that_was_said_for_them(block: Ingestion, tmp_path: Path) -> None:
    """Documents, answers, conversations, and what is removed with them; one receipt that names nobody."""
    for number in range(2):
        block.receive(f"{TEXT}\nNumber {number}.\n", individual_id="amina", agreement_id="benefits")
    other = block.receive(
        "# Fees\n\nA passport costs 50 shillings.\n", individual_id="b", agreement_id="benefits"
    )
    block.relay().run_until_idle()
    with block.records.read() as uow:
        mine = uow.documents.of_individual("amina")
    quote(block, mine[0], MINE)
    with block.records.write() as uow:
        turns = (Turn("user", "What of the zebrafish?", block.clock()),)
        uow.conversations.create(Conversation("c1", "portal|amina", block.clock(), turns))
        uow.commit()

    receipt = block.erasing().individual("portal", "amina", also=lambda _uow: (("consent_records", 3),))
    removed = dict(receipt.removed)
    assert (
        removed["documents"],
        removed["answers"],
        removed["conversations"],
        removed["consent_records"],
    ) == (
        2,
        2,
        1,
        3,
    )
    assert (set(receipt.documents), receipt.document_id) == (set(mine), None)
    assert receipt.verified == ("records", "answers", "index")
    assert "amina" not in told(receipt)
    check = PublicKeys(block.signer.jwks()).verify
    assert check_receipt(told(receipt), check, individual_id="amina")["receiptId"] == receipt.receipt_id
    with pytest.raises(InvalidInput, match="not about"):
        check_receipt(told(receipt), check, individual_id="b")
    block.sweep()
    assert Receipts(records=block.records).get(receipt.receipt_id).complete
    files = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert [
        f.name for f in files if b"zebrafish" in f.read_bytes().lower() or b"amina" in f.read_bytes()
    ] == []
    with block.records.read() as uow:
        assert uow.documents.get(other.document_id).individual_id == "b"


def test_an_erasure_of_nobody_says_so(block: Ingestion) -> None:
    """It may be asked for twice, and again after a crash."""
    receipt = block.erasing().individual("portal", "nobody")
    assert (sum(count for _, count in receipt.removed), receipt.documents) == (0, ())
    assert receipt.verified == ("records", "answers", "index")


def test_what_else_goes_goes_with_it_or_nothing_does(block: Ingestion) -> None:
    """A failure of the other part leaves all as it was."""
    document = block.receive(TEXT, individual_id="amina", agreement_id="benefits")

    def fail(_uow: UnitOfWork) -> tuple[tuple[str, int], ...]:
        raise Unavailable("no")

    with pytest.raises(Unavailable):
        block.erasing().individual("portal", "amina", also=fail)
    with block.records.read() as uow:
        assert uow.documents.of_individual("amina") == [document.document_id]


def test_a_crash_behind_the_records_is_made_good(block: Ingestion) -> None:
    """The relay cleans the index of what a caller that died had begun to erase, and completes the receipt."""
    document = block.receive(TEXT, individual_id="amina", agreement_id="benefits")
    block.relay().run_until_idle()

    class Died(BaseException):
        pass

    def die(*_: object) -> int:
        raise Died

    erasing = block.erasing()
    erasing._clean = die  # type: ignore[assignment, method-assign]  # noqa: SLF001
    with pytest.raises(Died):
        erasing.individual("portal", "amina")
    assert block.index.passage_ids(document.document_id, 1)
    with block.records.read() as uow:
        (begun,) = uow.receipts.incomplete()
    assert begun.verified == ("records", "answers"), "looked at where they were removed"
    block.relay().run_until_idle()
    assert block.index.passage_ids(document.document_id, 1) == set()
    with block.records.read() as uow:
        (receipt,) = uow.receipts.incomplete()
    assert receipt.verified == ("records", "answers", "index")


def test_who_does_not_know_whose_it_was_says_nothing_of_their_records(block: Ingestion) -> None:
    """A job that completes the erasure of an individual looks at the index alone, and says that alone."""
    receipt = block.erasing().individual("portal", "amina")
    with block.records.write() as uow:
        uow.receipts.add(replace(receipt, verified=()))
        uow.commit()
    block.relay().run_until_idle()
    with block.records.read() as uow:
        assert uow.receipts.get(receipt.receipt_id).verified[:1] == ("index",)


@pytest.mark.parametrize(
    "change", ["documentId", "removed", "verified", "complete", "erasedAt", "extra", "how"]
)
def test_a_changed_receipt_is_found_out(block: Ingestion, change: str) -> None:
    """Any field; the message names it."""
    document = block.receive(TEXT)
    body = json.loads(told(block.documents.erase(OFFICER, document.document_id)))
    body[change] = "changed"
    with pytest.raises(InvalidInput, match=change):
        check_receipt(json.dumps(body), PublicKeys(block.signer.jwks()).verify)


@pytest.mark.parametrize("text", ["", "{}", "{", "[]", '{"signature": 7}', "a.b.c", '{"signature": "a.b.c"}'])
def test_what_is_no_receipt_is_refused(block: Ingestion, text: str) -> None:
    """Whatever is handed in."""
    with pytest.raises(InvalidInput):
        check_receipt(text, PublicKeys(block.signer.jwks()).verify)


def test_other_things_that_the_block_signed_are_no_receipts(block: Ingestion) -> None:
    """Nor what another block signed."""
    check = PublicKeys(block.signer.jwks()).verify
    with pytest.raises(InvalidInput, match="another purpose"):
        check_receipt(block.signer.sign(b"{}"), check)
    document = block.receive(TEXT)
    receipt = block.documents.erase(OFFICER, document.document_id)
    with pytest.raises(InvalidInput, match="not known"):
        check_receipt(told(receipt), PublicKeys(BlockKey(new_pem(), "x").jwks()).verify)


def test_the_command_checks_a_receipt_offline(block: Ingestion, tmp_path: Path) -> None:
    """With the key set as a file; a changed receipt ends with an error."""
    document = block.receive(TEXT)
    receipt = block.documents.erase(OFFICER, document.document_id)
    file, keys = tmp_path / "receipt.json", tmp_path / "jwks.json"
    file.write_text(told(receipt))
    keys.write_bytes(block.signer.jwks())
    done = CliRunner().invoke(command, ["verify", str(file), "--keys", str(keys)], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.startswith(f"valid: receipt {receipt.receipt_id}\n")
    file.write_text(told(receipt).replace('"complete": false', '"complete": true'))
    done = CliRunner().invoke(command, ["verify", str(file), "--keys", str(keys)])
    assert isinstance(done.exception, JibuError)
    assert "complete" in str(done.exception)


def test_unknown_receipts_are_not_found(block: Ingestion) -> None:
    """And nothing else."""
    with pytest.raises(NotFound):
        Receipts(records=block.records).get("none")
