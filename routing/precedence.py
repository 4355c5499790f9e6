"""In which order tickets are worked on, and why this one stands where it does.

Each desk chooses what comes first: the plan, critical faults, or the deadline. Within that: severity, a core service, how many
customers are touched, how bad it is, whether there is a way around it; last the deadline and the age, so that the order is
stable. The place is a text that sorts; the same facts give the same one. Refuses to know who works.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from routing.desk import Desk

LATEST = 10**17  # microseconds: a ticket without a deadline
MOST = 99
MANY = 9  # customers beyond which it makes no difference
WORTH = {
    "core": 10,
    "production": 3,
    "stopped": 6,
    "everyone": 3,
    "degraded": 2,
    "workaround": -4,
    "one-person": -3,
    "whenever": -5,
}


@dataclass(frozen=True, slots=True)
class Work:
    """What the order asks of a ticket. `signs`: what its report says of it; `touched`: customers of a wider fault."""

    plan: str | None
    priority: str
    due: datetime | None
    received: datetime
    signs: frozenset[str] = frozenset()
    touched: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """`key` sorts ascending; `why` says it in words, the most important first."""

    key: str
    why: tuple[str, ...]


def place(work: Work, desk: Desk) -> Place:
    """Where a ticket stands among those of its desk."""
    ranks = list(desk.priorities)
    rank = ranks.index(work.priority) if work.priority in ranks else len(ranks)
    plan = desk.plans.get(work.plan or "")
    band = min(plan.precedence, 9) if plan else 9
    score, told = _score(work)
    due = _micro(work.due) if work.due else LATEST
    why = [f"priority {work.priority}", *told, f"due {str(work.due)[:16]} UTC" if work.due else "no deadline"]
    match desk.precedence:
        case "plan":
            order = (f"{band}", f"{min(rank, 9)}", f"{MOST - score:02d}", f"{due:017d}")
            why.insert(0, f"this desk takes plans first: {plan.label if plan else 'no plan'}")
        case "critical":
            order = ("0" if rank == 0 else "5", f"{min(rank, 9)}", f"{MOST - score:02d}", f"{due:017d}")
            why.insert(0, "critical: overtakes everything" if rank == 0 else "this desk takes critical faults first")
        case _:
            order = ("5", f"{due:017d}", f"{min(rank, 9)}", f"{MOST - score:02d}")
            why.insert(0, "this desk works by deadline")
            why.append(why.pop(1))
    return Place("".join((*order, f"{_micro(work.received):017d}")), tuple(why))


def signs_of(evidence: Iterable[str]) -> frozenset[str]:
    """The signs that a ticket was filed with."""
    lines = (line.removeprefix("sign: ") for line in evidence if line.startswith("sign: "))
    return frozenset(part.partition(" «")[0] for line in lines for part in line.split("», "))


def _score(work: Work) -> tuple[int, list[str]]:
    """What speaks for it within its priority, 0 to 99, with the words."""
    told = [f"{sign.replace('-', ' ')} {WORTH[sign]:+d}" for sign in WORTH if sign in work.signs]
    total = sum(WORTH[sign] for sign in WORTH if sign in work.signs)
    touched = min(work.touched, MANY)
    if touched > 1:
        total += 5 * touched
        told.append(f"{work.touched} customers touched {5 * touched:+d}")
    return max(0, min(MOST, 20 + total)), told


def _micro(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
