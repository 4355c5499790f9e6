"""Held mails: nothing is lost while nobody decides, and what is decided is told, once, with a name."""

import pytest
from world import Agent, World, instant

from gateway.errors import Permanent
from gateway.mail import held
from gateway.mail.held import Choice
from gateway.mail.held import release as decide
from gateway.store import held as waiting
from gateway.store import traces
from gateway.store.traces import Suggestion

TWO_AUTHORS = {"from_": "mario@acme.example", "headers": {}}


def ambiguous(world: World, subject: str = "Due mittenti", **more: str) -> int:
    """A mail with two From addresses is held; its report's id."""
    raw = world.written("mario@acme.example", subject, "Chi sono?", headers=more)
    raw = raw.replace(b"From: mario@acme.example", b"From: mario@acme.example, anna@acme.example", 1)
    assert world.deliver(raw, envelope_from="mario@acme.example").reason == "ambiguous-sender"
    return world.ledger()[-1].id


def posts(agent: Agent, *reports: int, **fields: str) -> str:
    """Ticks these mails on the page and presses a button; the words of where that leads."""
    page = agent.client.get("/held").text
    csrf = page.split('name="csrf" value="')[-1].split('"')[0]
    form = {"csrf": csrf, **{f"mail-{one}": "1" for one in reports}, **fields}
    return agent.client.post("/held", data=form, follow_redirects=True).text


def test_a_held_mail_is_released_as_a_ticket_whose_clock_starts_at_its_receipt(world: World) -> None:
    report = ambiguous(world)
    world.advance(hours=5)
    giulia = world.agent()
    assert "Due mittenti" in giulia.sees("/held")
    assert 'placeholder="TS-1002-4130"' in giulia.client.get("/held").text  # a number as this desk writes them
    assert "Chi sono?" in giulia.sees(f"/held/{report}")
    posts(giulia, report, how="new")
    ticket = world.ticket()
    assert ticket.received_at == instant("2026-11-25 10:00")
    assert "released a mail that was held: ambiguous-sender" in world.story(ticket)
    (row,) = world.ledger()
    assert (row.outcome, row.ticket_id) == ("new", ticket.id)
    (told,) = row.story
    assert (told["by"], told["did"], told["outcome"], told["reason"]) == ("Giulia", "new", "held", "ambiguous-sender")
    assert told["at"] == world.now.isoformat()
    assert "Nothing is held" in giulia.sees("/held")
    assert world.letters() == []  # whoever sent it is no proven, single person: nobody is answered


def test_a_held_mail_is_put_onto_a_ticket_by_its_number(world: World) -> None:
    world.mail()
    report = ambiguous(world, "Ancora la stampante")
    posts(world.agent(), report, how="onto", ticket=world.ticket().number)
    assert [row.outcome for row in world.ledger()] == ["new", "append"]
    assert "Chi sono?" in world.story(world.ticket(), "mail-in")


def test_many_are_called_spam_at_once_and_stay_to_be_looked_at(world: World) -> None:
    reports = [ambiguous(world, f"Offerta {n}") for n in range(3)]
    giulia = world.agent()
    assert "Called spam: 3" in posts(giulia, *reports, how="spam")
    assert world.outcomes() == [("refused", "spam")] * 3
    assert "Offerta 1" in giulia.sees("/held?show=spam")
    posts(giulia, reports[1], how="new")  # it was none after all
    assert world.ticket().subject == "Offerta 1"
    assert [told["did"] for told in world.ledger()[1].story] == ["spam", "new"]


def test_deciding_the_same_twice_changes_nothing_and_otherwise_is_refused_with_a_name(world: World) -> None:
    report = ambiguous(world)
    first = decide(world.engine, report, Choice("new", "Giulia"))
    before = world.rows()
    again = decide(world.engine, report, Choice("new", "Marco"))
    assert (again.number, again.again) == (first.number, True)
    with pytest.raises(Permanent, match="Giulia has decided"):
        decide(world.engine, report, Choice("spam", "Marco"))
    assert world.rows() == before


def test_onto_a_ticket_that_is_not_there_changes_nothing(world: World) -> None:
    report = ambiguous(world)
    with pytest.raises(Permanent, match=r"'12' is no ticket number; give one such as TS-\d{4}-\d{4}$"):
        decide(world.engine, report, Choice("onto", "Giulia", "12"))
    with pytest.raises(Permanent, match="there is no ticket PR-1000-0020"):
        decide(world.engine, report, Choice("onto", "Giulia", "PR-1000-0020"))
    assert (world.ledger()[0].outcome, world.ledger()[0].story) == ("held", ())


