"""What a person does to a ticket: take, answer, note, pause, resume, change priority, escalate, resolve, close, reopen.

Each is one function over one locked ticket in the caller's transaction, and each is told in the ticket's story. The table of
states (`routing.tickets`) says what is possible; what is not raises Permanent with words for the person. Intake never counts
as an answer: only what is done here (or on an engineer's phone) meets a target.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.post.letter import Answer, mailbox
from gateway.store import calls, jobs, letters, tickets
from gateway.store.tickets import NewEntry
from routing import paging
from routing.desk import Desk
from routing.tickets import Action, Pause, State, Ticket, after, ended

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


def _note(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    tickets.tell(connection, ticket.id, act.at, NewEntry("note", act.who, {"text": act.field("text", "the note")}))


def _pause(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    reason = act.field("reason", "the reason for the pause")
    state = _next(ticket, "pause")
    tickets.update(connection, ticket, state=state, pauses=(*ticket.pauses, Pause(act.at, None, reason)))
    _tell(connection, ticket, act, f"clock paused: {reason}")
    engine.restamp(connection, ticket.id)


def _resume(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    state = _next(ticket, "resume")
    tickets.update(connection, ticket, state=state, pauses=ended(ticket.pauses, act.at))
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
    _tell(connection, ticket, act, f"priority {ticket.priority} -> {wanted}", act.fields.get("text", ""))
    engine.restamp(connection, ticket.id)


def _escalate(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """To another queue; the history stays."""
    desk = engine.desk(ticket.desk)
    to = act.field("to", "the queue")
    if to not in desk.queues:
        raise Permanent(f"{to} is no queue of this desk; choose one of {', '.join(desk.queues)}")
    level = desk.queues[to].level or ticket.level
    tickets.update(connection, ticket, queue=to, level=level)
    _tell(
        connection,
        ticket,
        act,
        f"escalated {ticket.queue} ({ticket.level}) -> {to} ({level})",
        act.fields.get("text", ""),
    )


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


def _reopen(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """It was not solved after all: the clocks go on from the original receipt, in the hands of whoever had it."""
    state = _next(ticket, "reopen")
    tickets.update(connection, ticket, state=state, resolved_at=None, assignee=ticket.assignee or act.who)
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
    "escalate": _escalate,
    "resolve": _resolve,
    "close": _close,
    "reopen": _reopen,
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


def _tell(connection: Connection, ticket: Ticket, act: Act, words: str, text: str = "") -> None:
    data: dict[str, Any] = {"words": words}
    if text.strip():
        data["text"] = text.strip()
    tickets.tell(connection, ticket.id, act.at, NewEntry("state", act.who, data))


def _end_pages(connection: Connection, engine: Engine, ticket: Ticket, act: Act) -> None:
    """Whoever takes or resolves a ticket ends its pages: nobody else is woken."""
    for one in calls.pages_of(connection, ticket.id):
        stored = calls.page(connection, one.id, lock=True)  # its call may be answered at this very moment
        if stored is not None and stored.open:
            page = paging.close(paging.from_json(stored.state), act.at, act.who) if stored.state else None
            calls.keep_page(connection, stored.id, paging.to_json(page) if page else {}, open_=False)
            jobs.hasten(connection, "page", ticket.id, act.at)
