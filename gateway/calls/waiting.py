"""A person to talk to: the desk's agents, and our own queue for those who find all of them talking.

The order is ours: by the plan's rank, then by the instant of the wish, kept for ever. Whoever waits asks again every few
seconds, so that no leg of a carrier has to be moved and a lost line drops out by itself. Refuses to promise somebody
outside the desk's hours, and to ring a telephone that already rings.
"""

import math
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.store import callbacks as requests
from gateway.store import calls, jobs, users, waiting
from gateway.store.waiting import Waiting
from ivr import events as e
from routing import calendars
from routing.desk import Agent, Desk

USUAL_TALK = 300.0  # seconds, before anything was measured


def is_open(desk: Desk, now: datetime) -> bool:
    """Do people answer now?"""
    phone = desk.phone
    if phone is None or phone.hours is None:
        return False
    return phone.hours == "24x7" or calendars.is_open(desk.calendars[phone.hours], now)


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
        if not there or not is_open(desk, now):
            return e.Nobody()
        mine = _joined(
            connection,
            mine,
            Waiting(sid, desk.id, ticket_id, rank(desk, plan), at, now, "waiting", None, (), now, None),
        )
    tried = [*mine.tried, mine.agent] if mine.state == "ringing" and mine.agent else list(mine.tried)
    assert desk.phone is not None
    too_long = now - mine.since > timedelta(minutes=desk.phone.wait_minutes)
    if too_long or not {one.id for one in there} - set(tried) or not is_open(desk, now):
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