def test_a_ticket_that_was_resolved_is_reopened_by_a_mail_that_is_put_onto_it(world: World) -> None:
    world.mail()
    world.agent().does(world.ticket(), "resolve", text="Fatto.")
    report = ambiguous(world)
    decide(world.engine, report, Choice("onto", "Giulia", world.ticket().number))
    assert (world.ticket().state, world.ticket().resolved_at) == ("new", None)


def test_held_mails_alarm_by_age_once_each(world: World) -> None:
    ambiguous(world)
    world.advance(hours=23)
    assert "held" not in world.alarm_kinds()
    world.advance(hours=3)
    ambiguous(world, "Un'altra")
    world.advance(hours=12)
    assert world.alarm_kinds() == ["held"]
    world.advance(hours=24)
    assert world.alarm_kinds() == ["held", "held"]
    assert "report" in world.alarms()[0].words


def test_a_mail_that_was_added_to_the_wrong_ticket_gets_one_of_its_own(world: World) -> None:
    world.mail(message_id="root@acme.example")
    world.advance(minutes=30)
    world.mail(text="E il server è fermo.", headers={"References": "<root@acme.example>"})
    world.advance(hours=2)
    (old,) = world.tickets()
    giulia = world.agent()
    page = giulia.client.get(f"/tickets/{old.number}").text
    (action,) = {part.split('"')[0] for part in page.split('action="')[1:] if part.split('"')[0].endswith("/own")}
    csrf = page.split('name="csrf" value="')[-1].split('"')[0]
    assert giulia.client.post(action, data={"csrf": csrf}, follow_redirects=False).status_code == 303
    new = world.tickets()[1]
    assert (new.linked, new.received_at) == (old.id, instant("2026-11-25 10:30"))
    assert [row.outcome for row in world.ledger()] == ["new", "new"]
    assert f"made a mail a ticket of its own: {new.number}" in world.story(old)
    again = giulia.client.post(action, data={"csrf": csrf}, follow_redirects=False)
    assert (again.status_code, len(world.tickets())) == (409, 2)
    done = world.mail(text="Server ancora fermo.", headers={"References": "<root@acme.example>"})
    assert done.number == new.number  # the conversation goes on where it was put last


def came_again(world: World) -> int:
    """The same delivery a second time; the id of its line, which says duplicate."""
    raw = world.written("mario@acme.example", "Server fermo", LONG, headers={})
    assert world.deliver(raw, envelope_from="mario@acme.example").outcome == "new"
    world.advance(minutes=20)
    assert world.deliver(raw, envelope_from="mario@acme.example").outcome == "duplicate"
    world.advance(minutes=20)
    return world.ledger()[-1].id


LONG = "Il server della contabilita di Treviso non risponde da stamattina, errore 5012 su ogni fattura che proviamo a stampare."


def test_a_mail_that_came_again_gets_a_ticket_of_its_own_linked_to_the_first(world: World) -> None:
    """Issue 6: "same delivery" is undone by one click too; and no comparison of texts merges the two again."""
    again, giulia = came_again(world), world.agent()
    (first,) = world.tickets()
    assert "Make it a ticket of its own" in giulia.sees("/ledger")
    giulia.sends_to(f"/ledger/{again}/own")
    world.advance(minutes=10)
    new = world.tickets()[1]
    assert (new.linked, new.received_at, new.state) == (first.id, instant("2026-11-25 10:20"), "new")
    assert (new.customer, new.verified, new.subject) == ("ACME", True, "Server fermo")
    row = world.ledger()[-1]
    assert (row.outcome, row.reason, row.ticket_id) == ("new", None, new.id)
    (told,) = row.story
    assert (told["by"], told["did"], told["outcome"]) == ("Giulia", "own", "duplicate")
    assert (told["reason"], told["ticket"]) == ("same-delivery", first.id)
    assert f"made a mail a ticket of its own: {new.number}" in world.story(first)
    assert "made it a ticket of its own" in world.story(new)
    assert "Make it a ticket of its own" not in giulia.sees("/ledger")
    (perhaps,) = world.read(traces.suggested, new.id)
    assert perhaps == Suggestion(first.id, ("sent-again: the same text once greeting and signature are gone",))


def test_giving_it_a_ticket_twice_changes_nothing(world: World) -> None:
    again, giulia = came_again(world), world.agent()
    giulia.sends_to(f"/ledger/{again}/own")
    before = world.rows()
    done = held.separate(world.engine, again, "Marco")
    assert (done.number, done.again) == (world.tickets()[1].number, True)
    giulia.sends_to(f"/ledger/{again}/own")
    assert (world.rows(), len(world.ledger()[-1].story)) == (before, 1)


