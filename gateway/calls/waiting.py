"""A person to talk to: the desk's agents, and our own queue for those who find all of them talking.

The order is ours: by the plan's rank, then by the instant of the wish, kept for ever. Whoever waits asks again every few
seconds, so that no leg of a carrier has to be moved and a lost line drops out by itself. Refuses to promise somebody
outside the desk's hours, and to ring a telephone that already rings.
"""

import math
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.store import alarms, calls, jobs, tickets, users, waiting
from gateway.store import callbacks as requests
from gateway.store.calls import StoredCall
from gateway.store.tickets import NewEntry
from gateway.store.waiting import Waiting
from ivr import events as e
from routing import calendars
from routing.desk import Agent, Desk

USUAL_TALK = 300.0  # seconds, before anything was measured


def is_open(desk: Desk, now: datetime) -> bool:
    """Is it within the desk's hours, so that no PIN is asked?"""
    return desk.phone is not None and _within(desk, desk.phone.hours, now)


def is_staffed(desk: Desk, now: datetime) -> bool:
    """Can callers be connected to somebody now?"""
    return desk.phone is not None and _within(desk, desk.phone.staffed, now)


def _within(desk: Desk, hours: str | None, now: datetime) -> bool:
    return hours == "24x7" or (hours is not None and calendars.is_open(desk.calendars[hours], now))


def agents(connection: Connection, desk: Desk) -> tuple[Agent, ...]:
    """Those who have not said that they are away."""
    if desk.phone is None or not desk.phone.agents:
        return ()
    away = (users.fact(connection, f"away:{desk.id}") or "").split()
    return tuple(one for name, one in desk.phone.agents.items() if name not in away)


def set_away(connection: Connection, desk: Desk, agent: str, away: bool) -> None:
    """An agent comes or goes."""
    held = set((users.fact(connection, f"away:{desk.id}") or "").split()) - {agent}
    users.set_fact(connection, f"away:{desk.id}", " ".join(sorted(held | {agent} if away else held)))


def free(connection: Connection, desk: Desk, now: datetime) -> int:
    """Agents that neither talk nor are waited for on the line."""
    busy = waiting.busy(connection, desk.id, now)
    idle = sum(one.id not in busy for one in agents(connection, desk))
    return max(0, idle - waiting.count(connection, desk.id, now))


def rank(desk: Desk, plan: str | None) -> int:
    """Lower goes first, where the desk says that plans do."""
    known = desk.plans.get(plan or "")
    return known.precedence if known and desk.precedence == "plan" else 0


def find(
    connection: Connection, sid: str, ticket_id: int | None, plan: str | None, desk: Desk, at: datetime, now: datetime
) -> e.Answer:
    """A free agent's number, a place in the queue, or nobody. `at`: since when they want a person."""
    there = agents(connection, desk)
    calls.alone(connection, f"queue:{desk.id}")
    mine = waiting.get(connection, sid)
    if mine is None or mine.state == "over":
        if not there or not is_staffed(desk, now):
            return e.Nobody()
        mine = _joined(
            connection,
            mine,
            Waiting(sid, desk.id, ticket_id, rank(desk, plan), at, now, "waiting", None, (), now, None),
        )
    tried = [*mine.tried, mine.agent] if mine.state == "ringing" and mine.agent else list(mine.tried)
    assert desk.phone is not None
    too_long = now - mine.since > timedelta(minutes=desk.phone.wait_minutes)
    if too_long or not {one.id for one in there} - set(tried) or not is_staffed(desk, now):
        waiting.update(connection, sid, state="over", tried=tried, seen_at=now)
        return e.Nobody()
    busy = waiting.busy(connection, desk.id, now) - ({mine.agent} if mine.state == "ringing" else set())
    before = waiting.ahead(connection, mine, now)
    idle = [one for one in there if one.id not in busy]
    mine_now = [one for one in idle if one.id not in tried]
    if len(idle) > before and mine_now:
        waiting.update(connection, sid, state="ringing", agent=mine_now[0].id, tried=tried, seen_at=now)
        return e.Person(mine_now[0].number)
    waiting.update(connection, sid, state="waiting", agent=None, tried=tried, seen_at=now)
    talk = waiting.usual_talk(connection, desk.id) or USUAL_TALK
    return e.InQueue(before + 1, math.ceil(talk * (before + 1) / len(there) / 60))


def _joined(connection: Connection, before: Waiting | None, one: Waiting) -> Waiting:
    if before is None:
        waiting.join(connection, one)
    else:  # the same caller wants a person once more
        waiting.update(connection, one.sid, state="waiting", since=one.since, agent=None, tried=[], seen_at=one.seen_at)
    return one


def offered(connection: Connection, caller: StoredCall | None) -> Waiting | None:
    """The place of a caller for whom somebody's telephone rings just now; None when they have hung up or wait for nobody."""
    mine = waiting.get(connection, caller.sid) if caller is not None and caller.status == "in-progress" else None
    return mine if mine is not None and mine.state == "ringing" else None


def number_rung(connection: Connection, sid: str, desk: Desk) -> str:
    """The telephone of the agent who is or was rung for this caller last, "" for none."""
    mine = waiting.get(connection, sid)
    agent = desk.phone.agents.get(mine.agent or "") if mine is not None and desk.phone is not None else None
    return agent.number if agent else ""


def ever(connection: Connection, sid: str) -> bool:
    """Was anybody ever looked for, for this caller?"""
    return waiting.get(connection, sid) is not None


def taken(connection: Connection, mine: Waiting, ticket_id: int, desk: Desk, now: datetime) -> None:
    """The key was pressed at the agent's telephone: from now on the two talk."""
    waiting.update(connection, mine.sid, state="talking", seen_at=now)
    assert desk.phone is not None
    agent = desk.phone.agents.get(mine.agent or "")
    if agent is not None:
        words = {"words": f"{agent.name} took the call", "sid": mine.sid}
        tickets.tell(connection, ticket_id, now, NewEntry("call", agent.name, words))


def talked(connection: Connection, sid: str) -> bool:
    """Did a person press the key for this caller? What a carrier calls completed may have been a voicemail."""
    mine = waiting.get(connection, sid)
    return mine is not None and mine.state == "talking"


def flag(connection: Connection, sid: str, desk: Desk, now: datetime) -> None:
    """The number of the agent who was rung for this caller cannot be called at all: somebody must correct it."""
    mine = waiting.get(connection, sid)
    assert desk.phone is not None
    agent = desk.phone.agents.get(mine.agent or "") if mine is not None else None
    words = f"{agent.name}'s telephone cannot be called; correct the number in the desk's file" if agent else ""
    if words and not alarms.waits(connection, "agent-number", words):
        jobs.alarm(connection, now, "agent-number", words)


def leave(connection: Connection, sid: str, desk: Desk, connected: bool, now: datetime) -> None:
    """The line is gone, or the conversation over: the next one's turn."""
    mine = waiting.get(connection, sid)
    if mine is None or mine.state == "over":
        return
    talked = round((now - mine.seen_at).total_seconds()) if connected else None
    waiting.update(connection, sid, state="over", seen_at=now, talked=talked)
    after = requests.first_waiting(connection, desk.id, now)
    if after is not None:
        jobs.hasten(connection, "callback", after.ticket_id, now)
