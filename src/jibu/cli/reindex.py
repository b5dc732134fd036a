"""``jibu reindex``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from tqdm import tqdm

from jibu.cli.options import data_option, existing_data
from jibu.domain.generations import Generation, GenerationState
from jibu.settings import Settings
from jibu.usecases.renewal import Renewal, Renewed


@click.command()
@data_option
@click.option(
    "--embedder",
    metavar="NAME",
    help="Build a new index with this embedder (embedded, ollama:MODEL) beside the live one, check it and swap.",
)
@click.option("--force", is_flag=True, help="With --embedder: swap though the new index finds less.")
@click.option("--rollback", is_flag=True, help="Go back to the index that was live before.")
@click.option("--cancel", is_flag=True, help="Give up an index that is being built.")
@click.option("--drop-old", is_flag=True, help="Remove the indexes that are kept for a way back.")
@click.option("--status", is_flag=True, help="Show the generations of the index.")
def command(data_dir: Path | None, *, force: bool, embedder: str | None, **actions: bool) -> None:
    """Rebuild the live index in place, or build another one and swap.

    Without options: put into the live index what it lacks. Stop the relay first.

    With --embedder the service goes on answering from the live index meanwhile, and documents may come and go. Running
    servers and relays change over by themselves. A run that breaks off is simply run again.
    """
    chosen = [*(["embedder"] if embedder else []), *(name for name in actions if actions[name])]
    if len(chosen) > 1 or (force and not embedder):
        raise click.UsageError(
            "give one of --embedder (with --force or not), --rollback, --cancel, --drop-old, --status"
        )
    settings = existing_data(data_dir)
    if not chosen:
        _rebuild(settings)
        return
    from jibu.wiring.engines import embedder_choice
    from jibu.wiring.reindexing import build_renewal

    with build_renewal(settings) as renewal:
        if chosen == ["embedder"]:
            with closing(_Bars()) as bars:
                done = renewal.build(embedder_choice(settings, embedder), bars, force=force)
            _tell(settings, done)
        elif chosen == ["rollback"]:
            with closing(_Bars()) as bars:
                done = renewal.roll_back(bars)
            _tell(settings, done)
        else:
            _look_after(renewal, chosen[0])


def _rebuild(settings: Settings) -> None:
    from jibu.wiring.reindexing import build_reindex

    with build_reindex(settings) as reindex, tqdm(unit="passage", desc="reindex") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        count = reindex.run(progress)
    click.echo(f"{count} passages indexed")


def _look_after(renewal: Renewal, action: str) -> None:
    if action == "cancel":
        click.echo(f"given up: {_line(renewal.cancel())}")
    elif action == "drop_old":
        for one in renewal.drop_old():
            click.echo(f"removed: {_line(one)}")
    for one in renewal.generations():
        click.echo(_line(one))


class _Bars:
    """One progress bar after the other, one for each thing that is done."""

    def __init__(self) -> None:
        self._what = ""
        self._bar = tqdm(disable=True)

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._what != what:
            self.close()
            self._what = what
            self._bar = tqdm(desc=what, unit="probe" if what == "probe" else "passage", total=total)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


def _tell(settings: Settings, done: Renewed) -> None:
    seen, live, kept = done.probed, done.live, done.kept
    compared = "" if seen.live_by_sentence is None else f" (in the index before: {seen.live_by_sentence:.0%})"
    click.echo(
        f"{done.passages} passages, {seen.probes} probes: {seen.by_text:.0%} found by their own text, "
        f"{seen.by_sentence:.0%} by their first sentence{compared}"
    )
    click.echo(f"live: {_line(live)}")
    click.echo(f"kept: {_line(kept)}; `jibu reindex --rollback` goes back to it, `--drop-old` removes it")
    if live.choice != kept.choice:
        from jibu.wiring.engines import SettledEngines

        click.echo(
            f"Processes that run change over by themselves. Now set {SettledEngines(settings).setting(live.choice)}: "
            "with the old setting none starts any more."
        )


def _line(one: Generation) -> str:
    state = {GenerationState.JOINED: "building"}.get(one.state, one.state.value)
    since = f", live since {one.live_at:%Y-%m-%d %H:%M} UTC" if state == "live" and one.live_at else ""
    return (
        f"generation {one.number}  {state}  {one.choice} ({one.embedder}, {one.dimension} dimensions){since}"
    )