def test_of_a_mail_that_came_again_by_another_way_the_first_is_read(world: World) -> None:
    """The bytes of a repetition are not kept where its header alone is another's: the first says the same."""
    raw = world.written("mario@acme.example", "Server fermo", LONG, headers={})
    world.deliver(raw, envelope_from="mario@acme.example")
    other = b"Received: from backup.example by mx.example.test; Wed, 25 Nov 2026 10:00:00 +0100\r\n" + raw
    assert world.deliver(other, envelope_from="mario@acme.example").outcome == "duplicate"
    first, again = world.ledger()
    assert first.sha256 != again.sha256
    held.separate(world.engine, again.id, "Giulia")
    assert world.story(world.tickets()[1], "mail-in") == [LONG]


def test_of_a_mail_that_is_still_held_the_repetition_waits_with_it(world: World) -> None:
    raw = world.written("mario@acme.example", "Due", "Chi?", headers={})
    raw = raw.replace(b"From: mario@acme.example", b"From: mario@acme.example, anna@acme.example", 1)
    for _ in range(2):
        world.deliver(raw)
    first, again = world.ledger()
    with pytest.raises(Permanent, match=f"the same mail is report {first.id}, and it is held"):
        held.separate(world.engine, again.id, "Giulia")
    number = decide(world.engine, first.id, Choice("new", "Giulia")).number
    held.separate(world.engine, again.id, "Giulia")
    assert world.tickets()[1].linked == world.ticket(number).id


def test_what_is_with_no_other_ticket_gets_none_of_its_own(world: World) -> None:
    world.mail()
    before = world.rows()
    with pytest.raises(Permanent, match="report 1 is with no other ticket"):
        held.separate(world.engine, 1, "Giulia")
    with pytest.raises(Permanent, match="there is no report 99"):
        held.separate(world.engine, 99, "Giulia")
    assert world.rows() == before


def test_who_may_only_look_separates_nothing(world: World) -> None:
    again, elena = came_again(world), world.agent("elena", "read-only")
    assert "Make it a ticket of its own" not in elena.sees("/ledger")
    page = elena.client.get("/ledger").text
    csrf = page.split('name="csrf" value="')[-1].split('"')[0]
    assert elena.client.post(f"/ledger/{again}/own", data={"csrf": csrf}).status_code == 403
    assert elena.client.post(f"/ledger/{again}/own", data={"csrf": "wrong"}).status_code == 403
    assert len(world.tickets()) == 1


def test_who_may_only_look_decides_nothing(world: World) -> None:
    report = ambiguous(world)
    elena = world.agent("elena", "read-only")
    assert "Due mittenti" in elena.sees("/held")
    assert "Make a new ticket" not in elena.sees(f"/held/{report}")
    assert "may look" in posts(elena, report, how="new")
    assert world.tickets() == ()


def test_a_forged_thread_mail_is_held_and_its_release_gives_its_sender_no_part_in_the_ticket(world: World) -> None:
    """CASES mail 17: a right token from somebody else joins nothing by itself, watches nothing and reopens nothing."""
    world.mail()
    world.advance()
    giulia, letter = world.agent(), world.letter()
    giulia.does(world.ticket(), "resolve", text="Cambiato il toner.")
    world.advance(60)
    before = world.story(world.ticket())
    done = world.reply(letter, "Aggiungetemi.", "eva@stranger.example", proof="pass")
    assert (done.outcome, done.reason) == ("held", "token-without-party")
    assert (world.ticket().state, world.story(world.ticket())) == ("resolved", before)
    held.release(world.engine, world.ledger()[-1].id, Choice("new", "Giulia"))
    old, new = world.tickets()
    assert (new.verified, new.customer, old.requester, old.state) == (False, None, "mario@acme.example", "resolved")
    world.reply(letter, "Di nuovo come prima.")  # Mario himself
    giulia.does(world.ticket(old.number), "answer", text="Arriviamo.", then="")
    world.advance(60)
    assert {one.recipient for one in world.letters() if one.ticket_id == old.id} == {"mario@acme.example"}


def test_held_mails_are_counted_and_listed_without_reading_whole_mails(world: World) -> None:
    raw = world.written("a@x.example, b@x.example", "Grande", "x", headers={})
    world.deliver(raw + b"y" * 3_000_000)
    rows = world.read(waiting.listed, 10)
    (head,) = world.read(waiting.heads, [rows[0].sha256]).values()
    assert len(head) <= waiting.HEAD_BYTES
    assert "Grande" in world.agent().sees("/held")
