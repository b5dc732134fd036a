"""After an erasure no byte of it is left: in the data folder, in what was logged, in what was told to others."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

import pytest
import structlog
from ingestion import OFFICER, Ingestion
from people import InProcess, People, person

from jibu.domain.answers import Question
from jibu.domain.personal import PersonalContext
from jibu.http import logs
from jibu.settings import Settings
from jibu.usecases.search import SearchRequest

MARK = "Quaggaphant"
SPELLINGS = tuple(
    spelling.encode(code)
    for spelling in (MARK, MARK.lower(), MARK.upper())
    for code in ("utf-8", "utf-16-le", "utf-16-be")
)
MINE = PersonalContext("amina", "benefits")
AMINA = person("amina")
COMPRESSED = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b\x08")


def holds(data: bytes) -> bool:
    """Tell whether the mark stands somewhere, also in what is compressed."""
    if any(spelling in data for spelling in SPELLINGS):
        return True
    for magic in COMPRESSED:
        at = data.find(magic)
        while at >= 0:
            try:
                inner = zlib.decompressobj(wbits=47).decompress(data[at:], 1_000_000)
            except zlib.error:
                inner = b""
            if any(spelling in inner for spelling in SPELLINGS):
                return True
            at = data.find(magic, at + 1)
    return False


def holding(*folders: Path) -> list[str]:
    """Return the files that hold the mark."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in files if holds(path.read_bytes()))


def live(people: People, personal: PersonalContext | None) -> tuple[str, str]:
    """Load a document with the mark everywhere, and use every way to it; return its id and the conversation's."""
    block = people.block
    said = {} if personal is None else {"individual_id": "amina", "agreement_id": "benefits"}
    words = " ".join(f"{MARK} allowance {n} crowns" for n in range(60))
    body = f"# The {MARK} letter\n\n{words}\n\n| {MARK} | fee |\n| --- | --- |\n| a | 7 |\n"
    document = block.receive(
        body,
        title=f"{MARK} title",
        filename=f"{MARK}.md",
        external_id=f"{MARK}-1",
        url=f"https://x.example/{MARK}",
        **said,
    )
    block.relay().run_until_idle()
    conversation = people.conversations.create(AMINA).conversation_id
    asked = Question(f"How much is the {MARK} allowance?", conversation_id=conversation, context=personal)
    *_, answer = people.answering.stream(AMINA, asked)
    answer = people.ask(AMINA, "And what is the fee?", personal, conversation)
    people.feedback.give(AMINA, answer.answer_id, "helpful", f"the {MARK} was right", context=personal)
    people.search.search(AMINA, SearchRequest(f"{MARK} fee", context=personal))
    people.documents.text(AMINA, document.document_id, context=personal)
    people.documents.passages(AMINA, document.document_id, offset=0, limit=9, context=personal)
    people.conversations.get(AMINA, conversation, context=personal)
    block.relay().run_until_idle()
    return document.document_id, conversation


@pytest.fixture
def people(
    block: Ingestion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> People:
    """Everything, logging all it has to say; temporary files are kept in a folder that is looked at."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    block.parser = InProcess()
    logs.configure(Settings(data_dir=tmp_path, log_level="debug"))
    structlog.get_logger("jibu.test").debug("logging is on")
    assert "logging is on" in capsys.readouterr().out
    people = People(block)
    people.agreement("benefits")
    people.consent("amina", "benefits")
    return people


def test_an_erased_individual_leaves_no_byte(
    people: People, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in a file, not in the log at its most talkative, not in events on their way or told."""
    live(people, MINE)
    block = people.block
    block.receive("# Fees\n\nA passport costs 50 crowns.\n")
    block.relay().run_until_idle()
    assert "jibu.db" in " ".join(holding(tmp_path))
    told = str(block.events())
    block.erasing().individual("portal", "amina")
    block.sweep()
    assert holding(tmp_path) == []
    output = capsys.readouterr()
    assert not holds((output.out + output.err + told + str(block.events())).encode())
    assert len(block.found("passport")) == 1


def test_an_erased_document_leaves_no_byte_of_its_own(people: People, tmp_path: Path) -> None:
    """Of an open one what was answered from it goes too; what its readers asked is theirs and stays."""
    document, conversation = live(people, None)
    people.documents.erase(OFFICER, document)
    people.block.sweep()
    left = people.conversations.get(AMINA, conversation)
    assert [turn.text for turn in left.turns if turn.role == "assistant"] == ["", ""]
    people.conversations.delete(AMINA, conversation)
    with people.block.records.write() as uow:
        uow.outbox.enqueue("compact", "storage", 0, at=people.block.clock())
        uow.commit()
    people.block.sweep()
    assert holding(tmp_path) == []
