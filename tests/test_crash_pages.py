"""Pages whose worker is cut off, stands still or is overtaken: the right telephone rings, and rings once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import settings_of
from world import World, instant

from gateway import app
from gateway.paging import news
from gateway.phone.twilio import Carrier, Placed
from gateway.rehearsal import Rehearsal
from gateway.store import calls, jobs, tickets
from gateway.store.database import open_database
from routing import paging

OUTAGE = {"subject": "È tutto fermo", "text": "Produzione bloccata, siamo fermi."}


class Killed(BaseException):
    """The process ends here: nothing after this line happens, and no handler sees it."""


class Cut:
    """The carrier's lines with something that happens just before or after an order."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.before: list[Callable[[], None] | None] = []
        self.after: list[Callable[[], None] | None] = []
        self.ordered: list[tuple[str, str]] = []

    def place(self, **order: Any) -> str:
        _next_of(self.before)
        self.ordered.append((order["attempt_id"], order["to"]))
        sid = self.carrier.place(**order)
        _next_of(self.after)
        return sid

    def find(self, **what: Any) -> tuple[Placed, ...]:
        return self.carrier.find(**what)

    def get(self, sid: str) -> Placed:
        return self.carrier.get(sid)


def _next_of(steps: list[Callable[[], None] | None]) -> None:
    step = steps.pop(0) if steps else None
    if step is not None:
        step()


