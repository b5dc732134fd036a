"""Contract cases: links between documents."""

from __future__ import annotations

from jibu.domain.access import AccessFilter, owner_key
from jibu.domain.linking import MAX_TARGET, MAX_TARGETS, LinkedDocument
from jibu.ports import Records
from jibu.testing.records_samples import activate, receive, save

TRAVEL = AccessFilter(frozenset({"travel"}))


def _store(records: Records, document_id: str, *targets: str, where: str = "travel", **said: str) -> None:
    """Store and make live the next version of a document with these links."""
    document = receive(records, document_id, b"one", where, **said)
    save(records, document_id, document.version, 3, *targets)
    activate(records, document_id, document.version)


def _linked(
    records: Records, document_id: str = "d1", access: AccessFilter = TRAVEL, limit: int = 9
) -> list[str]:
    with records.read() as uow:
        return [one.document_id for one in uow.documents.linked(document_id, access, limit)]


class LinkCases:
    """Which documents one document links to."""

    def test_links_are_resolved_in_order_whatever_came_first(self, records: Records) -> None:
        """Each document once, with its live version and passages; the document itself and strangers never."""
        _store(records, "d2", external_id="guides/fees.md")
        _store(
            records,
            "d1",
            "../forms/a%20form.md#top",
            "fees.md?x=1",
            "fees.md",
            "#here",
            "travel.md",
            "mailto:fees.md",
            "nowhere.md",
            external_id="guides/travel.md",
        )
        assert _linked(records) == ["d2"]
        _store(records, "d3", external_id="forms/A form.md")
        _store(records, "d2", external_id="guides/fees.md")
        assert _linked(records) == ["d3", "d2"]
        assert _linked(records, limit=1) == ["d3"]
        with records.read() as uow:
            assert uow.documents.linked("d1", TRAVEL, 9)[1] == LinkedDocument("d2", 2, 3)
            assert uow.documents.linked("nobody", TRAVEL, 9) == []

    def test_links_never_lead_out_of_what_may_be_read(self, records: Records) -> None:
        """Neither into another collection nor to an individual's document, nor from one."""
        _store(records, "d1", "fees.md", "mine.md", external_id="travel.md")
        _store(records, "d2", where="secret", external_id="fees.md")
        _store(records, "d3", "travel.md", external_id="mine.md", individual_id="i", agreement_id="g")
        owner = owner_key("i", "g")
        assert owner is not None
        both, mine = frozenset({"travel", "secret"}), frozenset({owner})
        assert _linked(records) == []
        assert _linked(records, access=AccessFilter(both)) == ["d2"]
        assert _linked(records, access=AccessFilter(both, mine)) == ["d2", "d3"]
        assert _linked(records, access=AccessFilter(frozenset(), mine)) == []
        assert _linked(records, access=AccessFilter(frozenset({"secret"}))) == []
        assert _linked(records, "d3") == []
        assert _linked(records, "d3", AccessFilter(both, mine)) == ["d1"]

    def test_only_live_versions_count(self, records: Records) -> None:
        """Of the document with the link and of those it links to."""
        _store(records, "d1", "fees.md", url="https://gov.example/travel.html")
        receive(records, "d2", url="https://gov.example/fees.html")
        save(records, "d2", 1)
        assert _linked(records) == []
        activate(records, "d2", 1)
        assert _linked(records) == ["d2"]
        _store(records, "d2", url="https://gov.example/charges.html")
        assert _linked(records) == []
        receive(records, "d1", url="https://gov.example/travel.html")
        save(records, "d1", 2, 3, "https://www.GOV.example/charges")
        assert _linked(records) == []
        activate(records, "d1", 2)
        assert _linked(records) == ["d2"]

    def test_targets_are_bounded(self, records: Records) -> None:
        """In number and length; parsing again replaces them."""
        _store(records, "d2", external_id="last.md")
        long = "x/" * MAX_TARGET
        many = [f"page{n}.md" for n in range(MAX_TARGETS)]
        _store(records, "d1", long + "../" * MAX_TARGET + "last.md", *many, "last.md")
        assert _linked(records) == []
        save(records, "d1", 1, 3, *many[1:], "last.md")
        assert _linked(records) == ["d2"]

    def test_links_go_with_their_version(self, records: Records) -> None:
        """When it is dropped and when the document is erased."""
        _store(records, "d1", "fees.md")
        _store(records, "d1", "fees.md", "mine.md")
        with records.write() as uow:
            assert uow.documents.drop_versions("d1", before=2) == 1
            uow.commit()
        with records.write() as uow:
            removed = dict(uow.documents.erase("d1"))
            uow.commit()
        assert removed["document_links"] == 2
        assert removed["document_names"] > 0
        assert _linked(records) == []
