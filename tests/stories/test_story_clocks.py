"""Deadlines: told once when they are missed, however late we notice; stopped, moved and met only by what people do."""

from datetime import timedelta

from world import World, instant

from gateway.engine import Arrival
from gateway.store import jobs, tickets


def urgent(world: World) -> str:
    """A gold customer's ticket of the highest priority: nobody is on call, 30 minutes to tell, 60 to take it in charge."""
    number = world.mail("luigi.beta@gmail.com", subject="Siamo fermi", text="Non funziona nulla.").number
    assert number
    world.advance()
    return number


def test_a_missed_deadline_is_told_when_it_is_missed_and_not_before(world: World) -> None:
    urgent(world)
    world.advance(minutes=29, seconds=59)
    assert world.alarms() == []
    world.advance(1)
    assert [(alarm.kind, "notify" in alarm.words) for alarm in world.alarms()] == [("breach", True)]


def test_each_breach_and_each_escalation_is_told_exactly_once(world: World) -> None:
    urgent(world)
    world.advance(days=30)
    told = world.story(world.ticket(), "clock")
    assert told == [
        "deadline missed: notify",
        "deadline missed: take_charge",
        "escalated to Team Leader by the clock",
        "escalated to Support Manager by the clock",
        "escalated to Director by the clock",
    ]
    assert world.alarm_kinds() == ["breach", "breach", "escalation", "escalation", "escalation"]


def test_after_a_day_of_downtime_what_was_missed_is_told_once_in_order_and_marked_late(world: World) -> None:
    urgent(world)
    world.sleep(hours=24)
    world.advance()
    told = world.story(world.ticket(), "clock")
    assert told == [
        "deadline missed: notify (noticed late)",
        "deadline missed: take_charge (noticed late)",
        "escalated to Team Leader by the clock (noticed late)",
        "escalated to Support Manager by the clock (noticed late)",
    ]
    world.advance(days=3)
    assert world.story(world.ticket(), "clock") == [*told, "escalated to Director by the clock"]


def test_a_deadline_that_was_met_is_not_told(world: World) -> None:
    number = urgent(world)
    world.advance(minutes=10)
    world.agent().does(world.ticket(number), "answer", text="Ci siamo.", then="")
    world.advance(minutes=100)
    assert world.alarms() == []
    assert world.ticket().met["take_charge"] == instant("2026-11-25 10:10")


def test_while_we_wait_for_the_customer_the_clock_stands(world: World) -> None:
    number = urgent(world)
    giulia = world.agent()
    world.advance(minutes=10)
    giulia.does(world.ticket(number), "pause", reason="quale sede?")
    world.advance(hours=5)
    assert world.alarms() == []
    giulia.does(world.ticket(number), "resume", text="")
    assert world.ticket().next_due == instant("2026-11-25 15:30")
    world.advance(minutes=19, seconds=59)
    assert world.alarms() == []
    world.advance(1)
    assert world.alarm_kinds() == ["breach"]


def test_a_new_priority_counts_from_the_original_receipt(world: World) -> None:
    number = world.mail("luigi.beta@gmail.com").number or ""
    assert world.ticket().next_due == instant("2026-11-25 14:00")  # P3: four hours
    world.advance(minutes=50)
    world.agent().does(world.ticket(number), "priority", priority="P2", text="tutto l'ufficio")
    assert (world.ticket().priority, world.ticket().next_due) == ("P2", instant("2026-11-25 12:00"))
    assert world.ticket().received_at == instant("2026-11-25 10:00")


def test_a_priority_that_makes_it_late_at_once_is_told_at_once_and_once(world: World) -> None:
    number = world.mail("luigi.beta@gmail.com").number or ""
    world.advance(hours=3)
    world.agent().does(world.ticket(number), "priority", priority="P1", text="tutta l'azienda")
    world.advance()
    breaches = [alarm.words for alarm in world.alarms() if alarm.kind == "breach"]
    assert len(breaches) == 2
    world.advance(minutes=30)
    assert [alarm.words for alarm in world.alarms() if alarm.kind == "breach"] == breaches


def test_a_resolved_ticket_is_quiet(world: World) -> None:
    number = urgent(world)
    world.advance(minutes=5)
    world.agent().does(world.ticket(number), "resolve", text="Riavviato.")
    world.advance(days=30)
    assert world.alarms() == []
    ticket = world.ticket()
    assert (ticket.resolved_at, ticket.next_due) == (instant("2026-11-25 10:05"), None)


