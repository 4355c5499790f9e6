"""`presa replay`: the stored reports through this configuration, and what would come out differently."""

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, database_of, instant, settings_of, show

if TYPE_CHECKING:
    from gateway.upkeep.replay import Replayed


def replay(
    since: Annotated[str | None, typer.Option(help="Only reports received since (ISO 8601 with offset).")] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Run the stored reports through the configuration on a copy that is thrown away; print what would be different."""
    from rich.console import Console
    from rich.progress import Progress

    from gateway.filing import secret_of
    from gateway.upkeep.replay import Replay

    start = instant(since, "--since") if since else None
    settings = settings_of(config)
    counts: Counter[str] = Counter()
    with (
        database_of(database) as opened,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar,
    ):
        run = Replay(settings, opened, secret_of(settings, opened))
        task = bar.add_task("replaying", total=run.count())
        for one in run.run(start, lambda: bar.advance(task)):
            counts["reports"] += 1
            counts["skipped"] += bool(one.skipped)
            counts["different"] += bool(one.changes)
            counts.update(change.what.partition(" ")[0] for change in one.changes)
            if one.changes or one.skipped:
                _print(one, as_json)
    if as_json:
        return
    kinds = ", ".join(f"{what} {n}" for what, n in counts.items() if what not in ("reports", "skipped", "different"))
    typer.echo(
        f"{counts['reports']} reports, {counts['different']} would be different{f' ({kinds})' if kinds else ''}, "
        f"{counts['skipped']} could not be looked at again; nothing was changed"
    )


def _print(one: "Replayed", as_json: bool) -> None:
    row = one.row
    if as_json:
        changes = [{"what": change.what, "was": change.was, "now": change.now} for change in one.changes]
        said: dict[str, Any] = {"report": row.id, "at": row.at, "ticket": one.number, "message_id": row.message_id}
        show({**said, "changes": changes, "skipped": one.skipped or None})
        return
    typer.echo(
        f"{row.id} {row.at.isoformat(timespec='minutes')} {one.number or '-'} {row.envelope_from or ''}".rstrip()
    )
    if one.skipped:
        typer.echo(f"  not looked at: {one.skipped}")
    for change in one.changes:
        typer.echo(f"  {change.what:12} {_shown(change.was)} -> {_shown(change.now)}")


def _shown(value: Any) -> str:
    return "-" if value is None else "yes" if value is True else "no" if value is False else str(value)
