"""``jibu demo``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from jibu.cli.loading import load_sample, report
from jibu.cli.options import check_port, settings_from
from jibu.cli.serve import hand_down
from jibu.cli.show import answer_lines
from jibu.domain.errors import Unavailable
from jibu.settings import Settings

CLIENT = "JIBU/DEV/DEMO/terminal"
PASTED = "How long is a passport valid?"
TOKEN_TTL_S = 24 * 3600
READY_S = 60.0


@click.command()
@click.option(
    "--data", "data_dir", type=click.Path(path_type=Path), default=Path("jibu-demo"), show_default=True
)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--exit", "leave", is_flag=True, help="Stop the service after the answers are printed.")
def command(data_dir: Path, port: int, *, leave: bool) -> None:
    """Load a sample library, start the service, ask five questions and print the cited answers.

    The library is about the public services of Kalindra, a fictional country, in nine languages. The service goes on
    until Ctrl-C unless --exit is given.
    """
    settings = settings_from(
        data_dir=data_dir, host="127.0.0.1", port=port, profile="dev", log_level="warning"
    )
    signal.signal(signal.SIGTERM, _interrupt)
    check_port(settings)
    _load(settings)
    hand_down(settings)
    with subprocess.Popen([sys.executable, "-m", "jibu", "serve", "--parent", str(os.getpid())]) as server:  # noqa: S603
        try:
            _wait_until_ready(server, port)
            token = _ask_all(settings, port)
            _farewell(port, token)
            if not leave:
                server.wait()
        except KeyboardInterrupt:
            click.echo("stopping")
        finally:
            server.terminate()


def _interrupt(_number: int, _frame: object) -> None:
    """Take SIGTERM for Ctrl-C, so that the service does not outlive the demo."""
    raise KeyboardInterrupt


def _load(settings: Settings) -> None:
    from jibu.sample import library
    from jibu.wiring.services import build

    sample = library()
    click.echo(
        f"Loading the sample library: {len(sample.documents)} documents, {len(sample.languages)} languages"
    )
    with build(settings) as services:
        report(load_sample(services))


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    import httpx

    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable("the service did not start; its own messages say why")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise Unavailable(f"the service was not ready within {READY_S:.0f} s")


def _ask_all(settings: Settings, port: int) -> str:
    """Ask the demo's questions over HTTP, print the answers, return the token."""
    import httpx

    from jibu.sample import library
    from jibu.wiring.tokens import local_issuer

    token = local_issuer(settings).issue(CLIENT, ["rag.query"], ttl_s=TOKEN_TTL_S)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
        for question in library().demo_questions:
            response = client.post("/rag/v1/query", json={"question": question.text})
            response.raise_for_status()
            _print(question.text, response.json())
    return token


def _print(question: str, answer: dict[str, Any]) -> None:
    click.echo(f"\nQ: {question}")
    for line in answer_lines(answer):
        click.echo(line)


def _farewell(port: int, token: str) -> None:
    base = f"http://127.0.0.1:{port}"
    click.echo(
        f"\nAsk for yourself (the token is valid for 24 hours):\n\n"
        f"curl -s {base}/rag/v1/query -H 'Content-Type: application/json' \\\n"
        f"  -H 'Authorization: Bearer {token}' \\\n"
        f'  -d \'{{"question": "{PASTED}"}}\'\n\n'
        f"The page: {base}/   API documentation: {base}/docs   (process {os.getpid()}, Ctrl-C stops it)"
    )
