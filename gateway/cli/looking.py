"""What is stored, printed: tickets, explain, ledger, calls, and jobs, where a dead one can be run again."""

from typing import Annotated, Any

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, database_of, settings_of, show, wrong


def tickets(
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
    count: Annotated[bool, typer.Option("--count", help="Only how many.")] = False,
) -> None:
    """All tickets."""
    from gateway.filing import filing_of
    from gateway.store import queues, reports
    from gateway.store import tickets as stored

    with database_of(database) as opened:
        if count:
            typer.echo(opened.read(stored.count))
            return
        filing = filing_of(settings_of(config), opened)

        def every(connection: Any) -> None:
            chunk: list[Any] = []
            for ticket in stored.every(connection, filing.prefixes):
                chunk.append(ticket)
                if len(chunk) == 500:
                    _print(connection, filing, chunk, as_json)
                    chunk = []
            _print(connection, filing, chunk, as_json)

        def _print(connection: Any, filing: Any, chunk: list[Any], as_json: bool) -> None:
            ids = reports.message_ids(connection, [ticket.id for ticket in chunk])
            further = queues.of(connection, [ticket.id for ticket in chunk])
            for ticket in chunk:
                if as_json:
                    show(_ticket(filing, ticket, ids.get(ticket.id, ()), further.get(ticket.id, ())))
                else:
                    typer.echo(
                        f"{ticket.number}  {ticket.state:8} {ticket.priority:6} {ticket.queue:12} {ticket.customer or '-':10} "
                        f"{ticket.subject[:60]}"
                    )

        opened.read(every)


def _ticket(filing: Any, ticket: Any, message_ids: tuple[str, ...], further: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "ticket": ticket.number, "customer": ticket.customer,
        "contact": (ticket.requester or ticket.contact) if ticket.contact else None, "plan": ticket.plan, "kind": ticket.kind,
        "priority": ticket.priority, "queue": ticket.queue,
        "further_queues": [{"desk": one.desk, "queue": one.queue, "address": one.address} for one in further],
        "state": ticket.state, "opened": ticket.opened_at,
        "message_ids": list(message_ids), "reply_to": filing.reply_to(ticket), "outgoing_message_id": filing.outgoing_message_id(ticket),
        "subject": ticket.subject, "level": ticket.level, "verified": ticket.verified, "language": ticket.language,
        "channel": ticket.channel, "assignee": ticket.assignee, "received": ticket.received_at, "next_due": ticket.next_due,
    }  # fmt: skip


