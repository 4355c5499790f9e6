"""`presa relate`: is this report about the same problem as an earlier one? Needs no database and no configuration. `presa
merge` and `presa unmerge` join two stored tickets, and undo it.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import Config, DatabaseUrl, database_of, settings_of, wrong

if TYPE_CHECKING:
    from sqlalchemy import Connection


def relate() -> None:
    """Read reports as JSON lines on stdin, in order of time; print for each what it repeats or resembles."""
    from routing import facts, pool
    from routing import relate as relating

    stream = pool.Stream()
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        said = _object(line, number)
        try:
            at = pool.instant(str(said.get("received", "")))
        except ValueError as trouble:
            wrong(f"line {number}: received: {trouble}")
        trace = facts.trace(
            str(said["id"]), at, _text(said, "channel") or "mail", _text(said, "customer") or None,
            _text(said, "from"), _text(said, "subject"), _text(said, "text"),
        )  # fmt: skip
        related, wide = stream.take(trace)
        sys.stdout.write(json.dumps(relating.as_json(trace.id, related, wide), ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        wrong(
            f"line {number} is no JSON; give one object a line, with id, received, channel, customer, from, subject, text"
        )
    if not isinstance(said, dict) or "id" not in said:
        wrong(f"line {number} is no object with an id; give one object a line")
    return said


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    return "" if value is None else str(value)


def merge(
    ticket: Annotated[str, typer.Argument(help="The ticket that goes into the other.")],
    into: Annotated[str, typer.Argument(help="The ticket that stays.")],
    by: Annotated[str, typer.Option(help="Who says so.")] = "command line",
    config: Config = None,
    database: DatabaseUrl = None,
) -> None:
    """Two tickets of one customer are one problem: join the first into the second. 'presa unmerge' undoes it."""
    from gateway.tickets import merging

    _change(ticket, config, database, lambda c, filing, found, at: merging.merge(c, filing, found, into, by=by, at=at))
    typer.echo(f"{ticket} is merged into {into}; 'presa unmerge {ticket}' undoes it")


def unmerge(
    ticket: Annotated[str, typer.Argument(help="The ticket that was merged.")],
    by: Annotated[str, typer.Option(help="Who says so.")] = "command line",
    config: Config = None,
    database: DatabaseUrl = None,
) -> None:
    """A merged ticket is one of its own again, with its own receipt and clocks."""
    from gateway.tickets import merging

    _change(ticket, config, database, lambda c, filing, found, at: merging.unmerge(c, filing, found, by=by, at=at))
    typer.echo(f"{ticket} is a ticket of its own again")


def _change(number: str, config: Path | None, url: str | None, change: Callable[..., object]) -> None:
    """One change of one ticket, in one transaction."""
    from gateway.errors import Permanent
    from gateway.filing import filing_of
    from routing import numbers

    with database_of(url) as database:
        filing = filing_of(settings_of(config), database)
        ticket_id = numbers.ticket_id(number)

        def write(connection: "Connection") -> None:
            found = filing.ticket(connection, ticket_id, lock=True) if ticket_id else None
            if found is None:
                raise Permanent(f"there is no ticket {number}; 'presa tickets' lists them")
            change(connection, filing, found, database.clock.now())

        database.write(write)
