"""Who wrote it: never the display name, never the one who pressed the button, never we ourselves."""

import pytest
from world import World


@pytest.mark.parametrize(
    "written",
    [
        '"Rossi, Mario" <mario@acme.example>', "Dr. M. Rossi (ACME S.p.A.) <mario@acme.example>",
        '"support@example.test" <mario@acme.example>', '"luigi.beta@gmail.com" <mario@acme.example>',
        "=?utf-8?q?support=40example=2Etest?= <mario@acme.example>",
    ],
)  # fmt: skip
def test_the_requester_is_the_address_whatever_the_display_name_says(world: World, written: str) -> None:
    """CASES mail 20"""
    raw = world.written("mario@acme.example", "Stampante", "Non stampa.", headers={})
    raw = raw.replace(b"From: mario@acme.example", f"From: {written}".encode())
    world.deliver(raw, envelope_from="mario@acme.example")
    ticket = world.ticket()
    assert (ticket.requester, ticket.customer, ticket.verified) == ("mario@acme.example", "ACME", True)


def test_who_sent_it_for_somebody_else_is_told_and_is_not_the_author(world: World) -> None:
    """CASES mail 20"""
    world.mail(headers={"Sender": "luigi.beta@gmail.com"})
    ticket = world.ticket()
    assert (ticket.requester, ticket.customer) == ("mario@acme.example", "ACME")
    assert "sender: luigi.beta@gmail.com sent it for mario@acme.example" in ticket.evidence


@pytest.mark.parametrize("from_", ["mario@acme.example", "support@example.test"])
def test_a_forged_contact_opens_a_ticket_without_rights_and_we_are_never_a_customer(world: World, from_: str) -> None:
    """CASES mail 16"""
    done = world.mail(from_, "Siamo fermi", "Non funziona nulla.", proof="fail")
    world.advance(3600)
    assert (world.orders(), world.letters()) == (0, [])
    if from_ == "support@example.test":
        assert (done.outcome, done.reason) == ("held", "own-address")
        return
    assert (world.ticket().verified, world.ticket().customer) == (False, "ACME")


def test_a_responder_that_changes_its_address_each_time_is_not_answered_without_end(world: World) -> None:
    """CASES mail 15"""
    for n in range(30):
        world.mail(
            f"bot{n}@unknown.example", "Out of office", f"I am away until day {n}. Your mail is important.", proof=None
        )
        world.advance(1)
    assert world.letters() == []  # "out of office" gives it away
    assert len(world.ledger()) == 30


def test_all_unverified_senders_together_are_answered_so_often_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.post import budget

    few = budget.Limits(unverified={**budget.LIMITS.unverified, "unverified": budget.Rate(3)})
    judged = budget.may_answer
    monkeypatch.setattr(budget, "may_answer", lambda *given, **more: judged(*given, **more, limits=few))
    subjects = ("Stampante rotta", "Rete lenta", "Telefono muto", "Porta chiusa", "Schermo nero")
    for n, subject in enumerate(subjects):
        world.mail(f"person{n}@unknown.example", subject, f"{subject}: aiuto per favore.", proof="pass")
        world.advance(1)
    assert len(world.tickets()) == 5
    assert len(world.letters()) == 3
    world.advance(3600)
    world.mail("later@unknown.example", "Monitor", "Il monitor è spento da ieri sera.", proof="pass")
    world.advance(1)
    assert len(world.letters()) == 4
