"""Mails that go round in circles: broken by whatever gives them away, and nothing of them is lost."""

from dataclasses import replace

import pytest
from world import World

from gateway.settings.mail_door import Loops
from routing import loops


def acknowledged(world: World) -> str:
    """A ticket of Mario's, and the Message-ID of what we wrote about it."""
    world.mail()
    world.advance(60)
    return str(world.letter().message_id)


def test_the_eleventh_mail_on_a_ticket_within_an_hour_is_held_and_a_person_is_told_once(world: World) -> None:
    """CASES mail 14, attack I9."""
    ours = acknowledged(world)
    answer = {"In-Reply-To": f"<{ours}>", "Auto-Submitted": "auto-replied"}
    done = [world.mail(text=f"Sono in ferie, {n}", headers=answer) for n in range(14)]
    assert [one.outcome for one in done] == ["append"] * 9 + ["held"] * 5
    assert {one.reason for one in done[9:]} == {"suspected-loop"}
    assert world.alarm_kinds() == ["suspected-loop"]
    assert len(world.letters()) == 1
    world.advance(hours=1)
    assert world.mail(text="Di nuovo", headers=answer).outcome == "append"


def test_a_responder_with_a_new_address_each_time_is_stopped_by_its_words(world: World) -> None:
    """CASES mail 15: the caps per address never see it twice."""
    world.engine.settings = replace(world.engine.settings, loops=Loops())  # the test desk's cap is wider
    done = [
        world.mail(f"bot{n}@spam{n}.example", f"Ticket {n} received", f"We got your mail {n}, number #{n * 7919}.")
        for n in range(14)
    ]
    assert [one.outcome for one in done] == ["new"] * 10 + ["held"] * 4
    assert {one.reason for one in done[10:]} == {"suspected-loop"}
    world.advance(hours=1, minutes=1)
    assert world.mail("bot99@spam99.example", "Ticket 99 received", "We got your mail 99, number #1.").outcome == "new"


@pytest.mark.parametrize("address", ["mario@acme.example", "bot@unknown.example"])
def test_a_responder_that_hides_what_it_is_is_not_answered_without_end(world: World, address: str) -> None:
    """CASES mail 14: it answers each of our letters at once, in a thread of its own, and no header gives it away."""
    world.mail(address, "Guasto", "Il telefono non squilla.")
    answered = 0
    for n in range(40):
        world.advance(30)
        if len(world.letters()) > answered:
            answered = len(world.letters())
            done = world.mail(
                address, "Grazie", f"Abbiamo ricevuto il messaggio numero {n * 7919}, risponderemo presto."
            )
            assert done.outcome in ("new", "append", "held")
    assert len(world.letters()) == (4 if address == "mario@acme.example" else 1)  # three times the same, and no more
    assert len(world.tickets()) <= 5
    assert len(world.ledger()) == 1 + answered  # nothing of it is lost


def test_the_same_words_of_customers_who_are_verified_are_no_loop(world: World) -> None:
    done = [world.mail(subject="Backup fallito", text=f"Backup {n} fallito.") for n in range(14)]
    assert "held" not in {one.outcome for one in done}


def test_our_own_letter_that_comes_back_is_held(world: World) -> None:
    ours = acknowledged(world)
    body = world.letter().body.replace(b"support@example.test", b"mario@acme.example", 1)
    done = world.deliver(body, envelope_from="mario@acme.example")
    assert (done.outcome, done.reason) in {("held", "suspected-loop"), ("held", "own-address")}
    done = world.mail(message_id=ours)
    assert (done.outcome, done.reason) == ("held", "suspected-loop")
    assert len(world.tickets()) == 1


def test_a_mail_that_a_hundred_servers_have_had_is_held(world: World) -> None:
    raw = world.written("mario@acme.example", "Giro", "Ancora io.", headers={})
    assert world.deliver(b"Received: from a by b\r\n" * 101 + raw).reason == "suspected-loop"
    assert world.deliver(b"Received: from a by b\r\n" * 99 + raw.replace(b"Ancora", b"Sempre")).outcome == "new"


def test_a_held_mail_of_a_loop_can_be_released_and_is_then_not_held_again(world: World) -> None:
    from gateway.mail import held

    world.engine.settings = replace(world.engine.settings, loops=Loops(mails_per_ticket=1))
    ours = acknowledged(world)
    done = world.mail(text="Anche oggi.", headers={"In-Reply-To": f"<{ours}>"})
    assert done.reason == "suspected-loop"
    (row,) = [row for row in world.ledger() if row.outcome == "held"]
    released = held.release(world.engine, row.id, held.Choice("onto", "giulia", world.ticket().number))
    assert released.outcome == "append"
    assert world.story(world.ticket(), "mail-in")[-1] == "Anche oggi."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Re: A", "Grazie 1"), ("RE:  a", "grazie\n22!"), True),
        (("A", "from bot1@x.example"), ("A", "from bot2@y.example"), True),
        (("A", "stampante"), ("A", "scanner"), False),
    ],
)
def test_words_are_the_same_whatever_a_responder_changes_about_them(one, other, same) -> None:
    assert (loops.words_key(*one) == loops.words_key(*other)) is same


def test_only_received_lines_of_the_header_are_counted() -> None:
    for end in (b"\r\n", b"\n"):
        many = end.join([b"Received: a", b"received: b"] * 51)
        assert loops.hops(many + end + b"X: y" + end + end + b"Received: c" + end) == 102
        assert loops.hops(b"Received: a" + end + end + many) == 1
    assert loops.hops(b"Received: a\nreceived: b\n\n") == loops.hops(b"") == 0
