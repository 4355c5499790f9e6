"""Calendar parts: who invites, to what, when and where."""

import time

import pytest

import parsers
from parsers import invites
from parsers.message import Invite

EVENT = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Rome
BEGIN:STANDARD
DTSTART:16010101T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY;LANGUAGE=it:Sopralluogo\\, sede di
  Verona
DTSTART;TZID=Europe/Rome:20261118T150000
DTEND;TZID=Europe/Rome:20261118T160000
LOCATION:Sala 3\\npiano 2
ORGANIZER;CN="Rossi, Mario":mailto:mario@x.it
BEGIN:VALARM
DESCRIPTION:REMINDER
SUMMARY:no
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def mail(calendar: str, words: str = "vi aspetto") -> bytes:
    return (
        "From: m@x.it\nTo: desk@y.it\nSubject: invito\nContent-Type: multipart/alternative; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\n{words}\n--b\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\n\n{calendar}\n--b--\n"
    ).encode()


def test_an_invitation_is_summarised() -> None:
    found = parsers.parse(mail(EVENT))
    assert found.invites == (
        Invite("REQUEST", "Sopralluogo, sede di Verona", "2026-11-18 15:00 Europe/Rome", "2026-11-18 16:00 Europe/Rome",
               "Sala 3 piano 2", "Rossi, Mario <mario@x.it>"),
    )  # fmt: skip
    assert found.invites[0].summary == (
        "Sopralluogo, sede di Verona, 2026-11-18 15:00 Europe/Rome - 2026-11-18 16:00 Europe/Rome, Sala 3 piano 2, "
        "Rossi, Mario <mario@x.it>"
    )
    assert found.reply_text == "vi aspetto"
    listed = parsers.as_json(found)["invites"]
    assert isinstance(listed, list)
    assert listed[0]["where"] == "Sala 3 piano 2"


def test_an_invitation_without_words_says_what_it_asks() -> None:
    raw = mail(EVENT).replace(b"vi aspetto", b"")
    assert parsers.parse(raw).reply_text.startswith("Sopralluogo, sede di Verona, 2026-11-18 15:00")


@pytest.mark.parametrize(
    ("given", "method", "starts"),
    [
        (EVENT.replace("METHOD:REQUEST", "METHOD:CANCEL"), "CANCEL", "2026-11-18 15:00 Europe/Rome"),
        (EVENT.replace("SUMMARY;L", "STATUS:CANCELLED\nSUMMARY;L"), "CANCEL", "2026-11-18 15:00 Europe/Rome"),
        (
            EVENT.replace("DTSTART;TZID=Europe/Rome:20261118T150000", "DTSTART:20261118T140000Z"),
            "REQUEST",
            "2026-11-18 14:00 UTC",
        ),
        (
            EVENT.replace("DTSTART;TZID=Europe/Rome:20261118T150000", "DTSTART;VALUE=DATE:20261118"),
            "REQUEST",
            "2026-11-18",
        ),
        (EVENT.replace("20261118T150000", "20261399T990000"), "REQUEST", ""),
    ],
)
def test_times_and_methods_as_they_are_written(given: str, method: str, starts: str) -> None:
    (found,) = parsers.parse(mail(given)).invites
    assert (found.method, found.starts) == (method, starts)


def test_the_same_event_in_text_and_file_is_one_and_many_are_bounded() -> None:
    assert len(invites.events(EVENT.encode() * 1)) == 1
    many = "BEGIN:VCALENDAR\n" + "".join(f"BEGIN:VEVENT\nSUMMARY:{n}\nEND:VEVENT\n" for n in range(1_000))
    assert len(invites.events(many.encode())) == invites.MANY


@pytest.mark.parametrize(
    "hostile",
    [b"A;" * 100_000, b'A;B="' * 50_000, b"A:" + b"\n " * 100_000, b"BEGIN:VEVENT\n" * 20_000, b";=:" * 70_000],
)
def test_a_hostile_calendar_costs_no_time(hostile: bytes) -> None:
    started = time.process_time()
    assert invites.events(hostile) == []
    assert time.process_time() - started < 0.5
