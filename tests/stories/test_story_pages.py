"""Engineers are rung, one after the other, until somebody accepts; and nobody is rung who need not be."""

from collections.abc import Callable

import pytest
from world import World, instant

Begin = Callable[..., World]
# On Wednesday, 25 November, it is Dora's week; after her come Teo and Ugo. Each has six seconds; it rings for 25.


@pytest.fixture
def paged(world: World) -> World:
    """A ticket of the highest priority has come in by mail, and its page is out."""
    world.mail(subject="Siamo fermi", text="Non funziona nulla, il centralino è morto.")
    world.advance()
    return world


def test_the_engineer_on_duty_is_rung_and_hears_customer_plan_and_minutes(paged: World) -> None:
    assert paged.rings() == ["Dora Seconda"]
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.hears("Priorità P1, cliente ACME S.p.A., piano Platinum 24/7. Restano 30 minuti", "1 accetti")
    dora.presses("2")
    dora.hears("Il cliente dice: Siamo fermi. Non funziona nulla, il centralino è morto.")
    dora.presses("*")
    dora.hears("centralino")


def test_one_accepts_and_takes_the_ticket_in_charge(paged: World) -> None:
    """CASES phone 28: the key is confirmed aloud, with the ticket's number."""
    dora = paged.engineer("Dora Seconda")
    paged.advance(3)
    dora.answers()
    dora.presses("1")
    dora.hears("Confermato, è tua")
    ticket = paged.ticket()
    assert (ticket.state, ticket.assignee) == ("taken", "Dora Seconda")
    assert ticket.met["take_charge"] == instant("2026-11-25 10:00:03")
    assert "Dora Seconda: accepted" in paged.story(ticket)


def test_after_somebody_accepted_nobody_else_is_rung(paged: World) -> None:
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.presses("1")
    paged.advance(hours=1)
    assert (paged.orders(), paged.rings()) == (1, [])
    assert "page-exhausted" not in paged.alarm_kinds()


def test_three_passes_on_and_the_next_is_rung_at_once(paged: World) -> None:
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.presses("3")
    dora.hears("chiamo un altro")
    paged.advance(0)
    assert paged.rings() == ["Teo Terzo"]
    assert "Dora Seconda: passed" in paged.story(paged.ticket())


def test_a_refused_call_rings_the_next_at_once(paged: World) -> None:
    paged.engineer("Dora Seconda").refuses()
    paged.advance(0)
    assert paged.rings() == ["Teo Terzo"]


def test_without_an_answer_the_next_is_rung_after_the_wait_and_nobody_is_cut_off(paged: World) -> None:
    paged.advance(5.5)
    assert paged.rings() == ["Dora Seconda"]
    paged.advance(0.5)
    assert paged.rings() == ["Dora Seconda", "Teo Terzo"]
    paged.advance(6)
    assert paged.rings() == ["Dora Seconda", "Teo Terzo", "Ugo Primo"]


def test_answering_is_not_accepting(paged: World) -> None:
    """CASES phone 1, 3: a voicemail that picks up accepts nothing, and the next engineer is rung."""
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    paged.advance(7)
    assert paged.rings() == ["Teo Terzo"]
    assert paged.ticket().state == "new"
    teo = paged.engineer("Teo Terzo")
    teo.answers()
    teo.presses("1")
    assert paged.ticket().assignee == "Teo Terzo"


def test_who_answers_too_late_hears_who_has_it_and_who_presses_one_too_late_does_not_take_it(paged: World) -> None:
    """CASES phone 28: "already taken by X"."""
    dora, teo, ugo = (paged.engineer(name) for name in ("Dora Seconda", "Teo Terzo", "Ugo Primo"))
    dora.answers()
    paged.advance(6)
    teo.answers()
    teo.presses("1")
    dora.presses("1")
    dora.hears("L'ha già presa Teo Terzo")
    assert paged.ticket().assignee == "Teo Terzo"
    paged.advance(hours=1)
    assert ugo.times_rung == 0


