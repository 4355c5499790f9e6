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
from databases import MIGRATED, settings_of
from desk_day import desk_day
from world import World, instant

from gateway.errors import Permanent
from gateway.oncall import changes as oncall_changes
from gateway.oncall import duty as oncall
from gateway.oncall.changes import Entry
from gateway.paging import drills
from gateway.rehearsal import Rehearsal
from gateway.settings import Settings
from gateway.settings.mail_door import Recipient
from gateway.store import api_tokens, jobs
from gateway.store import duty as store
from gateway.store.database import open_database
from parsers import parse
from routing import oncall as duties
from routing.oncall import OnCall, Step

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


def instant_of(written: str) -> datetime:
    return datetime.fromisoformat(written)


def duty_alarms(world: World) -> list[str]:
    return [alarm.words for alarm in world.alarms() if alarm.kind == "duty"]


def troubles(world: World) -> list[str]:
    """What is wrong with the next two weeks."""
    return [one.words for one in world.read(oncall.troubles, world.desk, world.now, timedelta(days=15))]


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


# -- the rules of the duty


def test_whoever_is_on_duty_escalates_nothing_to_research_until_the_desk_opens(
    stock: Any, kind: str, tmp_path: Path
) -> None:
    """ImagicleCare: "Durante il servizio di reperibilità, il servizio R&D di escalation non sarà disponibile"."""
    people = (
        "  - {id: P, name: P SpA, code: '700003', desk: imagicle-care, plan: platinum, domains: [p.example], contacts:"
        " [{id: p-1, name: Anna, emails: [anna@p.example], authorised: true}]}\n"
    )
    with (
        stock.fresh(kind, MIGRATED) as url,
        desk_day(url, tmp_path, "imagicle-care", "2026-08-14 21:30", people, str) as world,
    ):
        world.mail("anna@p.example", "Problem", "Nothing works, everything is down.")
        world.advance(1)
        (on_duty,) = world.rings()
        other = "Reperibile 2" if on_duty == "Reperibile 1" else "Reperibile 1"
        engineer = world.agent(on_duty.lower(), "on-call")
        refused = engineer.tries(world.ticket(), "escalate", to="research")
        assert refused.status_code == 409
        assert "takes nothing from whoever is on duty" in refused.text
        assert "2026-08-15 09:00" in refused.text  # Gold opens on the holiday
        assert world.ticket().queue == "support"
        engineer.does(world.ticket(), "escalate", to="end-users")  # any other queue is there
        off_duty = world.agent(other.lower(), "on-call")
        off_duty.does(world.ticket(), "escalate", to="research")
        assert world.ticket().queue == "research"
        off_duty.does(world.ticket(), "escalate", to="support")
        world.wait_until("2026-08-15 09:00")
        engineer.does(world.ticket(), "escalate", to="research")
        assert world.ticket().queue == "research"


def test_the_named_engineers_equivalent_is_rung_while_they_are_away_and_their_mail_says_who_stands_in(
    open_duty: Opener,
) -> None:
    """Cloud Top Enterprise: the customer's own engineer, and when they are absent an equivalent one."""

    def named(settings: Settings) -> Settings:
        (desk,) = settings.desks.values()
        assert desk.on_call is not None
        policy = replace(desk.on_call.policy, steps=(Step(person="uno", wait_seconds=6),))
        ours = {**settings.recipients, "ugo@example.test": Recipient("test", "specialists", "uno")}
        return replace(with_duty(settings, policy=policy), recipients=ours)

    world = open_duty(named)
    assert chain(world)[0] == "uno"
    enter(
        world,
        oncall_changes.absence,
        person="uno",
        start=world.now,
        end=world.now + timedelta(days=3),
        substitute="tre",
    )
    assert chain(world)[0] == "tre"
    world.mail(subject="Siamo fermi", text="Non funziona nulla.", to="ugo@example.test")
    world.advance(1)
    assert world.rings() == ["Teo Terzo"]
    assert any("Ugo Primo (away; Teo Terzo stands in)" in line for line in world.ticket().evidence)
    assert chain(world, world.now + timedelta(days=4))[0] == "uno"


def test_a_test_page_that_was_accepted_proves_the_number(open_duty: Opener) -> None:
    """CASES phone 27: it nags until it was accepted once, and then nobody is told any more that the phone was never tried."""
    world = open_duty(lambda settings: with_duty(settings, verified_for=timedelta(days=20)))
    assert world.desk.on_call is not None
    person = world.desk.on_call.people["due"]
    world.database.write(lambda c: drills.begin(c, world.desk, person, world.now))
    dora = world.engineer("Dora Seconda")
    world.advance(60)
    assert any("Dora Seconda is on duty soon and took no page" in words for words in troubles(world))
    world.advance(minutes=14)
    assert dora.times_rung == 1
    while not dora.is_rung:
        world.advance(5)
    dora.answers()
    dora.hears("chiamata di prova")
    dora.presses("1")
    world.advance(60)
    assert not any("Dora Seconda" in words for words in troubles(world))
    assert set(world.read(store.proofs, world.desk.id, world.now - timedelta(days=1))) == {"due"}


# -- programs


