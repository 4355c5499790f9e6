"""`presa oncall`: who is rung, what is wrong with the duty, changing it, and its calendars.

With a database, what people entered counts; without one, the desk's file alone, and a line says so.
"""

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.common import (
    DEMO_DATABASE,
    AsJson,
    Config,
    DatabaseUrl,
    database_of,
    desk_of,
    instant,
    settings_of,
    show,
    wrong,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.oncall.changes import Entry
    from gateway.store.database import Database
    from routing.desk import Desk

app = typer.Typer(
    help="Who is on call: the chain, gaps, overrides, swaps, absences, calendars.", invoke_without_command=True
)

DeskName = Annotated[str | None, typer.Option("--desk", help="A desk's id; the first without.")]
At = Annotated[str | None, typer.Option("--at", help="ISO 8601 with offset; now without.")]
From = Annotated[str, typer.Option("--from", help="ISO 8601 with offset.")]
To = Annotated[str, typer.Option("--to", help="ISO 8601 with offset.")]
Reason = Annotated[str, typer.Option(help="Why; kept with who and when.")]
RotaName = Annotated[str | None, typer.Option("--rota", help="A rota's id; the only one without.")]


@app.callback()
def oncall(
    context: typer.Context, desk: DeskName = None, at: At = None, config: Config = None, database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Who is rung, in order."""
    if context.invoked_subcommand is not None:
        return
    from gateway.oncall import duty
    from routing import oncall as duties

    known = _desk(desk, config)
    when = instant(at, "--at") if at else datetime.now(UTC)
    with _perhaps(database, config) as opened:
        on_call = opened.read(lambda c: duty.duty(c, known)) if opened else known.on_call
    assert on_call is not None
    chain = duties.chain(on_call, when)
    if as_json:
        show({"desk": known.id, "at": when, "chain": duties.as_json(chain)})
        return
    for place, link in enumerate(chain, 1):
        typer.echo(
            f"{place}. {link.name} ({link.person}) {link.number}, {link.source}, next after {link.wait_seconds} s"
        )


@app.command("chain")
def chain_(
    context: typer.Context, desk: DeskName = None, at: At = None, config: Config = None, database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """The same, by its name."""
    context.invoked_subcommand = None
    oncall(context, desk, at, config, database, as_json)


@app.command()
def gaps(
    desk: DeskName = None, at: At = None, days: Annotated[int, typer.Option(min=1, max=3660)] = 30,
    config: Config = None, database: DatabaseUrl = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """What is wrong with the duty of the coming days; exit 1 when anything is."""
    from gateway.oncall import duty

    known = _desk(desk, config)
    start, ahead = instant(at, "--at") if at else datetime.now(UTC), timedelta(days=days)
    with _perhaps(database, config) as opened:
        found = (
            opened.read(lambda c: duty.troubles(c, known, start, ahead))
            if opened
            else duty.troubles(None, known, start, ahead)
        )
    for one in found:
        it = one.finding
        if as_json:
            show({
                "kind": it.kind, "rota": it.rota or None, "person": it.person or None, "from": it.start, "to": it.end,
                "words": one.words,
            })  # fmt: skip
        else:
            typer.echo(one.words)
    if not found and not as_json:
        typer.echo(f"somebody can be rung at every moment of the next {days} days")
    raise typer.Exit(1 if found else 0)


@app.command()
def override(
    person: Annotated[str, typer.Argument(help="Who is on duty then.")], start: From, end: To, reason: Reason,
    rota: RotaName = None, desk: DeskName = None, config: Config = None, database: DatabaseUrl = None,
) -> None:  # fmt: skip
    """This person is on duty then, whatever the rota says."""
    from gateway.oncall import changes as oncall_changes

    known, begins, ends = _desk(desk, config), instant(start, "--from"), instant(end, "--to")
    of = _rota(known, rota)
    _change(
        database, reason,
        lambda c, e: oncall_changes.override(c, known, e, rota=of, person=person, start=begins, end=ends),
    )  # fmt: skip


@app.command()
def swap(
    one: Annotated[str, typer.Argument(help="An instant in one shift, ISO 8601 with offset.")],
    other: Annotated[str, typer.Argument(help="An instant in the other.")], reason: Reason,
    rota: RotaName = None, desk: DeskName = None, config: Config = None, database: DatabaseUrl = None,
) -> None:  # fmt: skip
    """Two shifts change hands."""
    from gateway.oncall import changes as oncall_changes

    known, first, second = _desk(desk, config), instant(one, "ONE"), instant(other, "OTHER")
    of = _rota(known, rota)
    _change(database, reason, lambda c, e: oncall_changes.swap(c, known, e, rota=of, one=first, other=second))


@app.command()
def absence(
    person: Annotated[str, typer.Argument(help="Who is not rung then.")], start: From, end: To, reason: Reason,
    substitute: Annotated[str | None, typer.Option(help="Who stands in.")] = None,
    desk: DeskName = None, config: Config = None, database: DatabaseUrl = None,
) -> None:  # fmt: skip
    """This person is away; without a substitute it is a gap that is shouted about."""
    from gateway.oncall import changes as oncall_changes

    known, begins, ends = _desk(desk, config), instant(start, "--from"), instant(end, "--to")
    _change(
        database, reason,
        lambda c, e: oncall_changes.absence(c, known, e, person=person, start=begins, end=ends, substitute=substitute),
    )  # fmt: skip


@app.command()
def undo(
    change: Annotated[int, typer.Argument(help="The change's number, as 'presa oncall list' shows it.")],
    desk: DeskName = None, config: Config = None, database: DatabaseUrl = None,
) -> None:  # fmt: skip
    """A change holds no longer; of a swap neither half does."""
    from gateway.oncall import changes as oncall_changes

    known = _desk(desk, config)
    _change(database, "-", lambda c, e: oncall_changes.take_back(c, known, change, e.by, e.now))


@app.command("list")
def list_(
    desk: DeskName = None, every: Annotated[bool, typer.Option("--all", help="Also what is over or taken back.")] = False,
    config: Config = None, database: DatabaseUrl = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The changes that people entered, with who, when and why."""
    from dataclasses import asdict

    from gateway.store import duty as store

    known = _desk(desk, config)
    with database_of(database) as opened:
        since = None if every else opened.clock.now()
        found = opened.read(lambda c: store.changes(c, known.id, since=since, all_=every))
    for one in found:
        if as_json:
            show(asdict(one))
            continue
        gone = f", taken back by {one.revoked_by}" if one.revoked_by else ""
        instead = f", {one.substitute} stands in" if one.substitute else ""
        typer.echo(
            f"{one.id:5} {one.kind:8} {one.rota or '-':10} {one.person}{instead}  {one.start_at:%Y-%m-%d %H:%M} to "
            f"{one.end_at:%Y-%m-%d %H:%M} UTC  {one.reason} ({one.by}{gone})"
        )


@app.command()
def link(
    person: Annotated[str | None, typer.Argument(help="Whose duty; everybody's without.")] = None,
    revoke: Annotated[int | None, typer.Option(help="Take back the address of this number.")] = None,
    desk: DeskName = None, config: Config = None, database: DatabaseUrl = None,
) -> None:  # fmt: skip
    """A secret address that calendar programs read; shown once."""
    from gateway.store import duty as store
    from gateway.web.duty_desk import feed_address

    known, settings = _desk(desk, config), settings_of(config)
    assert known.on_call is not None
    if person is not None and person not in known.on_call.people:
        wrong(f"there is nobody {person!r} on call; there is {', '.join(known.on_call.people)}")
    with database_of(database) as opened:
        now = opened.clock.now()
        if revoke is not None:
            if not opened.write(lambda c: store.close_feed(c, revoke, now)):
                wrong(f"there is no address {revoke} that could be taken back")
            typer.echo(f"address {revoke}: nobody reads under it any more")
            return
        number, secret = opened.write(lambda c: store.open_feed(c, known.id, person, _me(), now))
    typer.echo(f"address {number}: {feed_address(settings.public_url, secret)}")
    typer.echo("Whoever has it may read: copy it now, it is not shown again.")


@app.command()
def vcf(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; to the screen without.")] = None,
    config: Config = None,
) -> None:
    """A contact card of the numbers that pages come from, for the engineers' telephones."""
    from gateway.web.duty_desk import card_of

    card = card_of(settings_of(config))
    if file is None:
        sys.stdout.write(card.decode())
        return
    file.write_bytes(card)
    typer.echo(f"{file}: send it to the engineers' telephones and let it ring through 'Do not disturb'")


@app.command()
def fairness(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How far back.")] = 90,
    desk: DeskName = None, config: Config = None, database: DatabaseUrl = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Hours, nights, weekend days and pages of each person."""
    from dataclasses import asdict

    from gateway.oncall import duty

    known = _desk(desk, config)
    with database_of(database) as opened:
        now = opened.clock.now()
        found = opened.read(lambda c: duty.loads(c, known, now - timedelta(days=days), now))
    for one in found:
        if as_json:
            show(asdict(one))
        else:
            typer.echo(
                f"{one.person:16} {one.hours:7.0f} h  {one.nights:4} nights  {one.weekend_days:4} weekend days  "
                f"{one.rung:4} calls, {one.taken} taken"
            )


def _desk(name: str | None, config: Path | None) -> "Desk":
    """A desk with a duty: the one named, or the first that has one."""
    if name is not None:
        known: Desk = desk_of(name, config)
    else:
        desks = settings_of(config).desks
        known = next((one for one in desks.values() if one.on_call), next(iter(desks.values())))
    if known.on_call is None:
        wrong(f"the desk {known.id} has no on-call section")
    return known


def _rota(desk: "Desk", name: str | None) -> str:
    assert desk.on_call is not None
    rotas = list(desk.on_call.rotas)
    if name is None and len(rotas) != 1:
        wrong(f"--rota is needed: one of {', '.join(rotas) or 'none'}")
    return name or rotas[0]


@contextmanager
def _perhaps(url: str | None, config: Path | None) -> "Iterator[Database | None]":
    """The database that was named, or the demo's if it is there; None without one. A file that is not there is told."""
    path = (url or (DEMO_DATABASE if config is None else "")).removeprefix("sqlite:///")
    if not path or ("://" not in path and not Path(path).exists()):
        if url:
            typer.echo(f"presa: there is no database at {path}; this is what the desk's file alone says", err=True)
        yield None
        return
    with database_of(url) as opened:
        yield opened


def _change(url: str | None, reason: str, does: Any) -> None:
    from gateway.oncall.changes import Entry

    with database_of(url) as opened:
        entry = Entry(_me(), opened.clock.now(), reason)

        def write(connection: "Connection", entry: "Entry" = entry) -> str:
            return str(does(connection, entry))

        typer.echo(opened.write(write))


def _me() -> str:
    """Whoever is at the keyboard, for the record."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):
        return "command line"
