"""Several pages at once, changes of the duty while a page runs, caps, the watchdog, the room, and test pages."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from databases import settings_of
from world import World, instant

from gateway.paging import drills as paging_drills
from gateway.paging import watchdog
from gateway.rehearsal import Rehearsal
from gateway.settings.presa import Region
from gateway.store import jobs, tables, tickets
from gateway.store import paging as store
from gateway.store.database import open_database
from routing.desk import Desk
from routing.oncall import Cap, OnCall, Override, Step

Open = Callable[..., World]
OUTAGE = {"subject": "Siamo fermi", "text": "Non funziona nulla."}
OTHER = {"subject": "Rete giù", "text": "È down tutta la rete della sede di Bari, bloccati."}


def duty(desk: Desk, change: Callable[[OnCall], OnCall]) -> Desk:
    assert desk.on_call is not None
    return replace(desk, on_call=change(desk.on_call))


@pytest.fixture
def opened(stock: Any, kind: str) -> Any:
    with ExitStack() as stack:

        def open_one(
            *, at: str = "2026-11-25 10:00", change: Callable[[OnCall], OnCall] = lambda one: one, region: Region = "ie1",
            **policy: Any,
        ) -> World:  # fmt: skip
            url = stack.enter_context(stock.fresh(kind, "test"))
            settings = settings_of("test")
            assert settings.carrier is not None
            settings = replace(settings, carrier=replace(settings.carrier, region=region))

            def both(on_call: OnCall) -> OnCall:
                return change(replace(on_call, policy=replace(on_call.policy, **policy)))

            desks = {name: duty(desk, both) for name, desk in settings.desks.items()}
            made = World(Rehearsal(replace(settings, desks=desks), open_database(url), instant(at)))
            stack.callback(made.close)
            return made

        yield open_one


def two_faults(world: World) -> None:
    world.mail(**OUTAGE)
    world.advance(3)
    world.mail(**OTHER)
    world.advance(3)


def test_two_tickets_within_a_minute_are_one_call_and_one_acceptance(opened: Open) -> None:
    """CASES phone 6: several tickets of one fault do not ring the same person again and again."""
    world = opened(bundle_seconds=60, change=lambda one: waits(one, 60))
    two_faults(world)
    assert (len(world.tickets()), world.orders()) == (2, 1)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.hears("Con questa c'è un'altra segnalazione")
    dora.presses("1")
    dora.hears("Confermato")
    world.advance(5)
    assert {ticket.assignee for ticket in world.tickets()} == {"Dora Seconda"}
    world.advance(hours=1)
    assert world.orders() == 1


def test_when_the_shared_call_ends_both_go_on_and_share_the_next(opened: Open) -> None:
    world = opened(bundle_seconds=60, change=lambda one: waits(one, 60))
    two_faults(world)
    world.engineer("Dora Seconda").refuses()
    world.advance(5)
    assert world.rings() == ["Teo Terzo"]
    teo = world.engineer("Teo Terzo")
    teo.answers()
    teo.presses("1")
    world.advance(5)
    assert {ticket.assignee for ticket in world.tickets()} == {"Teo Terzo"}


def test_on_the_test_desk_nothing_is_bundled(opened: Open) -> None:
    world = opened()
    two_faults(world)
    assert world.orders() >= 2


def waits(on_call: OnCall, seconds: int) -> OnCall:
    steps = tuple(replace(step, wait_seconds=seconds) for step in on_call.policy.steps)
    return replace(on_call, policy=replace(on_call.policy, steps=steps))


def test_a_cap_counts_over_all_pages_is_shouted_about_and_the_next_is_rung(opened: Open) -> None:
    """CASES phone 7: what a cap holds back is logged, escalates and alarms; nobody is left out in silence."""
    world = opened(caps=(Cap(1, 900, hard=True),))
    world.mail(**OUTAGE)
    world.advance(1)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.presses("1")
    world.advance(60)
    world.mail(**OTHER)
    world.advance(1)
    assert dora.times_rung == 1
    assert world.rings() == ["Teo Terzo"]
    (alarm,) = [one for one in world.alarms() if one.kind == "page-capped"]
    assert "Dora Seconda is not rung: 1 calls in 900 s" in alarm.words


def test_a_soft_cap_does_not_hold_for_the_highest_priority(opened: Open) -> None:
    world = opened(caps=(Cap(1, 900),))
    world.mail(**OUTAGE)
    world.advance(1)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.presses("1")
    world.advance(60)
    world.mail(**OTHER)
    world.advance(1)
    assert dora.times_rung == 2
    assert "page-capped" not in world.alarm_kinds()


def test_an_override_that_starts_in_mid_page_is_rung_next(opened: Open) -> None:
    def handed(on_call: OnCall) -> OnCall:
        rota = on_call.rotas["duty"]
        override = Override("uno", instant("2026-11-25 10:00:05"), instant("2026-11-25 12:00"), "swap")
        return replace(on_call, rotas={"duty": replace(rota, overrides=(override,))})

    world = opened(change=handed)
    world.mail(**OUTAGE)
    world.advance(6)
    assert world.rings() == ["Dora Seconda", "Ugo Primo"]
    assert any("the duty has changed" in words for words in world.story(world.ticket(), "page"))


def test_in_the_night_that_has_two_o_clock_twice_the_chain_keeps_its_pace(opened: Open) -> None:
    """CASES phone 10, 11: waits are seconds, whatever the clock on the wall does."""
    world = opened(at="2026-10-25 02:59:57")
    world.mail(**OUTAGE)
    world.advance(13)
    assert len(world.rings()) == 3


def test_a_policy_may_name_a_manager_after_the_rota(opened: Open) -> None:
    world = opened(steps=(Step(person="due", wait_seconds=6), Step(person="uno", wait_seconds=30)))
    world.mail(**OUTAGE)
    world.advance(0)
    world.engineer("Dora Seconda").refuses()
    world.advance(0)
    assert world.rings() == ["Ugo Primo"]


def test_redial_is_separate_from_passing_to_the_next(opened: Open) -> None:
    """CASES phone 4, 5."""
    world = opened(steps=(Step(person="due", wait_seconds=120, redials=2), Step(person="uno", wait_seconds=30)))
    world.mail(**OUTAGE)
    world.advance(0)
    for n in (1, 2, 3):
        assert world.engineer("Dora Seconda").times_rung == n
        world.engineer("Dora Seconda").refuses()
        world.advance(10)
    assert world.rings() == ["Ugo Primo"]


# Keys -------------------------------------------------------------------------------------------------------------


def answered(world: World) -> Any:
    world.mail(**OUTAGE)
    world.advance(0)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    return dora


def test_a_page_says_whose_clock_runs_and_what_hour_it_is_there(opened: Open) -> None:
    world = opened()
    dora = answered(world)
    dora.hears(
        "Restano 30 minuti", "4 parli subito con il cliente", "il termine per il primo avviso", "Da te sono le 10:00"
    )


def test_a_wrong_key_is_the_same_question_again(opened: Open) -> None:
    world = opened()
    dora = answered(world)
    dora.hears("1 accetti")
    dora.presses("7")
    dora.hears("1 accetti")
    assert world.ticket().state == "new"


def test_passing_on_asks_for_a_reason_only_after_the_next_is_rung(opened: Open) -> None:
    world = opened(reasons=True)
    dora = answered(world)
    dora.presses("3")
    world.advance(0)
    assert world.rings() == ["Teo Terzo"]
    dora.hears("Se vuoi, di' perché")
    dora.presses("2")
    dora.hears("Grazie")
    assert "Dora Seconda passed it on: no computer at hand" in world.story(world.ticket(), "page")


def test_four_without_a_caller_on_the_line_accepts_and_tells_the_number(opened: Open) -> None:
    """CASES phone 13: nobody joins endless music."""
    world = opened()
    dora = answered(world)
    dora.presses("4")
    dora.hears("Il cliente non è più in linea")
    assert world.ticket().assignee == "Dora Seconda"


def caller_on_hold(world: World) -> Any:
    caller = world.call()
    for keys, words in (("1", "codice"), ("100001#", "PIN"), ("471108#", "grave"), ("1", "registra")):
        caller.presses(keys)
        caller.hears(words)
    caller.presses("#")
    world.advance(0)
    return caller


def test_four_joins_the_caller_and_connected_is_what_both_are_in(opened: Open) -> None:
    """CASES phone 3, 15, 16: connected only after a key and when two are in, told by the carrier's events, in one region."""
    world = opened(change=lambda one: waits(one, 60), region="de1")
    regions: list[str] = []
    line = world.rehearsal.exchange.line
    fetch = line.fetch

    def listen(url: str, form: Any, headers: Any) -> tuple[int, str]:
        status, document = fetch(url, form, headers)
        regions.extend(re.findall(r'region="(\w+)"', document))
        return status, document

    line.fetch = listen
    caller = caller_on_hold(world)
    world.advance(2)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.presses("4")
    world.advance(10)
    assert "the engineer and the caller are connected" in world.story(world.ticket(), "page")
    rooms = world.read(lambda c: c.execute(sa.select(tables.conferences)).all())
    assert (len(rooms), rooms[0].connected_at is not None, len(rooms[0].inside)) == (1, True, 2)
    assert regions == ["de1", "de1"]
    caller.hangs_up()
    dora.hears("La chiamata con il cliente è finita")