def asks(world: World, query: str = "", scope: str = "oncall") -> Any:
    made = world.database.write(
        lambda c: api_tokens.issue(c, "the wallboard", (scope,), world.now, secret=world.engine.secret)
    )
    return world.rehearsal.client.get(f"/in/oncall{query}", headers={"Authorization": f"Bearer {made[1]}"})


def test_a_program_asks_who_is_on_duty_and_is_told_whom_the_pager_rings(open_duty: Opener) -> None:
    """CASES phone 12: the same person for the pager, the console, the calendar and the door for programs."""
    world = open_duty(lambda settings: with_duty(settings, levels={"L2": "duty"}))
    override(world, "uno", hours=8)
    (desk,) = asks(world).json()["desks"]
    assert (desk["desk"], desk["zone"]) == ("test", "Europe/Rome")
    assert [link["person"] for link in desk["chain"]] == chain(world)
    (rota,) = desk["rotas"]
    assert (rota["person"], rota["source"], rota["number"]) == ("uno", "override", "+390200000031")
    assert (rota["rota"], rota["levels"], rota["gaps"]) == ("duty", ["L2"], [])
    back = rota["next"][0]
    assert (back["leaves"], back["comes"], instant_of(back["at"])) == ("uno", "due", world.now + timedelta(hours=8))
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(1)
    assert world.rings() == ["Ugo Primo"]


def test_another_instant_another_desk_and_gaps(open_duty: Opener) -> None:
    world = open_duty()
    enter(world, oncall_changes.absence, person="tre", start=world.now, end=world.now + timedelta(days=20))
    told = asks(world, "?at=2026-12-01T03:00:00%2B01:00&desk=test&days=14").json()
    assert told["at"] == "2026-12-01T03:00:00+01:00"
    ((rota,),) = (desk["rotas"] for desk in told["desks"])
    assert (rota["person"], rota["number"], rota["source"]) == (None, None, None)
    (gap,) = rota["gaps"]
    assert (gap["reason"], gap["person"], instant_of(gap["to"])) == ("absent", "tre", instant("2026-12-07 09:00"))
    assert told["desks"][0]["chain"]  # somebody is rung all the same


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("?at=morgen", 422, "at: no instant"),
        ("?at=2026-11-25T22:00:00", 422, "at: no instant"),
        ("?desk=sales", 422, "desk: sales has no duty; there is test"),
        ("?days=0", 422, "days: not a number"),
        ("?days=9999", 422, "days: not a number"),
    ],
)
def test_a_question_that_cannot_be_meant_is_answered_with_what_to_write(
    open_duty: Opener, query: str, status: int, word: str
) -> None:
    answer = asks(open_duty(), query)
    assert (answer.status_code, word in answer.json()["error"]) == (status, True)


def test_without_the_scope_nobody_is_told_any_number(open_duty: Opener) -> None:
    world = open_duty()
    assert asks(world, scope="report").status_code == 403
    assert world.rehearsal.client.get("/in/oncall").status_code == 401


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


def test_a_month_is_a_page_with_a_row_and_a_bar_for_everybody(open_duty: Opener) -> None:
    world = open_duty()
    world.wait_until("2026-11-28 02:00")  # a Saturday, at night
    world.mail(subject="Siamo fermi", text="Non funziona nulla.")
    world.advance(3)
    first, second = chain(world)[:2]
    assert world.desk.on_call is not None
    names = {who: one.name for who, one in world.desk.on_call.people.items()}
    world.engineer(names[first]).refuses()
    world.advance(1)
    other = world.engineer(names[second])
    other.answers()
    other.hears("1 accetti")
    other.presses("1")
    world.advance(60)
    giulia = world.agent()
    shown = giulia.client.get("/oncall/figures").text
    cells = {
        name: re.findall(r"<td[^>]*>([^<]*)</td>", row)
        for name, row in re.findall(r'"row">([^<]+)</th>(.*?)</tr>', shown)
    }
    titles = re.findall(r'<th scope="col">([^<]+)</th>', shown)[1:]
    assert (
        re.findall(r'data-words="([^"]+)"', shown)[: len(titles)] == titles
    )  # on a telephone each number says what it is
    # pages, rung, accepted, passed on, slept through, at night, at the weekend
    assert cells[names[first]][:7] == ["1", "1", "0", "0", "0", "1", "1"]
    assert cells[names[second]][:7] == ["1", "1", "1", "0", "0", "1", "1"]
    assert cells["All"][:7] == ["1", "2", "1", "0", "0", "1", "1"]
    assert re.fullmatch(r"\d+ s", cells["All"][7])
    assert sum(int(cells[name][8]) for name in names.values()) >= 30  # the nights of a month, each somebody's
    assert "Pages in each month: " in shown
    assert "2026-11 1</title>" in shown
    assert "2025-12 0," in shown
    assert "November 2026" in shown
    before = giulia.client.get("/oncall/figures?month=2026-10").text
    assert "October 2026" in before
    assert re.findall(r"<td[^>]*>([^<]*)</td>", re.findall(r'"row">All</th>(.*?)</tr>', before)[0])[:2] == ["0", "0"]
    for nonsense in ("2026-13", "nov", "2026-11-01"):
        assert giulia.client.get(f"/oncall/figures?month={nonsense}").status_code == 404
