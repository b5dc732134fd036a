"""Migrations up and down on both databases, and the command that does them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner, Result
from sqlalchemy import Connection, text

from jibu.adapters.store import schema, tables
from jibu.adapters.store.answer_codec import dump_answer
from jibu.adapters.store.migrating import Migrations
from jibu.adapters.store.postgres import connect_postgres, open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.store.turns import WRITES
from jibu.cli import cli
from jibu.domain.errors import InvalidInput, JibuError, Misconfigured
from jibu.settings import Settings
from jibu.testing.records_samples import answer, collection, receive, whole
from jibu.wiring.parts import build_migrations

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import postgres

Open = Callable[[], SqlRecords]
Run = Callable[..., Result]


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Name a database without tables."""
    url = postgres.server().new_database() if request.param == "postgres" else None
    return Settings(data_dir=tmp_path, database_url=url)


@pytest.fixture
def connect(settings: Settings) -> Open:
    """Open it as it is."""
    if settings.database_url is None:
        return lambda: open_sqlite(settings.data_dir / "jibu.db", migrate=False)
    return lambda: connect_postgres(settings.database_url or "")


@pytest.fixture
def serve(settings: Settings) -> Open:
    """Open it as the service does."""
    if settings.database_url is None:
        return lambda: open_sqlite(settings.data_dir / "jibu.db")
    return lambda: open_postgres(settings.database_url or "")


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``jibu migrate`` on it."""
    monkeypatch.setenv("JIBU_DATA_DIR", str(settings.data_dir))
    if settings.database_url is not None:
        monkeypatch.setenv("JIBU_DATABASE_URL", settings.database_url)
    return lambda *words: CliRunner().invoke(cli, ["migrate", *words], catch_exceptions=False)


def change(records: SqlRecords, *statements: str) -> None:
    """Do something to the database behind Jibu's back."""
    engine = records._engine.execution_options(**{WRITES: True})  # noqa: SLF001
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_migrations_make_the_tables_that_the_queries_use(connect: Open) -> None:
    """Columns, types, indexes and constraints; and the newest step is the one that the code names."""
    records = connect()
    records.migrate()

    def compare(connection: Connection) -> None:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []

    records.look(compare)
    records.close()
    assert schema.steps()[-1][0] == schema.HEAD


def test_each_step_goes_down_and_up_again(settings: Settings, connect: Open) -> None:
    """One after the other, with data in the tables; down to the first leaves nothing but the note."""
    records = connect()
    records.migrate()
    whole(records, "d1")
    with build_migrations(settings) as migrations:
        for left in range(len(schema.steps()) - 1, -1, -1):
            migrations.down(1)
            assert sum(step.done for step in migrations.steps()) == left
        with pytest.raises(InvalidInput):
            migrations.down(1)
        migrations.up()
        migrations.up()
        assert all(step.done for step in migrations.steps())
    whole(records, "d1")
    records.close()


def test_what_an_older_step_holds_survives_the_way_back(settings: Settings, connect: Open) -> None:
    """Undoing the newest step leaves collections as they were."""
    records = connect()
    records.migrate()
    with records.write() as uow:
        uow.collections.put(collection())
        uow.commit()
    with build_migrations(settings) as migrations:
        migrations.down(len(schema.steps()) - 1)
        migrations.up()
    with records.read() as uow:
        assert uow.collections.all() == [collection()]
    records.close()


def test_the_command_shows_makes_and_undoes(run: Run, serve: Open) -> None:
    """Undoing asks first; showing changes nothing."""
    assert "missing  " in run("--show").output
    assert "missing" not in run().output
    receive(records := serve(), "d1")
    records.close()
    assert run("--down", "1").exit_code == 1  # nobody said yes
    assert "missing" not in run("--show").output
    assert run("--down", "1", "--yes").output.count("missing") == 1
    assert run("--down", "1", "--show").exit_code == 2
    assert "missing" not in run().output


def test_many_may_migrate_at_once(connect: Open) -> None:
    """Exactly one of them does it; nobody fails."""

    def migrate(_: int) -> None:
        records = connect()
        records.migrate()
        records.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, range(4)))
    records = connect()
    records.look(lambda c: _same(c.execute(text("SELECT count(*) FROM counters")).scalar(), 1))
    records.close()


