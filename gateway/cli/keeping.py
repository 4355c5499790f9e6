"""What is kept: held mails, a person's data out or erased, copies of the database and the way back."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import DEMO_DATABASE, AsJson, Config, DatabaseUrl, database_of, settings_of, show, wrong

if TYPE_CHECKING:
    from gateway.engine import Engine
    from gateway.mail.held import How
    from gateway.upkeep.backups import Progress
    from gateway.web.held_desk import HeldDesk


def held(
    what: Annotated[str, typer.Argument(help="list, show, release or own.")] = "list",
    reports: Annotated[list[int] | None, typer.Argument(min=1, help="Ids of reports, from the list.")] = None,
    onto: Annotated[str | None, typer.Option(metavar="TICKET", help="Release onto this ticket.")] = None,
    spam: Annotated[bool, typer.Option("--spam", help="Release as spam; list what was called spam.")] = False,
    by: Annotated[str | None, typer.Option(help="Who decides.", show_default="the user of this computer")] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Mails that wait for a person's decision: each becomes a new ticket, part of one, or spam. `own` gives a mail that was
    added to a ticket, or came again, a ticket of its own."""
    if what not in ("list", "show", "release", "own"):
        wrong(f"{what!r} is neither list, show, release nor own")
    if what != "list" and not reports:
        wrong(f"which? give ids: presa held {what} 7")
    if onto and spam:
        wrong("give --onto or --spam, not both")
    if what == "own" and (onto or spam):
        wrong("a ticket of its own is a new one; 'own' takes neither --onto nor --spam")
    with _engine(config, database) as engine:
        if what in ("release", "own"):
            how: How | None = None if what == "own" else "onto" if onto else "spam" if spam else "new"
            raise typer.Exit(_release(engine, reports or [], how, onto or "", by or getpass.getuser()))
        from gateway.web.held_desk import HeldDesk

        desk = HeldDesk(engine)
        if what == "list":
            _list(desk, spam=spam, as_json=as_json)
        for report in reports or []:
            _show(desk, report, as_json=as_json)


def _list(desk: "HeldDesk", *, spam: bool, as_json: bool) -> None:
    """Who waits longest comes first."""
    start = 0
    while rows := desk.rows(100, start, spam=spam):
        for row in rows:
            if as_json:
                said = {"id": int(row.id), "at": row.at, "from": row.sender, "subject": row.subject}
                show({**said, "reason": row.reason})
            else:
                typer.echo(
                    f"{row.id:>6} {row.at.isoformat(timespec='minutes')} {row.reason:20} {row.sender}: {row.subject}"
                )
        start += 100


def _show(desk: "HeldDesk", report: int, *, as_json: bool) -> None:
    """What it says, why it is held, what was decided."""
    page = desk.page(str(report))
    if page is None:
        wrong(f"there is no mail {report}; 'presa held' lists what waits")
    row = page.row
    if as_json:
        show({**asdict(row), **{name: value for name, value in asdict(page).items() if name != "row"}})
        return
    typer.echo(f"From: {row.sender}\nTo: {page.to}\nSubject: {row.subject}\nReceived: {row.at.isoformat()}")
    typer.echo(f"Outcome: {page.outcome} {page.ticket} {row.reason}\n\n{page.text}")
    for one in page.attachments:
        typer.echo(f"  file: {one.filename!r} {one.content_type} {one.size} bytes")
    for line in page.evidence:
        typer.echo(f"  {line}")
    for told in page.story:
        typer.echo(f"  {told.at.isoformat(timespec='seconds')} {told.by}: {told.did}")


