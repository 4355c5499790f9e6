"""Certified mail (PEC): its desk sees the mail inside the envelope, and receipts go where they belong."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from certified_mail import MARIO, PROVIDER, wrapped
from databases import Stock, settings_of
from world import World, instant

from gateway.rehearsal import Rehearsal
from gateway.store.database import open_database
from gateway.store.letters import StoredLetter


@pytest.fixture
def world(stock: Stock, kind: str) -> Iterator[World]:
    """The test desk, which believes one provider of certified mail."""
    settings = replace(settings_of("test"), pec_providers=frozenset({PROVIDER}))
    with stock.fresh(kind, "test") as url:
        opened = World(Rehearsal(settings, open_database(url), instant("2026-11-25 10:00")))
        yield opened
        opened.close()


def test_the_desk_sees_the_mail_in_the_envelope_and_its_real_sender(world: World) -> None:
    """Issue: PEC, the real sender and message inside the wrapper."""
    done = world.deliver(wrapped(), envelope_from=MARIO)
    world.advance()
    ticket = world.ticket()
    assert (done.outcome, ticket.subject, ticket.requester) == ("new", "Sala server", MARIO)
    assert (ticket.customer, ticket.verified) == ("ACME", True)
    assert world.story(ticket, "mail-in") == ["Il condizionatore della sala server è spento."]
    assert any(f"{PROVIDER} proves its envelope and certifies that {MARIO}" in one for one in ticket.evidence)
    assert [letter.recipient for letter in world.letters()] == [MARIO]
    page = world.agent().sees(f"/tickets/{ticket.number}")
    assert "foto.png" in page
    assert "Il condizionatore della sala server" in page
    assert "il messaggio è stato inviato" not in page
    (row,) = world.ledger()
    assert row.message_id == f"opec9@{PROVIDER}"  # what the wire said


DOUBTS = {
    "a provider that is not listed": ({"envelope": "posta-certificata@pec.other.example"}, "is not listed"),
    "an envelope that nothing proves": ({"proof": "none"}, "nothing proves that the envelope is"),
    "a customer of the provider": ({"envelope": f"somebody@{PROVIDER}"}, "is not the provider's own address"),
    "a certificate of somebody else": ({"named": "mallory@evil.example"}, "the certificate names mallory@evil.example"),
    "a mail from outside": ({"kind": "X-Trasporto: errore"}, "it came to the provider from outside"),
}


@pytest.mark.parametrize("case", DOUBTS)
def test_whoever_an_envelope_does_not_vouch_for_is_a_claim(world: World, case: str) -> None:
    """An envelope is easily written; only a proven one of a listed provider says more than the From inside."""
    changes, why = DOUBTS[case]
    world.deliver(wrapped(**changes), envelope_from="x@evil.example")
    world.advance()
    ticket = world.ticket()
    assert (ticket.subject, ticket.requester, ticket.customer) == ("Sala server", MARIO, "ACME")
    assert (ticket.verified, world.letters()) == (False, [])
    assert any(why in one for one in ticket.evidence), ticket.evidence


def test_a_proven_envelope_never_proves_another_address_than_the_one_it_certifies(world: World) -> None:
    done = world.deliver(wrapped(sender="mario@acme.example, mallory@evil.example", named=MARIO))
    assert (done.outcome, done.reason) == ("held", "ambiguous-sender")


def test_an_answer_by_certified_mail_joins_its_ticket(world: World) -> None:
    letter = acknowledgement(world)
    answer = f"In-Reply-To: <{letter.message_id}>\r\n"
    done = world.deliver(wrapped(more=answer), envelope_from=MARIO)
    assert (done.outcome, done.number) == ("append", world.ticket().number)


def acknowledgement(world: World) -> StoredLetter:
    world.mail()
    world.advance()
    return world.letter()


@pytest.mark.parametrize("receipt", ["accettazione", "avvenuta-consegna", "presa-in-carico"])
def test_a_receipt_of_our_letter_goes_to_its_ticket_and_nobody_is_called(world: World, receipt: str) -> None:
    """Issue: receipts recognised and attached to what they receipt, never tickets."""
    letter = acknowledgement(world)
    before = world.ticket()
    done = world.deliver(wrapped(kind=f"X-Ricevuta: {receipt}", about=letter.message_id), envelope_from="")
    world.advance(3600)
    assert (done.outcome, done.reason, done.number) == ("append", "receipt", before.number)
    assert (world.ticket().state, world.alarms(), len(world.letters())) == (before.state, [], 1)
    assert len(world.story(world.ticket(), "mail-in")) == 2


@pytest.mark.parametrize("receipt", ["errore-consegna", "non-accettazione"])
def test_a_certified_mail_of_ours_that_failed_alarms_like_a_bounce(world: World, receipt: str) -> None:
    letter = acknowledgement(world)
    done = world.deliver(wrapped(kind=f"X-Ricevuta: {receipt}", about=letter.message_id), envelope_from="")
    assert (done.outcome, done.reason) == ("append", "bounce")
    (alarm,) = world.alarms()
    assert (alarm.kind, alarm.ticket_id) == ("bounce", world.ticket().id)


@pytest.mark.parametrize("receipt", ["accettazione", "errore-consegna"])
def test_a_receipt_of_nothing_of_ours_is_held_with_its_reason(world: World, receipt: str) -> None:
    done = world.deliver(wrapped(kind=f"X-Ricevuta: {receipt}", about="other@elsewhere.example"), envelope_from="")
    assert (done.outcome, done.reason, world.tickets()) == ("held", "receipt-not-ours", ())
    assert "none of ours" in world.agent().sees("/held")


def test_the_same_certified_mail_again_is_a_duplicate(world: World) -> None:
    assert [world.deliver(wrapped()).outcome for _ in range(2)] == ["new", "duplicate"]
