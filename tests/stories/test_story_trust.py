"""Who may claim what: nobody gets further than what was proven about them, and nobody's report is lost for it."""

import pytest
from world import STRANGER_PEER, World, instant

from gateway.engine import Outcome
from gateway.post import tokens
from gateway.store import reports


def acknowledged(world: World) -> Outcome:
    done = world.mail()
    world.advance()
    return done


@pytest.mark.parametrize("proof", ["fail", "none", None])
def test_a_senders_name_without_proof_makes_a_ticket_and_nothing_more(world: World, proof: str | None) -> None:
    done = world.mail(subject="Siamo fermi", text="Non funziona nulla.", proof=proof)
    ticket = world.ticket(done.number)
    assert (ticket.verified, ticket.plan, ticket.priority) == (False, "platinum", "P1")
    assert ticket.next_due == instant("2026-11-25 10:30")  # the clock of the claimed plan, provisionally
    assert any("provisionally" in line for line in ticket.evidence)
    world.advance(600)
    assert (world.rings(), world.orders(), world.letters()) == ([], 0, [])


def test_results_of_a_relay_that_is_not_ours_prove_nothing(world: World) -> None:
    done = world.mail(subject="Siamo fermi", text="Non funziona nulla.", peer=STRANGER_PEER)
    world.advance(600)
    assert not world.ticket(done.number).verified
    assert (world.orders(), world.letters()) == (0, [])


def test_a_spoofed_answer_is_not_added_to_the_ticket_it_names(world: World) -> None:
    first = acknowledged(world)
    before = world.story(world.ticket(first.number))
    world.reply(world.letter(), "Chiudete pure, grazie.", proof="fail")
    assert world.story(world.ticket(first.number)) == before
    assert world.outcomes()[-1] == ("held", "token-without-party")


def test_the_right_token_in_a_strangers_hands_is_held(world: World) -> None:
    first = acknowledged(world)
    before = world.rows()
    done = world.reply(world.letter(), "I found this address.", "stranger@elsewhere.example")
    world.advance(3600)
    assert (done.outcome, done.reason, done.number) == ("held", "token-without-party", None)
    assert world.rows() == {**before, "reports": before["reports"] + 1, "raws": before["raws"] + 1}
    assert len(world.tickets()) == 1
    assert world.story(world.ticket(first.number), "mail-in") == ["La stampante al secondo piano non stampa a colori."]


def test_another_customer_with_the_right_token_is_held_too(world: World) -> None:
    acknowledged(world)
    done = world.reply(world.letter(), "Anche da noi.", "luigi.beta@gmail.com")
    assert (done.outcome, done.reason) == ("held", "token-without-party")


def test_a_wrong_token_makes_a_ticket_of_its_own(world: World) -> None:
    first = acknowledged(world)
    digits = (first.number or "").removeprefix("TS-").replace("-", "")
    done = world.mail(text="Una risposta?", to=f"support+{digits}.aaaaaaaaaaaaaaaa@example.test")
    assert (done.outcome, done.number != first.number) == ("new", True)
    assert any("not ours" in line for line in world.ticket(done.number).evidence)
    assert len(world.story(world.ticket(first.number), "mail-in")) == 1


def test_the_token_of_one_ticket_opens_no_other(world: World) -> None:
    first, second = acknowledged(world), world.mail(subject="Altro", text="Un altro problema.")
    own = tokens.reply_address("support@example.test", first.number or "", world.engine.secret)
    digits = (second.number or "").removeprefix("TS-").replace("-", "")
    forged = f"support+{digits}.{own.partition('@')[0].rpartition('.')[2]}@example.test"
    done = world.mail(text="Provo.", to=forged)
    assert done.outcome == "new"
    assert len(world.story(world.ticket(second.number), "mail-in")) == 1


def test_the_number_in_a_subject_opens_nothing(world: World) -> None:
    """CASES mail 10, attack I6."""
    first = acknowledged(world)
    done = world.mail("stranger@elsewhere.example", subject=f"Re: [{first.number}]", text="What is the state?")
    assert (done.outcome, done.number != first.number) == ("new", True)


def test_a_customer_writes_only_to_their_own_tickets(world: World) -> None:
    first = acknowledged(world)
    done = world.mail(
        "luigi.beta@gmail.com",
        headers={"In-Reply-To": f"<{world.ledger()[0].message_id}>"},
        text="Un altro cliente.",
    )
    assert (done.outcome, done.number != first.number) == ("new", True)


@pytest.mark.parametrize(
    ("author", "reason"),
    [
        ("a@acme.example, b@acme.example", "ambiguous-sender"),
        ("support@example.test", "own-address"),
        ("support+1000@example.test", "own-address"),
    ],
    ids=["two", "ours", "ours with a tag"],
)
def test_a_sender_that_is_nobody_or_ourselves_is_held(world: World, author: str, reason: str) -> None:
    """CASES mail 13, attack I3."""
    done = world.mail(author, proof=None, envelope_from="x@acme.example")
    world.advance(3600)
    assert (done.outcome, done.reason) == ("held", reason)
    assert (world.tickets(), world.letters()) == ((), [])
    (row,) = world.ledger()
    assert world.read(reports.raw, row.sha256)
