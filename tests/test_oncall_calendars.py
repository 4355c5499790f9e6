"""Calendars kept elsewhere: what an event means, and what is not believed."""

import contextlib
import http.server
import itertools
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from gateway.oncall import calendars
from gateway.oncall.calendars import Unread
from routing.oncall import Layer, OnCall, Person, Policy, Rota, Step

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
ROME = "Europe/Rome"
LAYER = Layer("weeks", ("anna",), date(2026, 1, 5), time(9), ROME, timedelta(days=7))
PEOPLE = {
    "anna": Person("anna", "Anna Riva", "+390611110001", reach={"mail": "Anna@Staff.example"}),
    "bruno": Person("bruno", "Bruno Sala", "+390611110002"),
    "b2": Person("b2", "Bruno Sala", "+390611110003"),
}
ON_CALL = OnCall(PEOPLE, {"duty": Rota("duty", (LAYER,))}, Policy((Step("duty"),)))


def ics(*events: str) -> bytes:
    whole = "".join(f"BEGIN:VEVENT\nUID:{n}@x\n{event}\nEND:VEVENT\n" for n, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{whole}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def spans(*events: str) -> list[tuple[str, str, str]]:
    read = calendars.understood(ics(*events), ON_CALL, ROME, NOW)
    assert read.problems == ()
    return [(person, f"{a:%m-%d %H:%M}", f"{b:%m-%d %H:%M}") for person, a, b, _ in read.spans]


@pytest.mark.parametrize(
    ("event", "person"),
    [
        ("SUMMARY:anna", "anna"),
        ("SUMMARY:ANNA RIVA", "anna"),
        ("SUMMARY:anna riva (second level)", "anna"),
        ("SUMMARY:Night duty\nATTENDEE;CN=A:mailto:anna@staff.example", "anna"),
        ("SUMMARY:anna@staff.example", "anna"),
        ("SUMMARY:bruno", "bruno"),
    ],
)
def test_an_event_names_a_person_by_id_name_or_mail(event: str, person: str) -> None:
    (found,) = spans(f"{event}\nDTSTART:20261021T100000Z\nDTEND:20261021T120000Z")
    assert found == (person, "10-21 10:00", "10-21 12:00")


@pytest.mark.parametrize("title", ["Bruno Sala", "annalisa", ""])
def test_a_name_that_is_nobody_s_or_two_people_s_is_a_problem_and_no_guess(title: str) -> None:
    read = calendars.understood(
        ics(f"SUMMARY:{title}\nDTSTART:20261021T100000Z\nDTEND:20261021T120000Z"), ON_CALL, ROME, NOW
    )
    assert read.spans == ()
    assert "names none of the desk's people" in read.problems[0]


def test_a_repetition_keeps_to_its_wall_clock_over_the_change_and_its_exceptions_hold() -> None:
    weekly = (
        "SUMMARY:anna\nDTSTART;TZID=Europe/Rome:20261019T220000\nDTEND;TZID=Europe/Rome:20261020T060000\n"
        "RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Rome:20261102T220000"
    )
    assert spans(weekly) == [
        ("anna", "10-19 20:00", "10-20 04:00"), ("anna", "10-26 21:00", "10-27 05:00"), ("anna", "11-09 21:00", "11-10 05:00"),
    ]  # fmt: skip


def test_one_repetition_that_was_moved_stands_where_it_was_moved_to() -> None:
    whole = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:anna\r\nDTSTART:20261021T100000Z\r\n"
        b"DURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:bruno\r\n"
        b"RECURRENCE-ID:20261022T100000Z\r\nDTSTART:20261022T150000Z\r\nDURATION:PT2H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    found = calendars.understood(whole, ON_CALL, ROME, NOW).spans
    assert [(person, f"{a:%d %H}", f"{b:%d %H}") for person, a, b, _ in found] == [
        ("anna", "21 10", "21 11"), ("bruno", "22 15", "22 17"),
    ]  # fmt: skip


def test_whole_days_go_from_midnight_to_midnight_at_the_desk_however_long_the_night() -> None:
    assert spans("SUMMARY:anna\nDTSTART;VALUE=DATE:20261025\nDTEND;VALUE=DATE:20261026") == [
        ("anna", "10-24 22:00", "10-25 23:00")
    ]


def test_what_is_cancelled_empty_or_far_away_puts_nobody_on_duty() -> None:
    assert spans(
        "SUMMARY:anna\nSTATUS:CANCELLED\nDTSTART:20261021T100000Z\nDTEND:20261021T120000Z",
        "SUMMARY:anna\nDTSTART:20261021T100000Z\nDTEND:20261021T100000Z",
        "SUMMARY:anna\nDTSTART:20280101T100000Z\nDTEND:20280101T120000Z",
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    ["FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=DAILY;BYSECOND=1,2,3", "FREQ=DAILY;BYHOUR=1,2"],
)
def test_a_repetition_that_could_fill_the_memory_is_a_problem(rule: str) -> None:
    read = calendars.understood(
        ics(f"SUMMARY:anna\nDTSTART:20261001T100000Z\nDTEND:20261001T120000Z\nRRULE:{rule}"), ON_CALL, ROME, NOW
    )
    assert read.spans == ()
    assert "cannot be understood" in read.problems[0]


def test_a_repetition_that_never_comes_ends_all_the_same() -> None:
    assert spans(
        "SUMMARY:anna\nDTSTART:20000101T100000Z\nDTEND:20000101T120000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=9"
    ) == []  # fmt: skip


def test_too_many_events_and_no_calendar_at_all_are_refused() -> None:
    with pytest.raises(Unread, match="more than 2000 events"):
        calendars.understood(ics(*["SUMMARY:anna\nDTSTART:20261021T100000Z"] * 2001), ON_CALL, ROME, NOW)
    with pytest.raises(Unread, match="no iCalendar"):
        calendars.understood(b"<html>sign in</html>", ON_CALL, ROME, NOW)


# -- fetching


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # they hang up, as they should
                while True:
                    self.wfile.write(b"x" * 65_536)
            return
        status, headers, body = {
            "/good": (200, {}, b"BEGIN:VCALENDAR"),
            "/moved": (302, {"Location": "/good"}, b""),
            "/round": (302, {"Location": "/round"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/big": (200, {}, b"x" * 1_000_001),
        }.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_address_is_followed_a_few_times(elsewhere: str, tmp_path: Path) -> None:
    assert calendars.fetched(f"{elsewhere}/good", tmp_path) == b"BEGIN:VCALENDAR"
    assert calendars.fetched(f"{elsewhere}/moved", tmp_path) == b"BEGIN:VCALENDAR"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/none?secret=1", "127.0.0.1 answers 404"),
        ("/round", "in circles"),
        ("/file", "neither http nor https"),
        ("/big", "larger than 1 MB"),
    ],
)
def test_what_is_not_to_be_read_is_said_without_the_address(
    elsewhere: str, tmp_path: Path, path: str, words: str
) -> None:
    with pytest.raises(Unread, match=words) as told:
        calendars.fetched(f"{elsewhere}{path}", tmp_path)
    assert "secret" not in str(told.value)


def test_a_calendar_without_an_end_is_given_up_at_a_megabyte(elsewhere: str, tmp_path: Path) -> None:
    with pytest.raises(Unread, match="larger than 1 MB"):
        calendars.fetched(f"{elsewhere}/endless", tmp_path)
    (tmp_path / "big.ics").write_bytes(b"x" * 1_000_001)
    with pytest.raises(Unread, match="larger than 1 MB"):
        calendars.fetched("big.ics", tmp_path)
    (tmp_path / "most.ics").write_bytes(b"x" * 1_000_000)
    assert len(calendars.fetched("most.ics", tmp_path)) == 1_000_000


def test_a_server_that_never_answers_and_one_that_drips_are_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(calendars, "SECONDS", 0.3)
    with silent, pytest.raises(Unread, match=r"127\.0\.0\.1 does not answer \(ReadTimeout\)"):
        calendars.fetched(f"http://127.0.0.1:{silent.getsockname()[1]}/rota.ics?secret=1", tmp_path)
    with pytest.raises(Unread, match=r"takes longer than 0\.3 s"):
        calendars._bounded(itertools.repeat(b"."), datetime.now(UTC))


def test_only_files_and_http_are_read(tmp_path: Path) -> None:
    with pytest.raises(Unread, match="neither http nor https"):
        calendars.fetched("ftp://127.0.0.1/rota.ics", tmp_path)
    with pytest.raises(Unread, match="does not answer"):
        calendars.fetched("http://127.0.0.1:1/rota.ics", tmp_path)
    with pytest.raises(Unread, match="cannot be read"):
        calendars.fetched("rota.ics", tmp_path)
    (tmp_path / "rota.ics").write_bytes(b"BEGIN:VCALENDAR")
    assert calendars.fetched("rota.ics", tmp_path) == b"BEGIN:VCALENDAR"
