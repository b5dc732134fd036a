"""The command line, in processes of its own, as a person types it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from jibu import __version__
from jibu.adapters.auth.jwt import JwtVerifier
from jibu.adapters.auth.keys import KeySet
from jibu.adapters.auth.local import ISSUER, LocalIssuer
from jibu.cli import COMMANDS

LONGEST_S = 300.0
HALL = (
    "# Market hall\n\n## Opening hours\n\nThe market hall opens on Tuesday and Friday from 06:00 to 14:00.\n"
)
OPENS = "On which days does the market hall open?"
STALL = "# Stalls\n\n## Price\n\nA stall costs 4 nuras a day. Pay at the office before 07:00.\n"


def jibu(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in an environment without other settings."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}
    return subprocess.run(
        [sys.executable, "-m", "jibu", *arguments],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return text.strip().splitlines()[-1]


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """Return a copy of the data folder with the sample library."""
    return Path(shutil.copytree(sample_data, tmp_path / "data"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data folder "data" in which a town's documents were loaded from "files"."""
    folder = tmp_path_factory.mktemp("town")
    files = folder / "files"
    (files / "market" / ".hidden").mkdir(parents=True)
    (files / "market" / "hall.md").write_text(HALL, encoding="utf-8")
    (files / "market" / ".hidden" / "secret.md").write_text(
        "# Secret\n\nNot for loading.\n", encoding="utf-8"
    )
    (files / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF at all")
    first = jibu("ingest", "files", "--collection", "town", "--data", "data", cwd=folder)
    (folder / "first.txt").write_text(f"{first.returncode}\0{first.stdout}\0{first.stderr}", encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    """What it does, each option with a word about it, on standard output; nothing is made."""
    done = jibu(command, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: jibu {command}")
    assert list(tmp_path.iterdir()) == []


def test_the_program_lists_its_commands(tmp_path: Path) -> None:
    """Each with one line."""
    done = jibu("-h", cwd=tmp_path)
    assert done.returncode == 0
    for name, said in COMMANDS.items():
        assert f"  {name}" in done.stdout
        assert said in done.stdout


def test_version(tmp_path: Path) -> None:
    """The package's."""
    assert jibu("--version", cwd=tmp_path).stdout == f"jibu, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serv"], "No such command 'serv'"),
        (["serve", "--prot", "1"], "No such option"),
        (["serve", "--workers", "0"], "--workers"),
        (["ingest", "nowhere", "-c", "town"], "'nowhere' does not exist"),
        (["ingest", ".", "--data", "data"], "--collection"),
        (["ask"], "QUESTION"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], told: str, tmp_path: Path) -> None:
    """Code 2, one message on standard error, no traceback, nothing made."""
    done = jibu(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_setting_is_explained(tmp_path: Path) -> None:
    """Code 1 and one line that names it."""
    done = jibu("check", "--data", ".", cwd=tmp_path, JIBU_PROT="80")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "jibu: unknown setting JIBU_PROT; see docs/reference/configuration.md\n"


# --- token ---


def test_a_token_is_printed_alone_and_is_good(tmp_path: Path) -> None:
    """One line on standard output; whoever verifies tokens of this folder takes it."""
    arguments = [
        "--client",
        "ZZ/GOV/A/portal",
        "--scope",
        "rag.query read:tax",
        "--subject",
        "ada",
        "--ttl",
        "60",
    ]
    done = jibu("token", "--data", "data", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    keys = KeySet(LocalIssuer(tmp_path / "data", profile="dev", audience="jibu").jwks)
    caller = JwtVerifier(keys, issuer=ISSUER, audience="jibu", leeway_s=0).verify(done.stdout.strip())
    assert (caller.client, caller.subject) == ("ZZ/GOV/A/portal", "ada")
    assert caller.scopes == {"rag.query", "read:tax"}
    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--client", "portal", "--scope", "rag.query"], {}),
        (["--client", "A/B/C/D", "--scope", "rag.everything"], {}),
        (["--client", "A/B/C/D", "--scope", " "], {}),
        (["--client", "A/B/C/D", "--scope", "rag.query"], {"JIBU_PROFILE": "production"}),
    ],
)
def test_a_token_that_may_not_be_is_refused(
    arguments: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    """A client of another form, an unknown scope, no scope, production: one line, nothing on standard output."""
    done = jibu("token", "--data", "data", *arguments, cwd=tmp_path, **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("jibu: ")
    assert done.stderr.count("\n") == 1


# --- ingest, ask ---


def test_the_first_run_loads_the_good_and_tells_the_broken(town: Path) -> None:
    """A summary alone on standard output; name and reason of each failure on standard error; code 1."""
    code, out, err = (town / "first.txt").read_text(encoding="utf-8").split("\0")
    assert (code, out) == ("1", "1 loaded, 0 unchanged, 1 failed\n")
    assert "failed: broken.pdf: " in err
    assert "hall.md:" not in err
    assert "Traceback" not in err


def test_the_next_run_reads_only_what_is_new(town: Path) -> None:
    """Unchanged files are passed over, a new one is loaded, a repaired one too; then the code is 0."""
    (town / "files" / "market" / "stall.md").write_text(STALL, encoding="utf-8")
    (town / "files" / "broken.pdf").unlink()
    again = jibu("ingest", "files", "--collection", "town", "--data", "data", cwd=town)
    assert (again.returncode, again.stdout) == (0, "1 loaded, 1 unchanged, 0 failed\n")
    more = jibu("ingest", "files", "--collection", "town", "--data", "data", cwd=town)
    assert (more.returncode, more.stdout) == (0, "0 loaded, 2 unchanged, 0 failed\n")
    asked = jibu("ask", "What does a stall cost a day?", "--data", "data", "--json", cwd=town)
    answer = json.loads(asked.stdout)
    assert "4 nuras" in answer["answer"]
    assert {citation["collectionId"] for citation in answer["citations"]} == {"town"}


def test_two_files_of_one_name_are_not_loaded_over_each_other(tmp_path: Path) -> None:
    """Neither is loaded; the message names both."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.md").write_text(f"# {folder}\n\nText of {folder}.\n", encoding="utf-8")
    done = jibu("ingest", "a", "b", "-c", "town", "--data", "data", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("jibu: ")
    assert all(name in done.stderr for name in ("a/index.md", "b/index.md"))
    assert not (tmp_path / "data").exists()


def test_ask_prints_the_answer_with_its_quotes(data: Path, tmp_path: Path) -> None:
    """Status, claims with numbers, quotes with their offsets, the AI notice."""
    question = "What is the express fee for an adult passport with 48 pages?"
    done = jibu("ask", question, "--data", str(data), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("answered  (confidence ")
    assert any("150" in line for line in lines)
    assert any(line.strip().startswith("[1] Passport guide > ") for line in lines)
    assert "AI system" in lines[-2] + lines[-1]


def test_ask_prints_the_object_of_the_api(data: Path, tmp_path: Path) -> None:
    """--json: the whole answer; --language and --max-citations count."""
    question = "Who won the football world cup in 1998?"
    arguments = ["--json", "--language", "sw", "--max-citations", "2", "-c", "kalindra"]
    done = jibu("ask", question, "--data", str(data), *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["language"], answer["claims"]) == ("not_found", "sw", [])
    assert len(answer["citations"]) <= 2
    assert answer["notice"].startswith("Jibu")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["ask", "Hello?", "-c", "nowhere"], "no collection 'nowhere'"), (["ask", " "], "question is blank")],
)
def test_ask_explains_what_it_cannot_do(arguments: list[str], told: str, data: Path, tmp_path: Path) -> None:
    """One line and code 1."""
    done = jibu(*arguments, "--data", str(data), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"jibu: {told}"


# --- check, reindex ---


def test_check_tells_that_all_is_well(data: Path, tmp_path: Path) -> None:
    """A line for each part, how much there is, what waits; code 0."""
    done = jibu("check", "--data", str(data), cwd=tmp_path)
    assert done.returncode == 0
    parts = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert {
        name: parts[name] for name in ("settings", "records", "index", "content", "outbox")
    } == dict.fromkeys(("settings", "records", "index", "content", "outbox"), "ok")
    assert "FAIL" not in done.stdout
    assert "1 collections, " in done.stdout


@pytest.mark.parametrize("command", [["check"], ["ask", "Hello?"], ["reindex"]])
def test_a_data_folder_that_is_not_there_is_named(command: list[str], tmp_path: Path) -> None:
    """Code 1 and what to do; none is made."""
    done = jibu(*command, "--data", "missing", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("jibu: there is no data folder missing; ")
    assert list(tmp_path.iterdir()) == []


def test_check_fails_where_the_database_is_broken(tmp_path: Path) -> None:
    """Code 1, one line, no traceback."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "jibu.db").write_bytes(b"this is no database" * 500)
    done = jibu("check", "--data", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert last_line(done.stderr).startswith("jibu: ")


def test_reindex_rebuilds_a_lost_index(town: Path, tmp_path: Path) -> None:
    """The stored texts are the truth: without an index nothing is found, after reindex all is."""
    data = Path(shutil.copytree(town / "data", tmp_path / "data"))
    shutil.rmtree(data / "index")
    lost = jibu("ask", OPENS, "--data", "data", "--json", cwd=tmp_path)
    assert json.loads(lost.stdout)["citations"] == []
    done = jibu("reindex", "--data", "data", cwd=tmp_path)
    assert done.returncode == 0
    assert int(done.stdout.removesuffix(" passages indexed\n")) >= 1
    found = jibu("ask", OPENS, "--data", "data", "--json", cwd=tmp_path)
    assert "06:00" in json.loads(found.stdout)["answer"]


def test_config_prints_the_reference(tmp_path: Path) -> None:
    """Markdown with every setting."""
    done = jibu("config", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "| `JIBU_DATA_DIR` | `jibu-data` |" in done.stdout