def test_when_nobody_accepts_it_is_said_as_loudly_as_can_be_and_then_it_is_quiet(paged: World) -> None:
    paged.advance(hours=1)
    (alarm,) = [alarm for alarm in paged.alarms() if alarm.kind == "page-exhausted"]
    assert paged.ticket().number in alarm.words
    assert "nobody accepted" in alarm.words
    rung = paged.orders()
    assert rung >= 3
    assert {paged.engineer(name).times_rung > 0 for name in ("Dora Seconda", "Teo Terzo", "Ugo Primo")} == {True}
    paged.advance(days=1)
    assert paged.orders() == rung
    assert paged.alarm_kinds().count("page-exhausted") == 1


def test_no_telephone_is_rung_while_it_still_rings(paged: World) -> None:
    for _ in range(300):
        paged.advance(1)
        assert len(paged.rings()) == len(set(paged.rings()))


def test_taking_the_ticket_in_the_console_ends_its_page(paged: World) -> None:
    giulia = paged.agent()
    giulia.does(paged.ticket(), "take")
    dora = paged.engineer("Dora Seconda")
    dora.answers()
    dora.hears("L'ha già presa Giulia")
    paged.advance(hours=1)
    assert paged.orders() == 1
    assert paged.ticket().assignee == "Giulia"


def test_a_mail_that_is_not_urgent_wakes_nobody(world: World) -> None:
    world.mail(subject="Stampante", text="Quando potete, la stampante.")
    world.advance(hours=10)
    assert world.orders() == 0


def test_a_customer_without_on_call_wakes_nobody(world: World) -> None:
    world.mail("luigi.beta@gmail.com", subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(hours=10)
    assert (world.ticket().priority, world.orders()) == ("P1", 0)


def test_within_the_hours_of_the_contract_nobody_is_rung(begin: Begin) -> None:
    day = begin("demo", "2026-11-25 10:00", hours="gold")
    day.mail("emma.clarke@charlie-demo.example", subject="Nothing works", text="Nothing works.")
    day.advance(minutes=20)
    assert (day.ticket().priority, day.ticket().verified, day.orders()) == ("P1", True, 0)


# The carrier ----------------------------------------------------------------------------------------------------


def test_a_number_that_does_not_exist_holds_nobody_up_and_is_flagged_until_it_is_corrected(world: World) -> None:
    """CASES phone 14: the chain's deadlines do not hang on one leg, and a bad number is said."""
    for n in range(2):
        world.rehearsal.exchange.trouble[:] = ["no such number"]
        world.mail(subject=f"Siamo fermi {n}", text=f"Non funziona nulla nella sede {n}.")
        world.advance(1)
        assert "Teo Terzo" in world.rings()
        world.advance(hours=1)
    flagged = [alarm.words for alarm in world.alarms() if alarm.kind == "page-number"]
    assert len(flagged) == 1
    assert "Dora Seconda cannot be called" in flagged[0]
    assert any("cannot be called" in words for one in world.tickets() for words in world.story(one, "page"))


def test_a_carrier_that_is_away_for_a_while_is_tried_again_until_somebody_accepts(world: World) -> None:
    world.rehearsal.exchange.trouble = ["before"] * 30
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(seconds=45)
    assert (world.orders(), world.alarm_kinds()) == (0, ["page-exhausted"])
    assert any("could not be reached" in words for words in world.story(world.ticket(), "page"))
    for _ in range(600):
        if world.rings():
            break
        world.advance(1)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.presses("1")
    assert world.ticket().assignee == "Dora Seconda"
    world.advance(hours=1)
    assert world.orders() == 1


def test_one_failed_order_is_made_good_within_seconds(world: World) -> None:
    world.rehearsal.exchange.trouble = ["before"]
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(10)
    assert world.rings() != []
    assert "page-exhausted" not in world.alarm_kinds()


def test_an_order_that_was_done_though_its_answer_was_lost_rings_nobody_twice(world: World) -> None:
    world.rehearsal.exchange.trouble = ["after"]
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(5)
    dora = world.engineer("Dora Seconda")
    assert dora.times_rung == 1
    dora.answers()
    dora.presses("1")
    world.advance(hours=1)
    assert (dora.times_rung, world.orders()) == (1, 1)
    assert world.ticket().assignee == "Dora Seconda"


def test_while_the_carrier_is_away_nobody_is_written_down_as_asleep(world: World) -> None:
    world.rehearsal.exchange.trouble = ["before"] * 4
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(30)
    assert not any("voicemail" in words or "no-answer" in words for words in world.story(world.ticket(), "page"))