def explain(
    ticket: Annotated[str, typer.Argument(help="A ticket's number, such as PR-1002-4130.")],
    config: Config = None,
    database: DatabaseUrl = None,
    language: Annotated[str, typer.Option(help="it or en.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Why everything about a ticket is as it is: who, kind, priority, deadlines, queue, who was rung."""
    from gateway.filing import filing_of
    from gateway.store import queues
    from gateway.store import tickets as stored
    from routing import numbers, sla_words
    from routing import sla as clocks

    found = numbers.ticket_id(ticket)
    if found is None:
        wrong(f"{ticket!r} is no ticket number: its check digit is wrong or it has too few digits")
    with database_of(database) as opened:
        filing = filing_of(settings_of(config), opened)
        known = opened.read(lambda c: filing.ticket(c, found))
        if known is None:
            wrong(f"there is no ticket {ticket}")
        story = opened.read(lambda c: stored.story(c, known.id))
        further = opened.read(lambda c: queues.of(c, (known.id,))).get(known.id, ())
        stamp = filing.stamp(known, opened.clock.now()) if known.plan else None
        if as_json:
            show({
                **_ticket(filing, known, (), further), "evidence": list(known.evidence),
                "clocks": clocks.as_json(stamp, filing.desk(known.desk).zone) if stamp else None,
                "story": [{"at": e.at, "kind": e.kind, "author": e.author, **e.data} for e in story],
            })  # fmt: skip
            return
        typer.echo(
            f"{known.number}: {known.subject}\n{known.kind} {known.priority}, {known.state}, queue {known.queue} ({known.level})"
        )
        for one in further:
            typer.echo(f"also in queue {one.queue} of the desk {one.desk}: sent to {one.address} too")
        typer.echo("\nWhy")
        for line in known.evidence:
            typer.echo(f"  {line}")
        if stamp is not None:
            typer.echo("\nBy when")
            for line in sla_words.in_words(stamp, language):
                typer.echo(f"  {line}")
        typer.echo("\nWhat happened")
        for entry in story:
            words = entry.data.get("words") or entry.data.get("text") or entry.data.get("subject", "")
            typer.echo(
                f"  {entry.at.isoformat(timespec='seconds')}  {entry.kind:11} {entry.author}: {str(words)[:200]}"
            )


def ledger(
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, for spreadsheets.")] = False,
    outcome: Annotated[str | None, typer.Option(help="new,append,duplicate,held,refused")] = None,
) -> None:
    """Every report and its one outcome."""
    from gateway.cli.sheets import Sheet
    from gateway.store import reports
    from routing import numbers

    wanted = tuple(filter(None, (outcome or "").split(",")))
    unknown = set(wanted) - set(reports.OUTCOMES)
    if unknown:
        wrong(f"--outcome: {', '.join(sorted(unknown))} is none of {', '.join(reports.OUTCOMES)}")
    prefix = next(iter(settings_of(config).desks.values())).ticket_prefix

    def every(connection: Any) -> None:
        sheet = Sheet()
        for row in reports.ledger(connection, wanted):
            number = numbers.number_of(row.ticket_id, prefix) if row.ticket_id else None
            facts = {
                "id": row.id, "at": row.at, "door": row.door, "peer": row.peer, "message_id": row.message_id,
                "envelope_from": row.envelope_from, "rcpt": list(row.rcpt), "outcome": row.outcome, "reason": row.reason,
                "ticket": number, "customer": row.customer, "verified": row.verified, "acknowledge": row.acknowledge,
                "sha256": row.sha256,
            }  # fmt: skip
            if as_csv:
                sheet.write(facts)
            elif as_json:
                show(facts)
            else:
                typer.echo(
                    f"{row.id:6} {row.at.isoformat(timespec='seconds')} {row.door:6} {row.outcome:9} "
                    f"{number or row.reason or '-':14} {row.envelope_from or ''}"
                )

    with database_of(database) as opened:
        opened.read(every)


def calls(config: Config = None, database: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Customers' calls with their events, in order of time."""
    from gateway.store import calls as stored
    from routing import numbers

    prefix = next(iter(settings_of(config).desks.values())).ticket_prefix

    def every(connection: Any) -> None:
        for call, events in stored.every(connection):
            number = numbers.number_of(call.ticket_id, prefix) if call.ticket_id else None
            if as_json:
                show(
                    {
                        "call_sid": call.sid,
                        "customer": call.customer,
                        "ticket": number,
                        "events": list(events),
                        "at": call.at,
                        "status": call.status,
                    }
                )
            else:
                typer.echo(
                    f"{call.at.isoformat(timespec='seconds')} {call.sid} {call.customer or '-'} {number or '-'} {', '.join(events)}"
                )

    with database_of(database) as opened:
        opened.read(every)


def jobs(
    revive: Annotated[int | None, typer.Option(help="Run this dead job again at once.", metavar="ID")] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Work that waits, or was given up (dead), and what it failed of."""
    from gateway.store import jobs as stored
    from routing import numbers

    prefix = next(iter(settings_of(config).desks.values())).ticket_prefix

    def every(connection: Any) -> None:
        for job in stored.every(connection):
            number = numbers.number_of(job.ticket_id, prefix) if job.ticket_id else None
            state = "dead" if job.run_at is None else "waiting"
            if as_json:
                show({
                    "id": job.id, "kind": job.kind, "state": state, "run_at": job.run_at, "attempts": job.attempts,
                    "ticket": number, "error": job.error,
                })  # fmt: skip
            else:
                due = job.run_at.isoformat(timespec="seconds") if job.run_at else "-"
                typer.echo(f"{job.id:6} {state:7} {due:25} {job.kind:12} {number or '-':14} {job.error or ''}".rstrip())

    with database_of(database) as opened:
        if revive is None:
            opened.read(every)
        elif opened.write(lambda c: stored.revive(c, revive, opened.clock.now())):
            typer.echo(f"job {revive} runs again now")
        else:
            wrong(f"--revive: there is no dead job {revive}; 'presa jobs' lists them")
