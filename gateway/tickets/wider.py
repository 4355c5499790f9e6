"""Wider faults: the same service or error code at several customers within a window.

Presa proposes, by an alarm; a person confirms. The parent is an incident of its own; its children are linked, never merged,
and keep their own clocks and plans. One update from one place goes to all of them. Later reports are offered as children.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from gateway.engine import Engine
from gateway.errors import Permanent
from gateway.store import faults, jobs, reports, tickets, traces
from gateway.store.faults import Fault
from gateway.store.tickets import NewEntry
from gateway.store.traces import Suggestion
from identity.people import Recognition
from routing import decide, numbers
from routing.facts import Trace
from routing.faults import Sign, fault_of, signs_of, touched
from routing.tickets import OPEN, Ticket

ALARM = "wider-fault"
__all__ = ["confirm", "dismiss", "join", "leave", "notice", "signs_of"]


def notice(connection: Connection, engine: Engine, ticket: Ticket, trace: Trace) -> None:
    """Does this report make, or belong to, a fault that several customers have?"""
    signs = signs_of(trace)
    if not signs or trace.customer is None:
        return
    policy = engine.desk(ticket.desk).relating
    mine = Sign(str(ticket.id), trace.at, trace.customer, signs)
    for sign in sorted(signs):
        known_fault = faults.current(connection, ticket.desk, sign, trace.at - policy.fault_within)
        if known_fault is not None:
            _add(connection, engine, known_fault, ticket, trace.at)
            return
        earlier = [one for one in traces.signs(connection, [sign], trace.at - policy.fault_within) if one.id != mine.id]
        group = fault_of(mine, earlier, policy.fault_within)
        if touched(group, mine) >= policy.fault_customers:
            ids = [int(one.id) for one in group] + [ticket.id]
            _propose(connection, engine, ticket.desk, sign, trace.at, ids)
            return


def _propose(connection: Connection, engine: Engine, desk: str, sign: str, at: datetime, ids: Sequence[int]) -> None:
    fault = faults.propose(connection, desk, sign, at, ids)
    words = f"{said(sign)} at {len(ids)} customers: look under 'Wider faults' and confirm or dismiss"
    jobs.alarm(connection, engine.database.clock.now(), ALARM, words, ids[0])
    for one in ids:
        told = NewEntry("note", "presa", {"words": f"may be part of a wider fault ({said(sign)}, no. {fault})"})
        tickets.tell(connection, one, at, told)


def _add(connection: Connection, engine: Engine, fault: Fault, ticket: Ticket, at: datetime) -> None:
    """A later report: of a proposed fault one more, of a confirmed one offered as a child at once."""
    faults.add(connection, fault.id, ticket.id, at)
    if fault.ticket_id is not None:
        found = traces.suggested(connection, ticket.id)
        traces.suggest(
            connection,
            ticket.id,
            [Suggestion(fault.ticket_id, (f"part of a wider fault: {said(fault.sign)}",)), *found],
        )


def said(sign: str) -> str:
    """A sign in words: the service, and the error code if it is one."""
    kind, _, rest = sign.partition(":")
    return (
        f"trouble with {rest}"
        if kind == "service"
        else "error " + rest.rpartition(":")[2] + f" ({rest.partition(':')[0]})"
    )


def confirm(connection: Connection, engine: Engine, fault_id: int, by: str) -> Ticket:
    """The parent incident, with every ticket of the fault as its child."""
    fault = _open(connection, fault_id)
    desk, now = engine.desk(fault.desk), engine.database.clock.now()
    nobody = Recognition(None, None, "unknown", False, False, None, None)
    decision = decide.unread(desk, ALARM)
    children = faults.tickets_of(connection, fault_id)
    evidence = (
        f"report: {ALARM}: {said(fault.sign)} at {len(children)} tickets, confirmed by {by}",
        *decision.evidence,
    )
    parent_id = engine.open_ticket(
        connection,
        desk,
        nobody,
        decision,
        evidence,
        subject=f"Wider fault: {said(fault.sign)}",
        channel="console",
        received=now,
    )
    number = numbers.number_of(parent_id, desk.ticket_prefix)
    line = {"at": now, "door": "console", "peer": by, "rcpt": [], "outcome": "new", "reason": ALARM}
    reports.insert(connection, {**line, "ticket_id": parent_id, "evidence": list(evidence)})
    faults.decide(connection, fault_id, "confirmed", by, parent_id)
    for one in children:
        child = engine.ticket(connection, one, lock=True)
        if child is not None and child.merged_into is None:
            _link(connection, child, parent_id, number, by, now)
    engine.reorder(connection, parent_id)  # how many customers it touches counts in the order of work
    parent = engine.ticket(connection, parent_id)
    assert parent is not None
    return parent


def dismiss(connection: Connection, engine: Engine, fault_id: int, by: str) -> None:
    _open(connection, fault_id)
    faults.decide(connection, fault_id, "dismissed", by, None)


def _open(connection: Connection, fault_id: int) -> Fault:
    fault = faults.get(connection, fault_id)
    if fault is None:
        raise Permanent(f"there is no proposed fault {fault_id}; load the page again to see what changed")
    if fault.state != "proposed":
        raise Permanent(f"{fault.by} has {fault.state} this fault already; load the page again to see what changed")
    return fault


def join(connection: Connection, engine: Engine, ticket: Ticket, number: str, *, by: str, at: datetime) -> None:
    """Make a ticket a child of a parent incident."""
    parent_id = numbers.ticket_id(number)
    parent = engine.ticket(connection, parent_id) if parent_id else None
    if parent is None or not faults.is_parent(connection, parent.id):
        raise Permanent(f"{number or 'nothing'} is no wider fault; write the number of its parent incident")
    if ticket.merged_into is not None or ticket.state not in OPEN:
        raise Permanent(f"{ticket.number} is not open: it cannot become part of a fault")
    _link(connection, ticket, parent.id, parent.number, by, at)
    engine.reorder(connection, parent.id)
    traces.dismiss(connection, ticket.id, parent.id)


def leave(connection: Connection, ticket: Ticket, *, by: str, at: datetime) -> None:
    """It was not part of the fault after all."""
    if ticket.parent is None:
        raise Permanent(f"{ticket.number} is part of no wider fault; load the page again to see what changed")
    tickets.update(connection, ticket, parent=None)
    tickets.tell(connection, ticket.id, at, NewEntry("state", by, {"words": "not part of the wider fault"}))


def _link(connection: Connection, child: Ticket, parent_id: int, number: str, by: str, at: datetime) -> None:
    tickets.update(connection, child, parent=parent_id)
    tickets.tell(connection, child.id, at, NewEntry("state", by, {"words": f"part of the wider fault {number}"}))
    tickets.tell(connection, parent_id, at, NewEntry("state", by, {"words": f"{child.number} is part of it"}))