def test_a_caller_who_hangs_up_before_the_room_sets_the_engineer_free_with_the_number(opened: Open) -> None:
    """CASES phone 13."""
    world = opened(change=lambda one: waits(one, 60))
    caller = caller_on_hold(world)
    world.advance(2)
    dora = world.engineer("Dora Seconda")
    dora.answers()
    dora.presses("4")
    caller.hangs_up()
    dora.hears("Il cliente non è più in linea", "3 9 0 6 1 2 3 4 5 6 7 8")


# The watchdog -----------------------------------------------------------------------------------------------------


def dog(world: World) -> watchdog.Watchdog:
    return world.rehearsal.parts.runner._handlers["watchdog"].__self__  # type: ignore[attr-defined,no-any-return]


def test_a_page_whose_job_is_gone_is_taken_up_again_and_shouted_about(opened: Open) -> None:
    """CASES phone 8."""
    world = opened()
    world.mail(**OUTAGE)
    world.advance(1)
    page_jobs = sa.delete(tables.jobs).where(tables.jobs.c.kind == "page")
    world.database.write(lambda connection: connection.execute(page_jobs))
    world.advance(25)
    assert "page-late" in world.alarm_kinds()
    assert len(world.rings()) >= 2


def test_a_page_whose_job_was_buried_or_put_off_goes_on(opened: Open) -> None:
    for run_at in (None, timedelta(days=3)):
        world = opened()
        world.mail(**OUTAGE)
        world.advance(1)
        to = None if run_at is None else world.now + run_at
        change = sa.update(tables.jobs).where(tables.jobs.c.kind == "page").values(run_at=to)
        world.database.write(lambda connection, change=change: connection.execute(change))
        world.advance(60)
        assert world.engineer("Teo Terzo").times_rung >= 1
        assert ("page-late" in world.alarm_kinds()) == (run_at is None)  # news of the first call mends the other


