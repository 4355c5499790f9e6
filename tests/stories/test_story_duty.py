"""The duty: what people change, what is wrong ahead, who is told, and that everybody is shown whom the pager rings."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from databases import settings_of
from world import World, instant

from gateway.errors import Permanent
from gateway.oncall import changes as oncall_changes
from gateway.oncall import duty as oncall
from gateway.oncall.changes import Entry
from gateway.rehearsal import Rehearsal
from gateway.settings import Settings
from gateway.store import duty as store
from gateway.store import jobs
from gateway.store.database import open_database
from parsers import parse
from routing import oncall as duties
from routing.oncall import OnCall

MONDAY = "2026-11-23T10:00"  # in the week of Dora Seconda (due); tre has the next, uno the one after
Opener = Callable[..., World]


def with_duty(settings: Settings, **changes: Any) -> Settings:
    (name, desk), *_ = settings.desks.items()
    assert desk.on_call is not None
    return replace(settings, desks={name: replace(desk, on_call=replace(desk.on_call, **changes))})


def with_mail(on_call: OnCall) -> dict[str, Any]:
    return {one.id: replace(one, reach={"mail": f"{one.id}@staff.example"}) for one in on_call.people.values()}


@pytest.fixture
def open_duty(stock: Any, kind: str) -> Any:
    """A world whose duty differs from the test desk's."""
    with ExitStack() as stack:

        def open_(change: Callable[[Settings], Settings] = lambda settings: settings, at: str = MONDAY) -> World:
            url = stack.enter_context(stock.fresh(kind, "test"))
            world = World(Rehearsal(change(settings_of("test")), open_database(url), instant(at)))
            stack.callback(world.close)
            world.advance(1)
            return world

        yield open_


def enter(world: World, what: Callable[..., str], *, reason: str = "a course", **more: Any) -> str:
    entry = Entry("Giulia", world.now, reason)
    return world.database.write(lambda connection: what(connection, world.desk, entry, **more))


def chain(world: World, at: datetime | None = None) -> list[str]:
    on_call = world.read(oncall.duty, world.desk)
    return [link.person for link in duties.chain(on_call, at or world.now)]


def duty_alarms(world: World) -> list[str]:
    return [alarm.words for alarm in world.alarms() if alarm.kind == "duty"]


def override(world: World, person: str = "uno", hours: float = 8) -> str:
    return enter(
        world, oncall_changes.override, rota="duty", person=person, start=world.now,
        end=world.now + timedelta(hours=hours),
    )  # fmt: skip


# -- one answer for everybody


def test_who_was_put_on_duty_is_rung_first_and_every_page_and_calendar_says_so(open_duty: Opener) -> None:
    """CASES phone 12: the pager, the console, the command's function and the calendar feed name the same person."""
    world = open_duty()
    assert chain(world) == ["due", "tre", "uno"]
    override(world)
    assert chain(world) == ["uno", "tre", "due"]  # who was replaced is rung last
    agent = world.agent()
    page = agent.sees("/oncall")
    assert page.index("Ugo Primo") < page.index("Dora Seconda")
    assert "Stand-in" in page
    assert "a course · Giulia" in page
    (link,) = re.findall(r"<code>([^<]+\.ics)</code>", press(agent, "feed", person=""))
    events = calendar(agent.client.get(link).content)
    assert {("Ugo Primo · Reperibilità", world.now.replace(microsecond=0))} <= {
        (title, start) for title, start, _ in events
    }
    world.mail(subject="Tutto fermo", text="Siamo fermi: non funziona nulla, produzione bloccata.")
    world.advance(5)
    assert world.rings() == ["Ugo Primo"]


def test_after_the_override_the_rota_goes_on_as_before(open_duty: Opener) -> None:
    world = open_duty()
    override(world, hours=2)
    world.advance(hours=2)
    assert chain(world)[0] == "due"