def _same(found: object, expected: object) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("UPDATE alembic_version SET version_num = '9999'",), "9999.*newer.*update Jibu"),
        (("DROP TABLE document_names",), "no table document_names.*restore a backup"),
        (("DROP TABLE alembic_version",), "no note of their revision.*restore a backup"),
    ],
    ids=["newer", "table-missing", "note-missing"],
)
def test_a_database_that_is_not_ours_is_refused(
    connect: Open, settings: Settings, serve: Open, statements: tuple[str, ...], words: str
) -> None:
    """At start and by the command, with what to do, and nothing is changed."""
    records = connect()
    records.migrate()
    change(records, *statements)
    records.close()

    def migrate() -> SqlRecords:
        with build_migrations(settings) as migrations:
            migrations.up()
        return serve()

    for use in (serve, migrate):
        with pytest.raises(Misconfigured, match=words):
            use()


def test_postgresql_is_migrated_by_the_command_alone() -> None:
    """A service that starts beside an older one changes nothing under its feet."""
    url = postgres.server().new_database()
    for prepare in (lambda: None, lambda: _leave_out_newest(url)):
        prepare()
        with pytest.raises(Misconfigured, match="run `jibu migrate`"):
            open_postgres(url)


def _leave_out_newest(url: str) -> None:
    records = connect_postgres(url)
    records.migrate(schema.steps()[-2][0])
    records.close()


def test_the_address_may_stand_in_a_file(tmp_path: Path) -> None:
    """So that no password is in the environment; two addresses are one too many."""
    url = postgres.server().new_database()
    file = tmp_path / "url"
    file.write_text(url + "\n")
    with build_migrations(Settings(data_dir=tmp_path, database_url_file=file)) as migrations:
        migrations.up()
    file.write_text("\n")
    wrong: list[dict[str, object]] = [
        {"database_url_file": file, "database_url": url},
        {"database_url_file": tmp_path / "absent"},
        {"database_url_file": file},
    ]
    for given in wrong:
        with pytest.raises(JibuError, match="JIBU_DATABASE_URL_FILE"):
            _open(Settings(data_dir=tmp_path, **given))  # type: ignore[arg-type]


def _open(settings: Settings) -> None:
    with build_migrations(settings):
        pass


def test_the_address_is_not_shown_with_the_settings() -> None:
    """It may hold a password."""
    assert "secret" not in repr(Settings(database_url="postgresql://u:secret@h/d"))


def test_answers_of_before_learn_their_sources_and_lose_what_is_gone(connect: Open) -> None:
    """An answer that quotes a document that was erased before this step keeps nothing of it."""
    records = connect()
    records.migrate()
    whole(records, "d1")
    later = [revision for revision, _ in schema.steps() if revision > "0006"]
    Migrations(records).down(len(later))
    stay, lose = answer("stay"), answer("lose", "c1")
    lose = replace(lose, citations=(replace(lose.citations[0], document_id="gone"),))
    turn = "INSERT INTO conversation_turns (conversation_id, ordinal, role, text, created_at, answer_id)"
    change(
        records,
        "INSERT INTO conversations (conversation_id, owner, created_at) VALUES ('c1', 'a|b', '2026-01-01')",
        f"{turn} VALUES ('c1', 1, 'assistant', 'secret', '2026-01-01', 'lose')",
        *(
            "INSERT INTO answers (answer_id, owner, conversation_id, question_sha256, created_at, body) VALUES"  # noqa: S608
            f" ('{one.answer_id}', 'a|b', NULL, '0', '2026-01-01', '{dump_answer(one).replace(':', chr(92) + ':')}')"
            for one in (stay, lose)
        ),
    )
    records.migrate()
    with records.write() as uow:
        c = uow.conversations
        assert (c.answer("stay")[0], c.count_quoting("d1")) == (stay, 1)
        assert (c.answer("lose")[0].text, c.answer("lose")[0].citations[0].quote) == ("", "")
        assert [told.text for told in c.get("c1", "a|b").turns] == [""]
    records.close()