def test_the_heartbeat_goes_out_while_all_is_well_and_its_silence_alarms(opened: Open) -> None:
    world = opened()
    beats: list[str] = []
    status = [200]

    def beat(request: httpx2.Request) -> httpx2.Response:
        beats.append(str(request.url))
        return httpx2.Response(status[0])

    watch = dog(world)
    watch._heartbeat = "https://beat.test/presa"
    watch._client = httpx2.Client(transport=httpx2.MockTransport(beat))
    world.advance(minutes=5)
    assert len(beats) >= 4
    assert "heartbeat-not-sent" not in world.alarm_kinds()
    status[0] = 500
    world.advance(minutes=5)
    assert world.alarm_kinds().count("heartbeat-not-sent") == 1


def test_a_watchdog_that_fails_alarms_at_once(opened: Open) -> None:
    world = opened()
    watch = dog(world)
    watch._look = lambda *_: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    world.mail(**OUTAGE)
    world.advance(30)
    assert any("watchdog" in alarm.words for alarm in world.alarms())


# Test pages -------------------------------------------------------------------------------------------------------


def drill(world: World, **more: bool) -> None:
    assert world.desk.on_call is not None
    person = world.desk.on_call.people["due"]
    world.database.write(lambda c: paging_drills.begin(c, world.desk, person, world.now, **more))


def test_a_test_page_nags_until_it_was_accepted_once(opened: Open) -> None:
    """CASES phone 27."""
    world = opened()
    drill(world)
    world.advance(30)
    dora = world.engineer("Dora Seconda")
    assert dora.times_rung == 1
    world.advance(minutes=15)
    assert dora.times_rung == 2
    dora.answers()
    dora.hears("Questa è una chiamata di prova")
    dora.presses("1")
    dora.hears("il tuo telefono funziona")
    world.advance(hours=5)
    assert dora.times_rung == 2
    assert world.read(store.tested) == {("test", "due")}
    assert world.tickets() == ()


def test_a_test_page_lets_people_sleep_and_an_unaccepted_one_alarms(opened: Open) -> None:
    world = opened(at="2026-11-25 23:30")
    drill(world)
    world.advance(hours=8)
    assert world.orders() == 0
    world.advance(hours=6)
    assert world.engineer("Dora Seconda").times_rung == paging_drills.NAGS
    assert "test-page-not-accepted" in world.alarm_kinds()
    assert world.read(jobs.dead) == ()
    assert world.read(tickets.count) == 0
