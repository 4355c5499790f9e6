"""What a person does to a ticket: take, answer, note, pause, resume, change priority, escalate, resolve, close, reopen.

Each is one function over one locked ticket in the caller's transaction, and each is told in the ticket's story. The table of
states (`routing.tickets`) says what is possible; what is not raises Permanent with words for the person. Intake never counts
as an answer: only what is done here (or on an engineer's phone) meets a target.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.oncall import duty
from gateway.post.letter import Answer, mailbox
from gateway.settings import notation
from gateway.store import faults, jobs, letters, presence, tickets
from gateway.store.tickets import NewEntry
from gateway.tickets import assigning, merging, vouching
from routing import allowances, sla
from routing.desk import Desk
from routing.terms import terms_of
from routing.tickets import OPEN, WAITING, Action, Pause, State, Ticket, after, ended, gone_on, resumed

ANSWERED = ("take_charge", "notify", "triage", "technical_contact")  # targets that a first personal answer meets
RESOLVED = ("take_charge", "notify", "triage", "technical_contact", "resolution", "execution", "analysis")
LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody does. `fields` as the form gives them: text, reason, priority, to, then."""

    ticket_id: int
    who: str
    at: datetime
    fields: Mapping[str, str]

    def field(self, name: str, what: str) -> str:
        """A field that must not be empty."""
        value = self.fields.get(name, "").strip()
        if not value:
            raise Permanent(f"{what} is missing; write it and send again")
        if len(value) > LONGEST:
            raise Permanent(f"{what} is too long (more than {LONGEST} characters); shorten it and send again")
        return value


def perform(connection: Connection, engine: Engine, action: str, act: Act) -> None:
    """Do it; raises Permanent when it cannot be done, and then nothing is changed."""
    ticket = engine.ticket(connection, act.ticket_id, lock=True)
    if ticket is None:
        raise Permanent("this ticket does not exist; look for its number in the list")
    if ticket.desk not in engine.settings.desks:
        raise Permanent(f"the desk {ticket.desk} of this ticket is not configured any more; put it back, or file anew")
    ACTIONS[action](connection, engine, ticket, act)


