"""The documentation: links lead somewhere, command lines are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from jibu.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"(?<!\\)!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)<>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
FENCE = re.compile(
    r"^ *(?P<fence>`{3,})(?P<language>\w*)[^\n]*\n(?P<body>.*?)^ *(?P=fence)\s*$", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
README_COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/jibu demo",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest",
]


def name_of(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Return a page without its code blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "code", FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the fragments that a page has, as GitHub makes them from headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = set(ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        while slug in found:
            slug += "-1"
        found.add(slug)
    return found


def broken(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    wrong = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        inside = file.is_relative_to(ROOT) and file.exists()
        if not inside or (fragment and file.suffix == ".md" and fragment not in anchors(file)):
            wrong.append(target)
    return wrong


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in a language."""
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [match["body"] for match in found if match["language"] == language]


def command_lines(script: str) -> list[list[str]]:
    """Return the arguments of every `jibu` command in a shell script, also inside pipes and $(…)."""
    script = re.sub(r"<<-?'?(\w+)'?\n.*?^\1$", "", script, flags=re.MULTILINE | re.DOTALL).replace(
        "\\\n", " "
    )
    found = []
    for inner in [*re.findall(r"\$\(([^()]*)\)", script), re.sub(r"\$\([^()]*\)", "x", script)]:
        lexer = shlex.shlex(inner, posix=True, punctuation_chars="();<>|&\n")
        lexer.whitespace, lexer.whitespace_split = " \t", True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if re.fullmatch(r"[();<>|&\n]+", word):
                found.append(words)
                words = []
            else:
                words.append(word)
    return [arguments for words in found if (arguments := _of_jibu(words)) is not None]


def _of_jibu(words: list[str]) -> list[str] | None:
    """Return what follows the program's name; variables set in front of it and `env` are passed over."""
    for at, word in enumerate(words):
        if word in {"env", "sudo", "nohup", "time", "exec"} or re.fullmatch(r"\w+=.*", word):
            continue
        if words[at : at + 3] in (["python", "-m", "jibu"], ["python3", "-m", "jibu"]):
            return words[at + 3 :]
        return words[at + 1 :] if Path(word).name == "jibu" else None
    return None


def check_command(arguments: list[str], folder: Path) -> None:
    """Parse a command line as click would; paths that must exist are made.

    Raises: click.ClickException when the program would refuse it.
    """
    if arguments and arguments[0] in {"--help", "-h", "--version"}:
        return
    context = click.Context(cli)
    name, command, rest = cli.resolve_command(context, list(arguments))
    assert command is not None
    for argument in (a for a in rest if not a.startswith("-")):
        path = folder / argument
        if "/" not in str(path.relative_to(folder)) or ".." not in argument:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch() if path.suffix else path.mkdir()
    if not {"--help", "-h"} & set(rest):
        command.make_context(name, rest, parent=context)


def test_there_is_something_to_check() -> None:
    """The patterns find links and commands, right and wrong."""
    pages = [page for page in PAGES if LINK.findall(prose(page))]
    assert len(pages) >= 3
    assert LINK.findall('[a](b.md) [`c`](<d.md>) ![e](f.png "g")') == ["b.md", "d.md", "f.png"]
    script = """A=1 jibu ask "x; y" | less
cat <<END
jibu wrong
END
T=$(.venv/bin/jibu token \\
 --ttl 5)&&python3 -m jibu check
curl -d '{"a":
 "jibu b"}'
jibu reindex  # jibu no
"""
    lines = command_lines(script)
    assert sorted(lines) == [["ask", "x; y"], ["check"], ["reindex"], ["token", "--ttl", "5"]]


@pytest.mark.parametrize(
    "line", ["jibu asks x", "jibu ask", "jibu serve --prot 1", "jibu token --ttl 1", "jibu demo x"]
)
def test_a_wrong_command_would_be_noticed(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check refuses what click refuses."""
    monkeypatch.chdir(tmp_path)
    [arguments] = command_lines(line)
    with pytest.raises(click.ClickException):
        check_command(arguments, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_resolves(page: Path) -> None:
    """Files, and headings where one is named."""
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_line_is_one_that_the_program_takes(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each `jibu …` in a bash block: the command exists, with these options and values."""
    monkeypatch.chdir(tmp_path)
    for script in blocks(page, "bash"):
        for arguments in command_lines(script):
            try:
                check_command(arguments, tmp_path)
            except click.ClickException as error:
                pytest.fail(f"jibu {shlex.join(arguments)}: {error.format_message()}")


def test_the_readme_has_the_two_commands() -> None:
    """From nothing to answers, and from nothing to tested: each one line."""
    lines = [line for script in blocks(ROOT / "README.md", "bash") for line in script.strip().splitlines()]
    assert lines[:2] == README_COMMANDS


def test_the_requirements_are_counted_and_their_proofs_exist() -> None:
    """The status table has as many rows as there are; every file that a row names is there."""
    page = (ROOT / "docs" / "requirements.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if re.match(r"\| [A-Z]+-\S+ \|", line)]
    counted = re.findall(r"^\| (shown|partly|not yet) \| (\d+) \|$", page, re.MULTILINE)
    assert dict(Counter(row[3] for row in rows)) == {status: int(number) for status, number in counted}
    named = re.findall(r"`((?:tests|docs|benchmarks|\.ci)/[^`]*)`", page)
    assert len(named) > len(rows)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_listed() -> None:
    """Each page of a decision is in their table, under its own number; no number is there twice."""
    folder = ROOT / "docs" / "adr"
    listed = re.findall(
        r"^\| \[(\d+)\]\((\d{4}-\S+\.md)\) \|", (folder / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert [name for _, name in listed] == sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(number) for number, _ in listed] == [int(name[:4]) for _, name in listed]
    assert len({number for number, _ in listed}) == len(listed)