def test_a_swap_changes_both_shifts_and_is_taken_back_as_one(open_duty: Opener) -> None:
    world = open_duty()
    mine, theirs = instant("2026-11-24T12:00"), instant("2026-12-01T12:00")
    enter(world, oncall_changes.swap, rota="duty", one=mine, other=theirs)
    assert [chain(world, at)[0] for at in (mine, theirs, instant("2026-12-07T08:59"))] == ["tre", "due", "due"]
    first, second = world.read(store.changes, world.desk.id)
    assert (first.kind, first.by, first.reason, first.batch) == ("swap", "Giulia", "a course", second.batch)
    world.database.write(lambda c: oncall_changes.take_back(c, world.desk, second.id, "Marco", world.now))
    assert [chain(world, at)[0] for at in (mine, theirs)] == ["due", "tre"]
    assert [one.revoked_by for one in world.read(lambda c: store.changes(c, world.desk.id, all_=True))] == ["Marco"] * 2


def test_what_makes_no_sense_is_refused_with_what_to_do(open_duty: Opener) -> None:
    world = open_duty()
    hour = timedelta(hours=1)
    spans: dict[str, dict[str, Any]] = {
        "nobody 'zeno'": {"rota": "duty", "person": "zeno", "start": world.now, "end": world.now + hour},
        "no rota 'nights'": {"rota": "nights", "person": "uno", "start": world.now, "end": world.now + hour},
        "is over": {"rota": "duty", "person": "uno", "start": world.now - 2 * hour, "end": world.now - hour},
        "not after the start": {"rota": "duty", "person": "uno", "start": world.now, "end": world.now},
        "longer than": {"rota": "duty", "person": "uno", "start": world.now, "end": world.now + 9000 * hour},
    }
    for words, fields in spans.items():
        with pytest.raises(Permanent, match=words):
            enter(world, oncall_changes.override, **fields)
    with pytest.raises(Permanent, match="a reason"):
        enter(world, oncall_changes.override, reason=" ", **(spans["is over"] | {"end": world.now + hour}))
    with pytest.raises(Permanent, match="already"):
        enter(world, oncall_changes.swap, rota="duty", one=world.now, other=world.now + hour)
    assert world.read(store.changes, world.desk.id) == ()


def test_the_forms_of_the_console_change_the_duty_and_a_reader_may_not(open_duty: Opener) -> None:
    world = open_duty()
    agent = world.agent()
    press(
        agent,
        "override",
        rota="duty",
        person="tre",
        start="2026-11-24T18:00",
        end="2026-11-25T09:00",
        reason="moving house",
    )
    assert chain(world, instant("2026-11-25T08:59"))[0] == "tre"
    press(
        agent,
        "absence",
        person="tre",
        start="2026-12-01T00:00",
        end="2026-12-03T00:00",
        substitute="uno",
        reason="holiday",
    )
    assert chain(world, instant("2026-12-02T03:00"))[0] == "uno"
    (moved, _away) = world.read(store.changes, world.desk.id)
    press(agent, "undo", change=str(moved.id))
    assert chain(world, instant("2026-11-25T08:59"))[0] == "due"
    again = press(
        agent,
        "override",
        rota="duty",
        person="tre",
        start="2026-11-20T18:00",
        end="2026-11-21T09:00",
        reason="late",
        status=409,
    )
    assert "that time is over" in again
    assert 'value="late"' in again
    reader = world.agent("lea", "read-only")
    press(
        reader,
        "override",
        rota="duty",
        person="tre",
        start="2026-11-24T18:00",
        end="2026-11-25T09:00",
        reason="x",
        status=403,
    )


# -- what is wrong ahead


def test_a_hand_off_to_somebody_on_holiday_is_shouted_about_every_day_until_it_is_mended(open_duty: Opener) -> None:
    """CASES phone 9: a gap is a warning in advance."""
    world = open_duty()
    assert duty_alarms(world) == []
    away = {"person": "tre", "start": instant("2026-12-05T00:00"), "end": instant("2026-12-09T00:00")}
    enter(world, oncall_changes.absence, **away)
    world.advance(1)
    (words,) = duty_alarms(world)
    assert words.startswith("test: rota duty: the duty goes to Teo Terzo from 2026-12-05 00:00 until 2026-12-07 09:00")
    world.advance(hours=20)
    assert duty_alarms(world) == [words]
    world.advance(days=2)
    assert duty_alarms(world) == [words] * 3
    agent = world.agent()
    assert "Nobody is on call" in agent.sees("/oncall")
    assert "Teo Terzo" in agent.sees("/oncall")
    enter(
        world, oncall_changes.override, rota="duty", person="uno", start=away["start"], end=instant("2026-12-07T09:00")
    )
    world.advance(days=3)
    assert duty_alarms(world) == [words] * 3


