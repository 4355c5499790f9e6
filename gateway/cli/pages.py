"""`presa page`: a test page for somebody on call, and what a month of pages came to."""

from typing import Annotated

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, database_of, settings_of, show, wrong

app = typer.Typer(no_args_is_help=True, help="Test pages, and the figures of pages.")


@app.command("test")
def try_out(
    person: Annotated[str, typer.Argument(help="Somebody of a desk's on-call people, by id or name.")],
    config: Config = None,
    database: DatabaseUrl = None,
    desk: Annotated[str | None, typer.Option(help="The desk, if several have somebody of that name.")] = None,
    at_night: Annotated[bool, typer.Option("--at-night", help="Ring at once, whatever the hour is there.")] = False,
) -> None:
    """Rings somebody, every quarter of an hour, until they have pressed 1 once."""
    from gateway.paging import drills as paging_drills

    desks = settings_of(config).desks.values()
    found = [
        (one, someone)
        for one in desks
        if one.on_call is not None and desk in (None, one.id)
        for someone in one.on_call.people.values()
        if person.lower() in (someone.id.lower(), someone.name.lower())
    ]
    if len(found) != 1:
        known = ", ".join(who for one in desks if one.on_call for who in one.on_call.people)
        wrong(
            f"{person!r} is {'more than one' if found else 'nobody'} of the on-call people ({known}); name one, with --desk"
        )
    ((their, someone),) = found
    with database_of(database) as opened:
        now = opened.clock.now()
        opened.write(lambda connection: paging_drills.begin(connection, their, someone, now, at_night=at_night))
    typer.echo(f"{someone.name} is rung until they have pressed 1; 'presa check' names who never has")


@app.command("report")
def report(
    config: Config = None,
    database: DatabaseUrl = None,
    month: Annotated[str | None, typer.Option(help="As 2026-11; the present one when it is missing.")] = None,
    desk: Annotated[str | None, typer.Option(help="One desk only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pages of a month by person: how many, how often rung, accepted, passed on, slept through, and the time it took."""
    from datetime import date
    from zoneinfo import ZoneInfo

    from gateway.oncall import figures
    from routing import paging_report

    settings = settings_of(config)
    try:
        asked = date.fromisoformat(f"{month}-01") if month else None
    except ValueError:
        wrong(f"{month!r} is no month; write it as 2026-11")
    with database_of(database) as opened:
        for one in settings.desks.values():
            if one.on_call is None or desk not in (None, one.id):
                continue
            first = asked or opened.clock.now().astimezone(ZoneInfo(one.zone)).date().replace(day=1)
            found = opened.read(lambda connection, one=one, first=first: figures.of_month(connection, one, first))  # type: ignore[misc]
            for who, theirs in sorted(found.figures.items()):
                name = one.on_call.people[who].name if who in one.on_call.people else who or "all"
                row = {
                    "desk": one.id, "month": f"{first:%Y-%m}", "person": who or None, "name": name, "pages": theirs.pages,
                    "rung": theirs.rung, "accepted": theirs.accepted, "passed": theirs.passed, "slept": theirs.slept,
                    "exhausted": theirs.exhausted, "nights": theirs.nights, "weekends": theirs.weekends,
                    "median_seconds": theirs.middle,
                }  # fmt: skip
                if as_json:
                    show(row)
                else:
                    took = paging_report.span(theirs.middle) if theirs.middle is not None else "-"
                    typer.echo(
                        f"{one.id}  {name:20} pages {theirs.pages:4}  rung {theirs.rung:4}  accepted {theirs.accepted:4}"
                        f"  passed {theirs.passed:3}  slept {theirs.slept:3}  nobody {theirs.exhausted:3}  at night {theirs.nights:3}"
                        f"  at the weekend {theirs.weekends:3}"
                        f"  median {took}"
                    )
