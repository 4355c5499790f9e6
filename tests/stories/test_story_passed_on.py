"""Mails that somebody passes on: whose report it is depends on who passed it on (CASES mail 11, 22)."""

from dataclasses import replace

from world import World, read_letter

from gateway.store import directory
from identity.people import Contact, Customer

FORWARD = (
    "Vedi sotto, grazie.\n\n---------- Forwarded message ---------\nFrom: Mario Rossi <mario@acme.example>\n"
    "Date: Wed, 25 Nov 2026 at 09:00\nSubject: Stampante ferma\nTo: Pia <pia@partner.example>\n\nLa stampante è ferma da ieri.\n"
)


def with_partner(world: World) -> None:
    acme = next(one for one in world.read(directory.every) if one.id == "ACME")
    partner = Customer(
        "PARTNER", "Partner S.r.l.", "test", "gold", domains=("partner.example",),
        contacts=(Contact("PARTNER-pia", "Pia", ("pia@partner.example",)),),
    )  # fmt: skip
    people = [replace(acme, partner="PARTNER"), partner]
    world.database.write(lambda connection: directory.replace(connection, people, keep=True))


def test_a_customers_partner_reports_for_it_and_is_answered(world: World) -> None:
    with_partner(world)
    world.mail("pia@partner.example", subject="Fwd: Stampante ferma", text=FORWARD)
    ticket = world.ticket()
    assert (ticket.customer, ticket.contact, ticket.verified, ticket.plan) == ("ACME", "ACME-mario", True, "platinum")
    assert ticket.requester == "pia@partner.example"
    assert "mark: via-partner" in ticket.evidence
    world.advance(2)
    assert [one.recipient for one in world.letters()] == ["pia@partner.example"]


def test_a_stranger_who_forwards_a_customers_mail_opens_a_strangers_ticket(world: World) -> None:
    world.mail("mallory@evil.example", subject="Fwd: Stampante ferma", text=FORWARD)
    ticket = world.ticket()
    assert (ticket.customer, ticket.verified) == (None, False)
    assert "ACME S.p.A." in world.agent().sees(f"/tickets/{ticket.number}")


def test_an_agent_passes_a_mail_on_for_its_sender_whom_nobody_has_verified_yet(world: World) -> None:
    world.engine.settings = replace(world.engine.settings, staff=frozenset({"giulia@desk.example"}))
    world.mail("giulia@desk.example", subject="I: Stampante ferma", text=FORWARD)
    ticket = world.ticket()
    assert (ticket.customer, ticket.contact, ticket.verified) == ("ACME", "ACME-mario", False)
    assert ticket.requester == "mario@acme.example"
    world.advance(60)
    assert world.letters() == []
    world.agent().does(ticket, "verify")
    assert world.ticket().verified


def test_somebody_who_writes_as_an_agent_passes_nothing_on(world: World) -> None:
    world.engine.settings = replace(world.engine.settings, staff=frozenset({"giulia@desk.example"}))
    world.mail("giulia@desk.example", subject="I: Stampante ferma", text=FORWARD, proof="fail")
    assert world.ticket().customer is None


def test_a_report_that_is_not_covered_is_ticketed_and_answered_with_the_reason(world: World) -> None:
    acme = next(one for one in world.read(directory.every) if one.id == "ACME")
    mario = replace(acme.contacts[0], authorised=False)
    changed = [replace(acme, contacts=(mario,))]
    world.database.write(lambda connection: directory.replace(connection, changed, keep=True))
    world.mail()
    world.advance(2)
    assert "mark: contact-not-authorised" in world.ticket().evidence
    assert "registrato come contatto che può aprire segnalazioni" in " ".join(
        (read_letter(world.letter()).text or "").split()
    )
