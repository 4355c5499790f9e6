"""Rows of the store to values of the pages, one function a value. Refuses to ask for anything but a contact's name."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection

import parsers
from gateway.store import directory
from gateway.store.alarms import GRAVE, Alarm
from gateway.store.calls import StoredCall
from gateway.store.letters import StoredLetter
from gateway.store.reports import LedgerRow as Report
from gateway.store.tickets import Head
from gateway.tickets.clocks import ALARMS
from gateway.web import phrases, views, why
from gateway.web.views import (
    AlarmRow,
    CallRow,
    Choice,
    ClockView,
    Due,
    Duty,
    Escalation,
    Gap,
    Handoff,
    LedgerRow,
    OnCallView,
    OutboxRow,
    Step,
)  # fmt: skip
from routing import coverage, oncall
from routing.desk import Desk
from routing.sla import Stamp
from routing.tickets import Ticket

AHEAD = timedelta(days=30)  # gaps of the rota are shown this far
HANDOFFS = timedelta(days=8)
CLOCKS = frozenset(ALARMS.values())
BY_THE_CLOCK = re.compile(  # as `gateway.tickets.clocks` words it
    r"(?:deadline (?:near|missed): |escalated to |news to the customer is due)?(?P<what>.*?)"
    r"(?: by the clock| no longer: the offer has expired)?(?P<late> \(noticed late\))?"
)


def words(labels: Mapping[str, str], language: str = "en") -> str:
    return labels.get(language) or labels.get("en") or next(iter(labels.values()), "")


def due(ticket: Ticket, stamp: Stamp | None, now: datetime) -> Due | None:
    """The deadline that comes next, or the best-effort target that waits."""
    open_clocks = (
        [clock for clock in stamp.clocks if clock.target not in ticket.met]
        if stamp and ticket.resolved_at is None
        else []
    )
    if not open_clocks:
        return None
    clock = min(open_clocks, key=lambda one: (one.due is None, one.due or now))
    return Due(clock.target, clock.due, views.share(clock.intervals, now) if clock.due else 0.0, clock.state)


def clocks(ticket: Ticket, desk: Desk, stamp: Stamp, now: datetime, language: str) -> tuple[ClockView, ...]:
    return tuple(
        ClockView(
            target=clock.target,
            due=clock.due,
            best_effort=clock.best_effort,
            allowed=clock.allowed or "",
            calendar=(words(desk.calendars[clock.calendar].label, language) if clock.calendar in desk.calendars else "")
            or clock.calendar,
            state=clock.state,
            share=views.share(clock.intervals, now) if clock.due else 0.0,
            met=ticket.met.get(clock.target),
            arithmetic=why.arithmetic(stamp, clock.target, language),
        )
        for clock in stamp.clocks
    )


def escalations(stamp: Stamp) -> tuple[Escalation, ...]:
    return tuple(Escalation(step.to, step.due) for step in stamp.escalations if step.due)


def priorities(ticket: Ticket, desk: Desk, language: str) -> tuple[Choice, ...]:
    """The priorities that this ticket could have instead."""
    possible = desk.kinds.get(ticket.kind, ())  # type: ignore[call-overload]
    return tuple(Choice(p, f"{p} {words(desk.priorities[p], language)}") for p in possible if p != ticket.priority)


def kinds(ticket: Ticket, desk: Desk, language: str) -> tuple[Choice, ...]:
    """The kinds that this ticket could be instead."""
    return tuple(Choice(one, words(desk.kind_labels[one], language)) for one in desk.kinds if one != ticket.kind)


def stages(ticket: Ticket, desk: Desk) -> tuple[Choice, ...]:
    """The stages that this ticket may go to next."""
    life = desk.lives.get(ticket.kind)  # type: ignore[call-overload]
    return tuple(Choice(one, one) for one in life.moves.get(ticket.stage or life.start, ())) if life else ()


def queues(desk: Desk, language: str, but: str = "") -> tuple[Choice, ...]:
    """The desk's queues, without the one where a ticket is already."""
    return tuple(Choice(q.id, words(q.label, language)) for q in desk.queues.values() if q.id != but)


def contact(connection: Connection, ticket: Ticket) -> str:
    """The contact's name."""
    customer = directory.get(connection, ticket.customer) if ticket.customer and ticket.contact else None
    found = [one.name for one in customer.contacts if one.id == ticket.contact] if customer else []
    return found[0] if found else ticket.contact or ""


def outbox(letter: StoredLetter, heads: Mapping[int, Head]) -> OutboxRow:
    failed = letter.state == "refused"
    text = parsers.parse(letter.body).text or ""
    return OutboxRow(
        str(letter.id), letter.at, letter.recipient, letter.subject, "failed" if failed else letter.state, text,
        number(heads, letter.ticket_id), error=(letter.detail or "") if failed else "",
    )  # fmt: skip


def number(heads: Mapping[int, Head], ticket_id: int | None) -> str:
    head = heads.get(ticket_id or 0)
    return head.number if head else ""


def call(
    call: StoredCall,
    head: Head | None,
    events: tuple[tuple[datetime, str], ...],
    wanted: tuple[str, str] | None,
    name: str,
) -> CallRow:
    number, state = wanted or ("", "")
    return CallRow(
        call.sid, call.at, phrases.dialled(call.number), call.status, (head.customer_name if head else None) or call.customer or "",
        head.number if head else "", int((call.ended_at - call.at).total_seconds()) if call.ended_at else None,
        tuple(Step(at, phrases.EVENTS.get(event, event)) for at, event in events), call.direction, name, phrases.dialled(number), state,
    )  # fmt: skip


def line(report: Report, head: Head | None) -> LedgerRow:
    return LedgerRow(
        str(report.id), report.at, report.door, report.envelope_from or (head.customer_name if head else None) or report.customer or "",
        report.outcome, report.reason or "", phrases.REASONS.get(report.reason or "", ""), head.number if head else "",
        head.subject if head else "", report.message_id or "",
    )  # fmt: skip


def alarm(alarm: Alarm, number: str) -> AlarmRow:
    """Most alarms begin with their ticket's number, which has a place of its own; those of the clock say whose or what
    deadline, for what happened is said by their kind."""
    words = alarm.words.removeprefix(f"{number}: ")
    told = BY_THE_CLOCK.fullmatch(words) if alarm.kind in CLOCKS else None
    return AlarmRow(
        str(alarm.id), alarm.at, phrases.ALARMS.get(alarm.kind, alarm.kind),
        told["what"] if told else words, alarm.kind in GRAVE, number, alarm.seen_by or "", alarm.seen_at,
        late=bool(told and told["late"]),
    )  # fmt: skip


def duty(desk: Desk, on_call: oncall.OnCall, now: datetime, language: str) -> OnCallView:
    chain = tuple(
        Duty(link.name, phrases.dialled(link.number), link.source, link.wait_seconds)
        for link in oncall.chain(on_call, now)
    )
    names = {person.id: person.name for person in on_call.people.values()}
    handoffs = [
        Handoff(late.start, rota.id, names.get(early.person, early.person), names.get(late.person, late.person))
        for rota in on_call.rotas.values()
        for early, late in pairwise(oncall.shifts(rota, now, now + HANDOFFS, on_call.away))
        if early.person != late.person
    ]
    needed = coverage.needed(desk, now, now + AHEAD)
    gaps = tuple(Gap(gap.start, gap.end, gap.rota) for gap in oncall.gaps(on_call, now, now + AHEAD, needed))
    return OnCallView(words(desk.name, language), desk.zone, chain, tuple(handoffs[:5]), gaps[:20])
