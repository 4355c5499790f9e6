"""What goes out by mail, to whom, and above all what does not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from world import World, header, read_letter

from gateway.store import directory


def test_the_acknowledgement_tells_the_number_and_every_deadline_in_italian(world: World) -> None:
    done = world.mail(subject="Siamo fermi", text="Da stamattina non funziona nulla, aiutateci per favore.")
    world.advance()
    letter = world.letter()
    words = read_letter(letter).text or ""
    assert (letter.recipient, letter.state, letter.kind) == ("mario@acme.example", "sent", "acknowledgement")
    assert f"[{done.number}]" in letter.subject
    assert "Buongiorno" in words
    assert str(done.number) in words
    flat = " ".join(words.split())
    assert "mercoledì 25 novembre, 10:30 (Roma, UTC+1)" in flat
    assert "mercoledì 25 novembre, 11:00 (Roma, UTC+1)" in flat
    assert "non funziona nulla" not in words


def test_the_acknowledgement_answers_an_english_mail_in_english(world: World) -> None:
    done = world.mail(
        subject="Printer", text="Hello, the printer on the second floor does not print in colour. Regards"
    )
    world.advance()
    words = " ".join((read_letter(world.letter()).text or "").split())
    assert str(done.number) in words
    assert "Wednesday" in words
    assert "14:00" in words
    assert "printer" not in words


def test_the_acknowledgement_stays_in_the_senders_thread_and_asks_machines_not_to_answer(world: World) -> None:
    world.mail(message_id="first@acme.example", headers={"References": "<older@acme.example>"})
    world.advance()
    letter = world.letter()
    assert header(letter, "In-Reply-To") == "<first@acme.example>"
    assert header(letter, "References") == "<older@acme.example> <first@acme.example>"
    assert header(letter, "Auto-Submitted") == "auto-replied"
    assert header(letter, "X-Auto-Response-Suppress") == "All"
    assert letter.envelope_from == ""


def test_one_report_has_one_acknowledgement_however_long_we_wait(world: World) -> None:
    world.mail()
    world.advance(days=3)
    assert len(world.letters()) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Auto-Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List-Id": "<news.acme.example>"}],
    ids=["auto-reply", "bulk", "list"],
)
def test_automatic_mail_is_a_ticket_that_nobody_is_written_about(world: World, headers: dict[str, str]) -> None:
    done = world.mail(subject="Siamo fermi", text="Non funziona nulla.", headers=headers)
    world.advance(3600)
    assert done.outcome == "new"
    assert (world.letters(), world.orders()) == ([], 0)


def test_a_mail_with_no_envelope_sender_is_not_answered(world: World) -> None:
    world.mail(envelope_from="")
    world.advance(3600)
    assert world.letters() == []


def test_nothing_is_answered_when_reply_to_names_another_customers_contact(world: World) -> None:
    world.mail(headers={"Reply-To": "luigi.beta@gmail.com"})
    world.advance(3600)
    assert world.letters() == []


def test_an_address_that_writes_all_the_time_is_not_answered_all_the_time(world: World) -> None:
    for n in range(30):
        matter = "".join(chr(ord("a") + int(digit)) for digit in f"{n:02}")  # the same words again would be a loop
        world.mail("someone@unknown.example", subject=f"Report {n}", text=f"The part {matter} of today's report.")
        world.advance(10)
    assert len(world.tickets()) == 30
    assert len(world.letters()) == 1
    assert [row.acknowledge for row in world.ledger()] == [True] + [False] * 29
    assert "acknowledge: no, budget:address" in world.tickets()[-1].evidence
    world.advance(3600)
    world.mail("someone@unknown.example", subject="Report 31", text="An hour later.")
    world.advance()
    assert len(world.letters()) == 2


# Whose clock times are told on -----------------------------------------------------------------------------------


def lives_in(world: World, customer: str, zone: str | None, own: str | None = None, region: str | None = None) -> None:
    """The directory says where this customer's offices are, and where its first contact is."""
    known = next(one for one in world.read(directory.every) if one.id == customer)
    first = replace(known.contacts[0], zone=own)
    changed = replace(known, zone=zone, region=region, contacts=(first, *known.contacts[1:]))
    world.database.write(lambda connection: directory.replace(connection, [changed], keep=True))


def words_of(world: World) -> str:
    return " ".join((read_letter(world.letters()[-1]).text or "").split())


@pytest.mark.parametrize(
    ("zone", "own", "due"),
    [
        (None, None, "14:00 (Roma, UTC+1)"),
        ("Asia/Tokyo", None, "22:00 (Tokyo, UTC+9)"),
        ("Asia/Tokyo", "America/New_York", "08:00 (New York, UTC-5)"),
    ],
)
def test_a_letter_tells_times_on_the_clock_of_whoever_reads_it(
    world: World, zone: str | None, own: str | None, due: str
) -> None:
    lives_in(world, "ACME", zone, own)
    world.mail()
    world.advance()
    assert due in words_of(world)
    lives_in(world, "ACME", zone, own)
    world.mail("anna@acme.example", subject="Altro", text="Il telefono non squilla più da stamattina.")
    world.advance()
    assert ("New York" in words_of(world)) is False  # a colleague has the company's clock, not Mario's


def test_in_the_night_when_clocks_are_set_back_each_letter_says_which_half_past_two_it_means(
    begin: Callable[..., World],
) -> None:
    world = begin("test", "2026-10-25 02:00")  # a first answer is due after 30 minutes, around the clock
    world.mail(subject="Siamo fermi", text="Da stanotte non funziona nulla.")
    world.advance()
    assert "domenica 25 ottobre, 02:30 (Roma, UTC+2)" in words_of(world)
    world.advance(hours=1)
    world.mail(subject="Tutto fermo", text="Adesso la rete della sede di Milano è giù, tutto fermo.")
    world.advance()
    assert "domenica 25 ottobre, 02:30 (Roma, UTC+1)" in words_of(world)
    lives_in(world, "ACME", "America/New_York")  # there the clocks are set back a week later
    world.wait_until("2026-11-01 06:00")
    world.mail(subject="Siamo fermi", text="Non funziona più neppure il centralino telefonico.")
    world.advance()
    assert "domenica 1 novembre, 01:30 (New York, UTC-4)" in words_of(world)
    assert "domenica 1 novembre, 01:00 (New York, UTC-5)" in words_of(world)  # one o'clock comes twice


def test_where_the_hours_go_by_region_so_do_the_times_in_letters(world: World) -> None:
    plan = replace(world.desk.plans["platinum"], calendar_by_region={"americas": "there"})
    there = replace(next(iter(world.desk.calendars.values())), id="there", zone="America/Denver")
    desk = replace(
        world.desk,
        plans={**world.desk.plans, "platinum": plan},
        calendars={**world.desk.calendars, "there": there},
    )
    world.engine.settings = replace(world.engine.settings, desks={desk.id: desk})
    lives_in(world, "ACME", None, region="americas")
    world.mail()
    world.advance()
    assert "(Denver, UTC-7)" in words_of(world)
    assert "Roma" not in words_of(world)
