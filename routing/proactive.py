"""Events of a customer's monitoring: which line of the desk's event table one is, and with which priority it opens a ticket.

Refuses to read an event's state and object (`routing.alerts`) and to decide whether it pages (`routing.decide`).
"""

from typing import Literal

from routing.desk import Channel, Desk, EventRule, Kind, Plan

State = Literal["problem", "recovery"]


def rule_of(desk: Desk, subject: str, text: str, named: str = "") -> EventRule | None:
    """The line that is named by its id, else the first whose words stand in the event: first its subject, then its text."""
    for rule in desk.events:
        if rule.id == named:
            return rule
    for said in (subject, text):
        low = " ".join(said.lower().split())
        for rule in desk.events:
            if any(word in low for word in rule.words):
                return rule
    return None


def kind_of(desk: Desk) -> Kind:
    """What an event's ticket is: an event where the desk has that kind, else what it takes any report for."""
    return "event" if "event" in desk.kinds else desk.default_kind


def priority(desk: Desk, rule: EventRule | None, state: State, said: str | None = None) -> str:
    """By the table, else as the sender says, else the desk's default; a recovery that no open ticket waits for is the
    lowest: it wakes nobody."""
    allowed = desk.kinds[kind_of(desk)]
    if state == "recovery":
        return allowed[-1]
    wanted = rule.priority if rule else said
    if wanted in allowed:
        return str(wanted)
    return desk.default_priority if desk.default_priority in allowed else allowed[-1]


def channel_of(plan: Plan | None) -> Channel:
    """A mail of a monitoring system counts as an event where the plan has that channel."""
    return "event" if plan is not None and "event" in plan.channels else "mail"


def outranks(desk: Desk, priority: str, other: str) -> bool:
    """Is an event of this priority worse than a ticket of that one? Then it is no mere repetition."""
    ranks = list(desk.priorities)
    return priority in ranks and other in ranks and ranks.index(priority) < ranks.index(other)