def test_a_gap_is_found_thirty_days_ahead_and_still_rings_somebody(open_duty: Opener) -> None:
    """CASES phone 9: nobody on duty is no silence, and no endless ringing."""

    def ends(settings: Settings) -> Settings:
        (desk,) = settings.desks.values()
        assert desk.on_call is not None
        rota = desk.on_call.rotas["duty"]
        layer = replace(rota.layers[0], until=datetime(2026, 12, 24).date())
        return with_duty(settings, rotas={"duty": replace(rota, layers=(layer,))})

    world = open_duty(ends)
    assert duty_alarms(world) == []
    world.advance(days=3)
    assert duty_alarms(world)[0] == "test: rota duty: nobody is on duty from 2026-12-24 09:00; add an override"
    gap = instant("2026-12-25T10:00")
    assert set(chain(world, gap)) == {"uno", "due", "tre"}


def test_somebody_who_took_no_page_on_their_number_is_nagged_about_until_they_did(open_duty: Opener) -> None:
    """CASES phone 27: a page that was taken proves the number, until the proof is too old or the number another."""
    world = open_duty(lambda settings: with_duty(settings, verified_for=timedelta(days=20)))
    assert sum("took no page" in words for words in duty_alarms(world)) == 3
    world.mail(subject="Tutto fermo", text="Siamo fermi: non funziona nulla, produzione bloccata.")
    world.advance(3)
    engineer = world.engineer("Dora Seconda")
    engineer.answers()
    engineer.hears("1")
    engineer.presses("1")
    world.advance(60)
    names = {"uno": "Ugo Primo", "due": "Dora Seconda", "tre": "Teo Terzo"}
    late = {
        one.words.split(" is on")[0] for one in world.read(oncall.troubles, world.desk, world.now, timedelta(days=15))
    }
    assert late == {names["uno"], names["tre"]}
    later = world.now + timedelta(days=21)
    assert len(world.read(oncall.troubles, world.desk, later)) == 3  # it has expired
    assert set(world.read(store.proofs, world.desk.id, world.now - timedelta(days=1))) == {"due"}


# -- hand-offs


def test_who_comes_on_and_who_goes_off_is_told_by_mail_exactly_once(open_duty: Opener) -> None:
    def mailed(settings: Settings) -> Settings:
        (desk,) = settings.desks.values()
        assert desk.on_call is not None
        return with_duty(settings, people=with_mail(desk.on_call))

    world = open_duty(mailed, at="2026-11-29T22:00")
    world.wait_until("2026-11-30T08:59")
    assert world.letters() == []
    world.wait_until("2026-11-30T09:01")
    told = {one.recipient: parse(one.body) for one in world.letters()}
    assert set(told) == {"due@staff.example", "tre@staff.example"}
    assert "ora sei reperibile" in (told["tre@staff.example"].subject or "")
    assert "Dora Seconda, +390200000032" in (told["tre@staff.example"].text or "")
    assert {one.state for one in world.letters()} == {"sent"}
    world.database.write(lambda c: jobs.call_up(c, ("duty-handoffs",), world.now))
    world.advance(hours=30)
    assert len(world.letters()) == 2
    world.advance(1)
    override(world, "uno", hours=3)
    world.advance(hours=4)
    assert [one.recipient for one in world.letters()][2:] == [
        "tre@staff.example", "uno@staff.example", "uno@staff.example", "tre@staff.example",
    ]  # fmt: skip


# -- calendars


def press(agent: Any, what: str, *, status: int | None = None, **fields: str) -> str:
    page = agent.client.get("/oncall").text
    hidden = dict(re.findall(r'type="hidden" name="(csrf|once)" value="([\w-]+)"', page))
    answer = agent.client.post(f"/oncall/test/{what}", data={**hidden, **fields}, follow_redirects=False)
    assert answer.status_code == (status or (200 if what == "feed" else 303)), answer.text
    return str(answer.text)


def calendar(raw: bytes) -> list[tuple[str, datetime, datetime]]:
    events = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    return [(str(one["SUMMARY"]), one["DTSTART"].dt, one["DTEND"].dt) for one in events]