def _take(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    _next(ticket, "take")
    engine.take(connection, ticket.id, act.who, act.at)
    _end_pages(connection, engine, ticket, act)


def _answer(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """A mail to the customer; the first one takes the ticket in charge."""
    text = act.field("text", "the answer")
    if ticket.requester is None or mailbox(ticket.requester) is None:
        raise Permanent(
            f"{ticket.number} has no mail address that can be answered; call {ticket.phone or 'the customer'} instead"
        )
    _write(connection, engine, ticket, act, text)
    _meet(connection, engine, ticket, act, ANSWERED, state="taken" if ticket.state == "new" else ticket.state)
    then = act.fields.get("then", "")
    if then in ("wait", "resolve"):
        fresh = engine.ticket(connection, ticket.id, lock=True)
        assert fresh is not None
        fields = {"reason": "waiting for the customer's answer", "text": ""}
        (_pause if then == "wait" else _resolve)(connection, engine, fresh, replace(act, fields=fields))


def _write(connection: Connection, engine: Engine, ticket: Ticket, act: Act, text: str) -> None:
    """A mail to the ticket's requester, written down and on its way."""
    filed = [entry for entry in tickets.story(connection, ticket.id) if entry.kind == "mail-in"]
    last = filed[-1].data.get("message_id") if filed else None
    n = letters.count_of_ticket(connection, ticket.id) + 2  # the first number is the acknowledgement's, sent or not
    message_id = engine.outgoing_message_id(ticket, n)
    references = (engine.outgoing_message_id(ticket), *((last,) if last else ()))
    thread = {"in_reply_to": last, "references": references}
    letter = engine.letter(ticket, Answer(text, act.who, ticket.subject), message_id, act.at, thread)
    letters.write(connection, engine.written(letter, ticket))
    jobs.add(connection, "letter", act.at, {"message_id": message_id, "kind": "answer"}, ticket.id)
    tickets.tell(
        connection,
        ticket.id,
        act.at,
        NewEntry("answer", act.who, {"text": text, "to": ticket.requester, "message_id": message_id}),
    )


def update_children(connection: Connection, engine: Engine, parent: Ticket, act: Act) -> int:
    """One update from one place: a mail to the requester of every ticket of a wider fault; says how many went."""
    text = act.field("text", "the update")
    written = 0
    for one in faults.children(connection, parent.id):
        child = engine.ticket(connection, one, lock=True)
        if child is None or child.state not in OPEN:
            continue
        if child.requester is None or mailbox(child.requester) is None:
            _tell(connection, child, act, "update of the wider fault: no mail address, call the customer", text)
            continue
        _write(connection, engine, child, act, text)
        written += 1
    _tell(connection, parent, act, f"update sent to {written} tickets", text)
    return written


def _note(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    tickets.tell(connection, ticket.id, act.at, NewEntry("note", act.who, {"text": act.field("text", "the note")}))


def _pause(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    reason = act.field("reason", "the reason for the pause")
    state = _next(ticket, "pause")
    on = act.fields.get("on") or "customer"
    if on not in WAITING:
        raise Permanent(f"{on} is nobody to wait for; choose one of {', '.join(WAITING)}")
    tickets.update(connection, ticket, state=state, pauses=(*ticket.pauses, Pause(act.at, None, reason, on)))
    _tell(connection, ticket, act, f"clock paused: {reason}")
    engine.restamp(connection, ticket.id)


def _resume(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    _next(ticket, "resume")
    tickets.update(connection, ticket, **resumed(ticket.pauses, act.at))
    _tell(connection, ticket, act, "clock resumed", act.fields.get("text", ""))
    engine.restamp(connection, ticket.id)


def _priority(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Counted again from the original receipt; confirming a priority is the triage."""
    desk = engine.desk(ticket.desk)
    wanted = act.field("priority", "the priority")
    if wanted not in desk.kinds[ticket.kind]:  # type: ignore[index]
        raise Permanent(f"{wanted} is no priority of this desk; choose one of {', '.join(desk.kinds[ticket.kind])}")  # type: ignore[index]
    met = {"triage": act.at, **ticket.met}
    tickets.update(connection, ticket, priority=wanted, met=met)
    was = {"before": _dues(ticket)}
    _tell(connection, ticket, act, f"priority {ticket.priority} -> {wanted}", act.fields.get("text", ""), was)
    engine.restamp(connection, ticket.id)


def _kind(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Another kind: its promises are counted from the original receipt. A priority that it does not have becomes its last."""
    desk = engine.desk(ticket.desk)
    wanted = act.field("kind", "the kind")
    if wanted not in desk.kinds:
        raise Permanent(f"{wanted} is no kind of this desk; choose one of {', '.join(desk.kinds)}")
    allowed = desk.kinds[wanted]  # type: ignore[index]
    priority = ticket.priority if ticket.priority in allowed else allowed[-1]
    was = {"before": _dues(ticket), "was": ticket.kind}
    tickets.update(connection, ticket, kind=wanted, priority=priority)
    words = f"kind {ticket.kind} -> {wanted}"
    _tell(connection, ticket, act, words, act.fields.get("text", ""), was)
    if priority != ticket.priority:
        _tell(
            connection, ticket, act, f"priority {ticket.priority} -> {priority}", f"{wanted} has no {ticket.priority}"
        )
    engine.restamp(connection, ticket.id)


def _correct(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """One click: the kind, the priority or the queue is another one. What it was stays in the story."""
    for name, doing, field in (
        ("kind", _kind, "kind"),
        ("priority", _priority, "priority"),
        ("queue", _escalate, "to"),
    ):
        if value := act.fields.get(name, ""):
            doing(connection, engine, ticket, replace(act, fields={**act.fields, field: value}))
            return
    raise Permanent("nothing to correct was chosen; choose a kind, a priority or a queue")


def _give(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Into somebody's hands: one of the desk's staff, by login or name; nobody's clock stops for it."""
    desk = engine.desk(ticket.desk)
    wanted = act.field("to", "whose it shall be")
    worker = next((one for one in desk.staff.values() if wanted in (one.id, one.name)), None)
    if worker is None:
        listed = ", ".join(one.name for one in desk.staff.values()) or "nobody: the desk lists no staff"
        raise Permanent(f"{wanted} is not of this desk's staff; choose one of {listed}")
    queue = desk.queues.get(ticket.queue)
    if queue is not None and queue.restricted and not worker.teams & frozenset(queue.served_by):
        raise Permanent(
            f"{ticket.queue} is restricted: only its own teams may have {ticket.number}; choose one of them"
        )
    tickets.update(connection, ticket, assignee=worker.name)
    presence.gave(connection, worker.id, act.at)
    _tell(connection, ticket, act, f"given {ticket.assignee or 'nobody'} -> {worker.name}", act.fields.get("text", ""))
    engine.restamp(connection, ticket.id)


def _contract(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Another plan: counted again from the original receipt, under the desk's rules of today."""
    desk = engine.desk(ticket.desk)
    plan, base = act.field("plan", "the plan"), act.fields.get("base_plan") or None
    try:
        found = terms_of(desk, plan, base, ticket.kind, ticket.priority, ticket.region)  # type: ignore[arg-type]
    except ValueError as wrong:
        raise Permanent(f"{wrong}; choose one of the plans of {desk.id}") from None
    tickets.update(connection, ticket, plan=plan, base_plan=found.base_plan, desk_version=desk.version)
    was = {"before": _dues(ticket)}
    _tell(connection, ticket, act, f"plan {ticket.plan or '-'} -> {plan}", act.fields.get("text", ""), was)
    engine.restamp(connection, ticket.id)


def _plan(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """The action plan stands: it stops the resolution clock, and from here on the customer hears how it goes. `every`:
    what was agreed with them instead of the desk's cadence (2h, 1 day)."""
    if ticket.state not in OPEN:
        raise Permanent(f"{ticket.number} is {ticket.state}: an action plan is for open tickets; reopen it first")
    text, every = act.field("text", "the action plan"), act.fields.get("every", "").strip()
    try:
        cadence = allowances.iso(allowance) if (allowance := notation.allowance(every or "N/A")) else None
    except ValueError as wrong:
        raise Permanent(f"{every!r} is no cadence; {wrong}") from None
    target = "execution" if "execution" in _promised(engine.desk(ticket.desk), ticket, ("execution",)) else "resolution"
    met = {target: act.at, "take_charge": act.at, **ticket.met}
    state = "taken" if ticket.state == "new" else ticket.state
    tickets.update(connection, ticket, met=met, state=state, updates_every=cadence, assignee=ticket.assignee or act.who)
    _tell(connection, ticket, act, "action plan", text)
    engine.restamp(connection, ticket.id)


def _news(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """The customer was told how it goes on, by telephone or otherwise: the cadence counts on from here."""
    text = act.field("text", "what the customer was told")
    tickets.tell(connection, ticket.id, act.at, NewEntry("news", act.who, {"words": "told the customer", "text": text}))
    engine.restamp(connection, ticket.id)


def _move(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """The next stage of a kind that lives by agreement. `until`: the last day on which an offer holds."""
    desk = engine.desk_of(ticket)
    life = desk.lives.get(ticket.kind)  # type: ignore[call-overload]
    if life is None:
        raise Permanent(f"a ticket of the kind {ticket.kind} has no stages on this desk; resolve or close it instead")
    to, now = act.field("to", "the stage"), ticket.stage or life.start
    if to not in life.moves.get(now, ()):
        allowed = ", ".join(life.moves.get(now, ())) or "nothing: it is at its end"
        raise Permanent(f"{ticket.number} is {now} and cannot become {to}; it may become {allowed}")
    valid_until = None
    if to == life.expires_in:
        try:
            valid_until = sla.expiry(desk, date.fromisoformat(act.field("until", "the last day of the offer")))
        except ValueError:
            raise Permanent("the last day of the offer is no date such as 2026-12-24; write it so") from None
    tickets.update(connection, ticket, stage=to, valid_until=valid_until)
    _tell(connection, ticket, act, f"stage {now} -> {to}", act.fields.get("text", ""))
    engine.restamp(connection, ticket.id)


def _dues(ticket: Ticket) -> dict[str, Any]:
    """The deadlines that a new stamp replaces, kept in the story."""
    return {one["target"]: one["due"] for one in ticket.clocks.get("targets", ())}


def _escalate(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """To another queue."""
    put(connection, engine, ticket, act, act.field("to", "the queue"))


def put(connection: Connection, engine: Engine, ticket: Ticket, act: Act, to: str) -> None:
    """Into another queue, by a person or by the clock; the history stays. Raises Permanent with words for the person."""
    desk = engine.desk(ticket.desk)
    if to not in desk.queues:
        raise Permanent(f"{to} is no queue of this desk; choose one of {', '.join(desk.queues)}")
    if until := duty.barred_until(connection, desk, act.who, to, act.at):
        raise Permanent(
            f"{to} takes nothing from whoever is on duty: {ticket.number} stays in {ticket.queue}; escalate it again from"
            f" {until.astimezone(ZoneInfo(desk.zone)):%Y-%m-%d %H:%M}, or to another queue"
        )
    now = desk.queues.get(ticket.queue)
    if now is not None and now.restricted and not desk.queues[to].restricted:
        raise Permanent(f"{ticket.queue} is restricted: {ticket.number} may only go to a queue that is restricted too")
    level = desk.queues[to].level or ticket.level
    restricted = ticket.restricted or desk.queues[to].restricted
    tickets.update(connection, ticket, queue=to, level=level, restricted=restricted)
    _tell(
        connection,
        ticket,
        act,
        f"escalated {ticket.queue} ({ticket.level}) -> {to} ({level})",
        act.fields.get("text", ""),
    )
    moved = engine.ticket(connection, ticket.id, lock=True)
    if moved is not None:
        assigning.moved(connection, desk, moved, act.at)


def _resolve(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Resolved waits for the customer's word, who reads by mail what solved it; the resolution clock stops here."""
    state = _next(ticket, "resolve")
    text = act.fields.get("text", "").strip()
    if text and ticket.requester is not None:
        _write(connection, engine, ticket, act, text)
    targets = _promised(engine.desk(ticket.desk), ticket, RESOLVED)
    met = {**dict.fromkeys(targets, act.at), **ticket.met}
    tickets.update(connection, ticket, state=state, resolved_at=act.at, met=met, pauses=ended(ticket.pauses, act.at))
    _tell(connection, ticket, act, "resolved", "" if ticket.requester else text)
    engine.restamp(connection, ticket.id)
    _end_pages(connection, engine, ticket, act)


def _close(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    state = _next(ticket, "close")
    tickets.update(connection, ticket, state=state)
    _tell(connection, ticket, act, "closed")
    engine.restamp(connection, ticket.id)


def _reopen(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """It was not solved after all: the clocks go on from the original receipt, in the hands of whoever had it."""
    state = _next(ticket, "reopen")
    changes = {**gone_on(ticket, act.at), "state": state, "assignee": ticket.assignee or act.who}
    tickets.update(connection, ticket, **changes)
    _tell(connection, ticket, act, "reopened", act.fields.get("text", ""))
    engine.restamp(connection, ticket.id)


Doing = Callable[[Connection, Engine, Ticket, Act], None]
ACTIONS: Mapping[str, Doing] = {
    "take": _take,
    "answer": _answer,
    "note": _note,
    "pause": _pause,
    "resume": _resume,
    "priority": _priority,
    "correct": _correct,
    "give": _give,
    "escalate": _escalate,
    "resolve": _resolve,
    "close": _close,
    "reopen": _reopen,
    "verify": vouching.verify,
    "assign": vouching.assign,
    "contract": _contract,
    "plan": _plan,
    "news": _news,
    "move": _move,
}


def _next(ticket: Ticket, action: Action) -> State:
    state = after(ticket.state, action)
    if state is None:
        raise Permanent(
            f"{ticket.number} is {ticket.state}: '{action}' is not possible now; load the page again to see what changed"
        )
    return state


def _meet(
    connection: Connection, engine: Engine, ticket: Ticket, act: Act, targets: tuple[str, ...], state: str
) -> None:
    met = {**dict.fromkeys(_promised(engine.desk(ticket.desk), ticket, targets), act.at), **ticket.met}
    assignee = ticket.assignee or act.who
    tickets.update(connection, ticket, met=met, state=state, assignee=assignee)
    engine.restamp(connection, ticket.id)


def _promised(desk: Desk, ticket: Ticket, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Of these targets, those that the ticket's plan has."""
    shown = {target["target"] for target in ticket.clocks.get("targets", ())}
    return tuple(target for target in targets if target in shown or target == "take_charge")


def _tell(
    connection: Connection,
    ticket: Ticket,
    act: Act,
    words: str,
    text: str = "",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    data: dict[str, Any] = {"words": words, **more}
    if text.strip():
        data["text"] = text.strip()
    tickets.tell(connection, ticket.id, act.at, NewEntry("state", act.who, data))


def _end_pages(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Whoever takes or resolves a ticket ends its pages: nobody else is woken."""
    merging.end_pages(connection, ticket, act.at, act.who)