class Desk(World):
    """A world whose orders to the carrier can be cut."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        super().__init__(rehearsal)
        pager = rehearsal.parts.handlers._pager
        carrier = pager._telephone.carrier
        assert isinstance(carrier, Carrier)
        self.cut = Cut(carrier)
        pager._telephone = replace(pager._telephone, carrier=self.cut)

    def page(self) -> paging.Page:
        stored = self.read(calls.pages_of, self.ticket().id)
        return paging.from_json(stored[-1].state)

    def numbers(self) -> list[str]:
        """Who was ordered to be rung, in order."""
        return [number for _, number in self.cut.ordered]

    def runs_and_dies(self) -> None:
        """A worker takes what is due and dies on the way."""
        with pytest.raises(Killed):
            self.runs()

    def runs(self) -> None:
        """A worker does what is due."""
        while self.rehearsal.parts.runner.run_due():
            pass


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_database(f"sqlite:///{tmp_path}/presa.db")
    made = Desk(Rehearsal(settings_of("test"), opened, instant("2026-11-25 22:00")))
    yield made
    made.close()


def _die() -> None:
    raise Killed


def chain(desk: Desk) -> Sequence[str]:
    return [link.number for link in desk.page().chain]


def test_killed_after_the_order_the_next_worker_finds_the_call_and_does_not_ring_again(desk: Desk) -> None:
    desk.cut.after = [_die]
    desk.mail(**OUTAGE)
    desk.runs_and_dies()
    first = chain(desk)[0]
    desk.advance(5)  # the telephone rings; its "initiated" and "ringing" come by webhook
    assert [desk.page().attempts[0].state, desk.numbers()] == ["ringing", [first]]
    desk.advance(120)
    assert len({attempt for attempt, _ in desk.cut.ordered}) == len(desk.cut.ordered)
    assert "missing" not in {attempt.provider_code for attempt in desk.page().attempts}


def test_killed_after_the_order_and_deaf_to_webhooks_the_carrier_is_asked(desk: Desk) -> None:
    """No webhook reached us, the process was down: only asking can tell that the telephone rings already."""
    desk.cut.after = [_die]
    desk.mail(**OUTAGE)
    desk.runs_and_dies()
    line = desk.rehearsal.exchange.line
    fetch, line.fetch = line.fetch, lambda url, form, headers: (502, "")
    desk.rehearsal.clock.advance(29)
    line.timeline.advance_to(desk.now.timestamp())
    line.fetch = fetch
    assert desk.page().attempts[0].state == "intended"
    desk.advance(1)
    first, second = chain(desk)[:2]
    assert desk.numbers() == [first, second]  # the link's wait is over by now: the second is rung in any case
    (found,) = [attempt for attempt in desk.page().attempts if attempt.number == first]
    assert (found.state, found.provider_code) == ("failed", "no-answer")


def test_when_the_page_was_accepted_meanwhile_its_report_tells_what_became_of_the_call(desk: Desk) -> None:
    """Nobody is rung any more, and yet the carrier is asked; the report does not wait for the call to be given up for lost."""
    desk.cut.after = [_die]
    desk.mail(**OUTAGE)
    desk.runs_and_dies()
    desk.rehearsal.exchange.line.fetch = lambda url, form, headers: (502, "")
    now = desk.now
    desk.database.write(
        lambda connection: news.answer(connection, desk.rehearsal.parts.engine, 1, "uno", "accepted", now, by="console")
    )
    desk.advance(40)
    (report,) = [entry.data for entry in desk.read(tickets.story, desk.ticket().id) if entry.kind == "page-report"]
    assert "no-answer" in report["text"]
    assert len(desk.numbers()) == 1


def test_a_carrier_whose_clock_is_behind_still_shows_us_the_call(desk: Desk) -> None:
    desk.cut.after = [_die]
    desk.mail(**OUTAGE)
    desk.runs_and_dies()
    (handset,) = desk.rehearsal.exchange.calls.values()
    handset.created -= 3
    handset.order = {"Timeout": ("60",), **{name: v for name, v in handset.order.items() if name == "Url"}}  # no news
    desk.advance(40)
    assert desk.page().attempts[0].provider_sid == handset.sid
    assert sum(number == handset.to for number in desk.numbers()) == 1


def test_killed_before_the_order_the_same_person_is_rung_under_a_new_id(desk: Desk) -> None:
    desk.cut.before = [_die]
    desk.mail(**OUTAGE)
    desk.runs_and_dies()
    assert desk.numbers() == []
    desk.advance(300)
    first, second = chain(desk)[:2]
    assert desk.numbers()[:2] == [
        second,
        first,
    ]  # after the lease the second is due at once, and the first, never rung, too
    assert desk.page().attempts[0].provider_code == "missing"


def test_news_of_the_first_call_while_the_second_is_being_ordered_does_not_ring_the_second_twice(desk: Desk) -> None:
    """The webhook makes the job due at once, so another worker looks at the page while the order is on its way."""

    def overtaken() -> None:
        desk.rehearsal.exchange.ringing()[0].reject()
        assert desk.rehearsal.parts.runner.run_due() == 1

    desk.mail(**OUTAGE)
    desk.cut.before = [None, overtaken]
    desk.advance(7)
    second = chain(desk)[1]
    assert desk.numbers().count(second) == 1
    desk.advance(20)
    assert desk.numbers().count(second) == 1
    assert {attempt.provider_code for attempt in desk.page().attempts} <= {"busy", None}


def test_an_engineer_who_picks_up_before_the_order_is_answered_is_heard(desk: Desk) -> None:
    def at_once() -> None:
        desk.rehearsal.exchange.line.timeline.advance(0)
        (handset,) = desk.rehearsal.exchange.ringing()
        handset.answer()
        handset.keys("1")

    desk.mail(**OUTAGE)
    desk.cut.after = [at_once]
    desk.advance(60)
    assert desk.page().state == "accepted"
    assert len(desk.cut.ordered) == 1
    assert desk.ticket().assignee
    assert desk.jobs(desk.ticket()) == ["clock"]


def test_a_worker_that_stood_still_after_its_intent_does_not_ring(desk: Desk) -> None:
    pager = desk.rehearsal.parts.handlers._pager
    turn = pager._turn

    def slowly(*arguments: Any) -> Any:
        decided = turn(*arguments)
        pager._turn = turn  # type: ignore[method-assign]
        desk.rehearsal.clock.advance(20)
        return decided

    pager._turn = slowly  # type: ignore[method-assign]
    desk.mail(**OUTAGE)
    desk.runs()
    first = chain(desk)[0]
    ids = [attempt for attempt, number in desk.cut.ordered if number == first]
    assert "page1-1" not in ids
    desk.advance(60)
    assert sum(number == first for number in desk.numbers()) <= 2


def test_a_ticket_taken_before_its_page_began_wakes_nobody(desk: Desk) -> None:
    desk.mail(**OUTAGE)
    ticket = desk.ticket()
    desk.agent().does(ticket, "take")
    desk.advance(300)
    assert desk.numbers() == []
    assert "page" not in desk.jobs(ticket)
    assert desk.alarm_kinds() == []


def test_much_news_never_buries_a_page(desk: Desk) -> None:
    """Each webhook takes the page from the worker that holds it; that is no failure of the job."""
    desk.mail(**OUTAGE)
    desk.advance(0)
    ticket = desk.ticket()
    for _ in range(20):
        now = desk.now
        desk.database.write(lambda connection, now=now: jobs.hasten(connection, "page", ticket.id, now))
        desk.database.write(lambda connection, now=now: jobs.claim(connection, now, 4, timedelta(seconds=0), ["page"]))
    desk.advance(400)
    assert desk.read(jobs.dead) == ()
    assert "page-exhausted" in desk.alarm_kinds()
    assert [entry.data.get("exhausted") for entry in desk.read(tickets.story, ticket.id) if entry.kind == "page"][-1]


# Two replicas -----------------------------------------------------------------------------------------------------


@pytest.fixture
def two(stock: Any, kind: str) -> Iterator[tuple[Desk, Any]]:
    """A desk and a second replica's runner over the same database and the same carrier."""
    with stock.fresh(kind, "test") as url:
        made = Desk(Rehearsal(settings_of("test"), open_database(url), instant("2026-11-25 22:00")))
        other = open_database(url)
        other.clock = made.rehearsal.clock
        rest = made.cut.carrier
        second = app.build(made.rehearsal.settings, other, carrier=rest)
        pager = second.handlers._pager
        pager._telephone = replace(pager._telephone, carrier=made.cut)
        yield made, second.runner
        other.close()
        made.close()


def test_when_one_replica_dies_while_it_rings_the_other_goes_on_and_rings_nobody_twice(two: tuple[Desk, Any]) -> None:
    """CASES phone 8: the next step comes from whoever lives, a lease late at the most."""
    desk, second = two
    desk.cut.after = [_die]
    desk.mail(**OUTAGE)
    desk.runs_and_dies()
    desk.rehearsal.parts.runner.run_due = second.run_due  # type: ignore[method-assign]
    began = desk.now
    while len(desk.numbers()) < 2 and desk.now - began < timedelta(minutes=2):
        desk.advance(1)
    assert desk.now - began <= timedelta(seconds=36)  # the wait of six seconds and a lease of thirty
    first, following = chain(desk)[:2]
    assert desk.numbers() == [first, following]
    assert len({attempt for attempt, _ in desk.cut.ordered}) == len(desk.cut.ordered)
    assert "missing" not in {attempt.provider_code for attempt in desk.page().attempts}


def test_two_replicas_that_look_at_the_same_moment_ring_once(two: tuple[Desk, Any]) -> None:
    desk, second = two
    desk.cut.before = [lambda: [second.run_due() for _ in range(3)] and None]
    desk.mail(**OUTAGE)
    desk.runs()
    assert len(desk.numbers()) == 1