def test_a_secret_address_is_read_without_signing_in_is_kept_hashed_and_can_be_revoked(open_duty: Opener) -> None:
    world = open_duty()
    agent = world.agent()
    (link,) = re.findall(r"<code>([^<]+\.ics)</code>", press(agent, "feed", person="tre"))
    agent.client.cookies.clear()
    answer = agent.client.get(link)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    mine = calendar(answer.content)
    assert {title for title, _, _ in mine} == {"Turno: Reperibilità"}
    assert len(mine) > 8
    assert instant("2026-11-30T09:00") in [start for _, start, _ in mine]
    assert answer.content == agent.client.get(link).content  # the same events under the same UIDs
    secret = link.rpartition("/")[2].removesuffix(".ics")
    assert secret not in world.everything_stored()
    assert agent.client.get(link.replace(secret[:8], "A" * 8)).status_code == 404
    (feed,) = world.read(store.feeds, world.desk.id)
    press(world.agent("marco"), "unfeed", feed=str(feed.id))
    assert agent.client.get(link).status_code == 404


def test_our_numbers_are_a_contact_card_that_a_telephone_reads(open_duty: Opener) -> None:
    """CASES phone 27: a fixed caller number as a card, so that it rings through."""
    card = open_duty().agent().client.get("/oncall/presa.vcf")
    assert card.headers["content-type"] == "text/vcard; charset=utf-8"
    lines = card.text.split("\r\n")
    assert lines[:2] == ["BEGIN:VCARD", "VERSION:3.0"]
    assert lines[-2:] == ["END:VCARD", ""]
    assert "TEL;TYPE=WORK,VOICE:+390200000000" in lines
    assert all(len(line.encode()) <= 75 for line in lines)


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//elsewhere//EN
BEGIN:VEVENT
UID:nights@elsewhere
DTSTART;TZID=Europe/Rome:20261101T220000
DTEND;TZID=Europe/Rome:20261102T060000
RRULE:FREQ=WEEKLY;BYDAY=TU
EXDATE;TZID=Europe/Rome:20261201T220000
SUMMARY:Teo Terzo (nights)
END:VEVENT
BEGIN:VEVENT
UID:odd@elsewhere
DTSTART:20261126T100000Z
DTEND:20261126T120000Z
SUMMARY:Somebody Else
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_kept_elsewhere_puts_people_on_duty_and_what_it_means_by_others_is_asked(
    open_duty: Opener, tmp_path: Path
) -> None:
    file = tmp_path / "nights.ics"
    file.write_text(ICS.replace("\n", "\r\n"))

    def imported(settings: Settings) -> Settings:
        (desk,) = settings.desks.values()
        assert desk.on_call is not None
        return with_duty(settings, rotas={"duty": replace(desk.on_call.rotas["duty"], calendars=(str(file),))})

    world = open_duty(imported)
    on = {
        at: chain(world, instant(at))[0]
        for at in ("2026-11-24T21:59", "2026-11-24T22:00", "2026-11-25T06:00", "2026-12-01T23:00", "2026-12-15T23:00")
    }
    assert on == {
        "2026-11-24T21:59": "due", "2026-11-24T22:00": "tre", "2026-11-25T06:00": "due",
        "2026-12-01T23:00": "tre", "2026-12-15T23:00": "tre",
    }  # fmt: skip
    assert any("«Somebody Else» names none of the desk's people" in words for words in duty_alarms(world))
    override(world, "uno", hours=48)
    assert chain(world, instant("2026-11-24T23:00"))[0] == "uno"  # what people enter wins
    file.write_text("no calendar at all")
    world.advance(minutes=20)
    assert chain(world, instant("2026-12-15T23:00"))[0] == "tre"  # it holds what it said last
    assert any("no iCalendar" in words for words in duty_alarms(world))


# -- figures


def test_the_figures_count_nights_weekends_and_pages_and_stand_in_the_drawing_as_words(open_duty: Opener) -> None:
    world = open_duty()
    start = instant("2026-11-02T09:00")
    loads = {one.person: one for one in world.read(oncall.loads, world.desk, start, start + timedelta(days=21))}
    assert {(one.nights, one.weekend_days, round(one.hours)) for one in loads.values()} == {(7, 2, 168)}
    page = world.agent().client.get("/oncall").text
    assert re.search(
        r'role="img" aria-labelledby="(chart-test-1)">\s*<title id="\1">Nights: Ugo Primo \d+, Dora Seconda \d+', page
    )
    assert page.count('<rect class="bar"') == 9