def test_a_reopened_ticket_is_on_the_clock_again(world: World) -> None:
    number = urgent(world)
    letter = world.letter()
    world.agent().does(world.ticket(number), "resolve", text="Riavviato.")
    world.advance(hours=20)
    told = world.story(world.ticket(), "clock")
    world.reply(letter, "Di nuovo fermo.", "luigi.beta@gmail.com")
    assert world.ticket().state in ("new", "taken")
    world.advance(days=2)
    assert told == []
    assert any("escalated to" in words for words in world.story(world.ticket(), "clock"))


def test_a_best_effort_ticket_has_no_deadline_to_miss(world: World) -> None:
    world.mail("someone@gamma.example")
    ticket = world.ticket()
    assert (ticket.customer, ticket.plan, ticket.priority, ticket.next_due) == ("GAMMA", "basic", "P3", None)
    world.advance(hours=8)
    assert "breach" not in world.alarm_kinds()


def test_a_mail_that_reached_us_hours_ago_counts_from_then_and_our_receipt_is_no_answer(world: World) -> None:
    """CASES mail 29: the clock starts at the provable receipt, not at the import; intake never meets a target."""
    raw = world.written("luigi.beta@gmail.com", "Siamo fermi", "Non funziona nulla.", headers={})
    arrival = Arrival("imap", "imap", "luigi.beta@gmail.com", (world.address,), raw, instant("2026-11-25 09:10"))
    number = world.engine.take_mail(arrival).number
    world.advance()
    ticket = world.ticket(number)
    assert (ticket.received_at, ticket.met) == (instant("2026-11-25 09:10"), {})
    due = {one["target"]: one["due"] for one in ticket.clocks["targets"]}
    assert due["take_charge"] == "2026-11-25T10:10:00+01:00"
    assert world.story(ticket, "clock") == ["deadline missed: notify (noticed late)"]
    world.advance(minutes=30)
    assert "deadline missed: take_charge" in world.story(world.ticket(number), "clock")


def test_thanks_close_and_a_doubt_goes_on(world: World) -> None:
    """CASES mail 30: "grazie" does not reopen, and the clock's past stays as it was."""
    number = urgent(world)
    letter, giulia = world.letter(), world.agent()
    world.advance(minutes=5)
    giulia.does(world.ticket(number), "resolve", text="Riavviato.")
    resolved = world.ticket(number)
    world.advance(hours=2)
    world.reply(letter, "Grazie mille!\n\nLuigi Verdi", "luigi.beta@gmail.com", proof="pass")
    closed = world.ticket(number)
    assert (closed.state, closed.met, closed.pauses) == ("closed", resolved.met, ())
    world.reply(letter, "Grazie, ma è di nuovo fermo.", "luigi.beta@gmail.com")
    again = world.ticket(number)
    assert (again.state, again.resolved_at) == ("taken" if again.assignee else "new", None)
    assert [(pause.start, pause.end) for pause in again.pauses] == [(resolved.resolved_at, world.now)]


def test_a_new_plan_counts_from_the_original_receipt_and_the_story_keeps_the_old_deadlines(world: World) -> None:
    number = world.mail("luigi.beta@gmail.com").number or ""
    world.advance(minutes=30)
    old = world.ticket(number).next_due
    world.agent().does(world.ticket(number), "contract", plan="platinum", text="ha comprato Platinum")
    ticket = world.ticket(number)
    assert (ticket.plan, ticket.received_at, ticket.next_due) == ("platinum", instant("2026-11-25 10:00"), old)
    changed = [
        entry for entry in world.read(tickets.story, ticket.id) if entry.data.get("words") == "plan gold -> platinum"
    ]
    assert changed[0].data["before"] == {"take_charge": "2026-11-25T14:00:00+01:00"}


def test_what_the_clock_told_before_a_crash_is_not_told_again(world: World) -> None:
    """The worker dies after its work and before it is settled: the same job comes back when its lease ends."""
    urgent(world)
    world.sleep(hours=1)
    (job,) = world.database.write(lambda c: jobs.claim(c, world.now, 1, timedelta(seconds=30), ("clock",)))
    assert job.kind == "clock"
    world.advance(seconds=29)
    assert world.story(world.ticket(), "clock") == []
    world.advance(seconds=2)
    once = world.story(world.ticket(), "clock")
    assert len(once) == len(set(once)) == 2
    world.database.write(lambda c: jobs.hasten(c, "clock", world.ticket().id, world.now))
    world.advance(seconds=5)
    assert world.story(world.ticket(), "clock") == once
