"""Command that looks after mailboxes: mailboxes."""

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, database_of, settings_of, show, wrong

if TYPE_CHECKING:
    from sqlalchemy import Connection


def mailboxes(
    resume: Annotated[
        str | None, typer.Option(help="End the pause of this mailbox: its credentials are right again.", metavar="NAME")
    ] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Mailboxes that are read over IMAP: how far, by whom, what became of their mails, and what is wrong."""
    from gateway.store import mailboxes as stored

    settings = settings_of(config)
    if resume is not None and resume not in settings.mailboxes:
        wrong(f"--resume: {resume!r} is none of {', '.join(settings.mailboxes) or 'no mailboxes at all'}")

    def every(connection: "Connection") -> None:
        for box in settings.mailboxes.values():
            found, counts = stored.load(connection, box.name), stored.counts(connection, box.name)
            told = {
                "mailbox": box.name, "user": box.user, "host": box.host, "folder": box.folder, "address": box.address,
                "read_at": found.polled_at if found else None, "holder": found.holder if found else None,
                "paused_until": found.paused_until if found else None,
                "troubles": sorted(found.troubles) if found else [],
                "listed": sum(counts.values()), "waiting": counts.get("", 0),
                "outcomes": {outcome: count for outcome, count in sorted(counts.items()) if outcome},
            }  # fmt: skip
            if as_json:
                show(told)
                continue
            read = found.polled_at.isoformat(timespec="seconds") if found and found.polled_at else "never"
            troubles = ", ".join(sorted(found.troubles)) if found else ""
            typer.echo(
                f"{box.name:20} {told['listed']:7} listed {told['waiting']:5} waiting  read {read}  {troubles}".rstrip()
            )

    with database_of(database) as opened:
        if resume is None:
            opened.read(every)
        elif opened.write(lambda connection: stored.resume(connection, resume)):
            typer.echo(f"{resume} is tried again at its next poll")
        else:
            wrong(f"--resume: {resume} was never read; 'presa up' reads it")