def _release(engine: "Engine", reports: list[int], how: "How | None", ticket: str, by: str) -> int:
    """Each in its own transaction (`how` None: a ticket of its own); deciding the same again changes nothing. The exit code."""
    from gateway.errors import Permanent
    from gateway.mail.held import Choice, release, separate

    failed = 0
    for report in reports:
        try:
            done = release(engine, report, Choice(how, by, ticket)) if how else separate(engine, report, by)
            typer.echo(f"{report}: {done.outcome} {done.number or 'spam'}{' (as before)' if done.again else ''}")
        except Permanent as trouble:
            failed = 1
            typer.echo(f"{report}: {trouble.public}", err=True)
    return failed


def export(
    person: Annotated[str | None, typer.Option(help="A mail address, telephone number or contact's id.")] = None,
    customer: Annotated[str | None, typer.Option(help="A customer's id.")] = None,
    out: Annotated[Path | None, typer.Option(help="A ZIP file with the mails too.", show_default="JSON lines")] = None,
    database: DatabaseUrl = None,
) -> None:
    """Everything that is stored about a person or a customer."""
    from gateway.people import personal
    from gateway.store import people

    if (person is None) == (customer is None):
        wrong("give exactly one of --person, --customer")
    if out is not None and out.exists():
        wrong(f"--out: {out} is there already; give another name")

    def write(connection: Any) -> int:
        subject = people.person(connection, person) if person else people.Subject(customer or "", customer=customer)
        traces = people.traces(connection, subject)
        if out is not None:
            return personal.archive(connection, traces, out)
        return sum(
            bool(sys.stdout.write(f"{personal.as_line(record)}\n")) for record in personal.records(connection, traces)
        )

    with database_of(database) as opened:
        count = opened.read(write)
    typer.echo(f"{count} records{f' in {out}' if out else ''}", err=True)


def erase(
    person: Annotated[str, typer.Option(help="A mail address, telephone number or contact's id.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """Erase a person's data for good: texts, raw mails, attachments, letters, calls. Ids stay as the audit."""
    from gateway.people import personal
    from gateway.store import people

    with database_of(database) as opened:
        found = opened.read(lambda c: people.traces(c, people.person(c, person)))
        told = asdict(found)
        counts = {name: value if name == "open" else len(value) for name, value in told.items()}
        if not any(counts.values()):
            typer.echo(f"nothing is stored about {person}")
            return
        for name, count in counts.items():
            typer.echo(f"  {count:6} {name if name != 'open' else 'of the tickets are still open'}")
        if dry_run:
            typer.echo("dry run: nothing was erased")
            return
        if not yes:
            typer.confirm(f"Erase all of it, for good? Nobody can bring it back but a backup. {person}", abort=True)
        done = personal.erase(opened, person, getpass.getuser())
    typer.echo(
        f"erased, with {done.raws} raw mails. Take the person out of directory.yaml too; backups still hold the data"
    )
    for recording in done.recordings:
        typer.echo(f"the carrier keeps the recording {recording}: delete it there")


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """A whole copy of the database; Presa may be up."""
    from gateway.upkeep import backups

    with database_of(database) as opened, _bar("copying") as progress:
        size = backups.backup(opened, file, force=force, progress=progress)
    typer.echo(f"{file}: {size} bytes")


def restore(
    file: Annotated[Path, typer.Argument(help="A copy that 'presa backup' wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that is not empty.")] = False,
    database: DatabaseUrl = None,
) -> None:
    """Make the database what a copy holds. Stop Presa first."""
    from gateway.upkeep import backups

    with _bar("restoring") as progress:
        revision = backups.restore(database or DEMO_DATABASE, file, force=force, progress=progress)
    typer.echo(f"restored, schema {revision}; 'presa check' balances its ledger")


@contextmanager
def _bar(words: str) -> "Iterator[Progress]":
    """A progress bar where somebody looks at it."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(words, total=None)
        yield lambda left, total: bar.update(task, total=total, completed=total - left)


@contextmanager
def _engine(config: Path | None, database: str | None) -> "Iterator[Engine]":
    from gateway import app

    with database_of(database) as opened:
        yield app.build(settings_of(config), opened).engine
