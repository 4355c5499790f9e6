"""`presa pin`: issue, rotate, revoke and list the PINs that callers prove themselves with."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.common import AsJson, Config, DatabaseUrl, database_of, settings_of, show, wrong

if TYPE_CHECKING:
    from gateway.people.issuing import Issued

app = typer.Typer(no_args_is_help=True, help="PINs that callers prove themselves with: issue, rotate, revoke, list.")

Customer = Annotated[str, typer.Argument(help="The customer's id in the directory.")]
Contact = Annotated[str | None, typer.Option(help="The contact it belongs to; the whole contract without.")]
Digits = Annotated[int, typer.Option(help="How many digits, 6 to 12.")]


@app.command()
def issue(
    customer: Customer, contact: Contact = None, digits: Digits = 6,
    once: Annotated[bool, typer.Option("--once", help="A code for one call, good for 15 minutes.")] = False,
    mail: Annotated[str | None, typer.Option(help="Send a one-time code to the contact, on this ticket.", metavar="TICKET")] = None,
    sms: Annotated[str | None, typer.Option(help="The same by SMS, to the contact's mobile number on file.", metavar="TICKET")] = None,
    config: Config = None, database: DatabaseUrl = None,
) -> None:  # fmt: skip
    """A new PIN beside those there are. It is shown now and never again."""
    from gateway.filing import filing_of
    from gateway.people import issuing
    from routing import numbers

    settings = settings_of(config)
    with database_of(database) as opened:
        named = mail or sms
        if named is None:
            _show(
                issuing.issue(settings, opened, customer, contact=contact, digits=digits, once=once), customer, contact
            )
            return
        ticket = numbers.ticket_id(named)
        if ticket is None:
            wrong(f"--{'mail' if mail else 'sms'}: {named!r} is no ticket number")
        send, way = (issuing.send_code, "mail") if mail else (issuing.text_code, "SMS")
        issued = send(filing_of(settings, opened), ticket, contact)
        typer.echo(f"a one-time code (PIN {issued.id}) is on its way by {way}; it holds until {_at(issued.ends)}")


@app.command()
def rotate(
    customer: Customer, contact: Contact = None, digits: Digits = 6, config: Config = None, database: DatabaseUrl = None
) -> None:  # fmt: skip
    """A new PIN in the place of the old ones of the same owner, which hold no longer."""
    from gateway.people import issuing

    with database_of(database) as opened:
        issued = issuing.issue(settings_of(config), opened, customer, contact=contact, digits=digits, instead=True)
        _show(issued, customer, contact)
        typer.echo(f"{issued.revoked} older PIN(s) revoked")


@app.command()
def revoke(
    pin: Annotated[int, typer.Argument(help="The PIN's number, as 'presa pin list' shows it.")],
    config: Config = None,
    database: DatabaseUrl = None,
) -> None:
    """A PIN holds no longer."""
    from gateway.people import issuing

    with database_of(database) as opened:
        issuing.revoke(opened, pin)
    typer.echo(f"PIN {pin} holds no longer")


@app.command("list")
def list_(
    customer: Annotated[str | None, typer.Argument(help="Only this customer's.")] = None,
    config: Config = None,
    database: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Every PIN there is or was, never what it is."""
    from gateway.store import directory

    with database_of(database) as opened:
        found, now = opened.read(lambda c: directory.issued(c, customer)), opened.clock.now()
    for one in found:
        state = "revoked" if one.revoked else "over" if one.ends and one.ends <= now else "holds"
        if as_json:
            show({
                "pin": one.id, "customer": one.customer, "contact": one.contact, "state": state, "once": one.once,
                "created": one.created, "ends": one.ends,
            })  # fmt: skip
            continue
        owner = f"{one.customer} {one.contact or '(contract)'}"
        kind = "one-time, " if one.once else ""
        typer.echo(f"{one.id:6} {state:8} {owner}  {kind}issued {_at(one.created)}")


def _show(issued: "Issued", customer: str, contact: str | None) -> None:
    until = f"; it holds for one call until {_at(issued.ends)}" if issued.ends else ""
    typer.echo(f"PIN {issued.id} of {customer} {contact or '(contract)'}: {issued.digits}{until}")
    typer.echo("Write it down for the customer now: it is not shown again.")


def _at(instant: datetime | None) -> str:
    return str(instant)[:16] if instant else "before this was kept"
